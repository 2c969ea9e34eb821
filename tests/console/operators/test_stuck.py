"""What stands still is listed with the reason, and led to."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import Org
from batches import stuck
from batches.models import Batch, RoutePlan, WorkUnit
from batches.services.dispatch import dispatch_batch
from batches.stuck import stuck_page
from batchrouter.kit import clock
from console.operators import stuck as presented
from console.operators.stuck import StuckLine, StuckTable, show_stuck
from tests.factories.batches import make_batch, make_items

HOUR = timedelta(hours=1)


def cut(org: Org, *, due: datetime, items: int = 2) -> Batch:
    """Return a batch whose only unit waits for a worker since an hour."""
    batch = make_batch(org, make_items(items))
    now = clock.now()
    dispatch_batch(batch.pk, now=now)
    Batch.objects.filter(pk=batch.pk).update(deadline_at=due, state_at=now - HOUR)
    WorkUnit.objects.filter(batch=batch).update(
        created_at=now - HOUR, next_action_at=now - HOUR, leave_at=due
    )
    batch.refresh_from_db()
    return batch


def shown(**asked: str) -> StuckTable:
    now = clock.now()
    return show_stuck(stuck_page(now=now, after=asked.get("after", "")), asked)


def only_line(**asked: str) -> StuckLine:
    (line,) = shown(**asked).lines
    return line


@pytest.fixture
def due() -> datetime:
    return clock.now() + 5 * HOUR


def test_units_that_no_worker_takes_stand(org: Org, due: datetime) -> None:
    batch = cut(org, due=due)
    unit = WorkUnit.objects.get(batch=batch)

    line = only_line()

    assert (line.batch_id, line.org, line.items) == (batch.public_id, org.name, 2)
    assert (line.code, line.state) == ("no_worker", "ready")
    assert line.since == unit.created_at
    assert line.units_url == f"/admin/batches/workunit/{unit.pk}/change/"
    assert line.lane is not None
    assert line.lane.stage.startswith("lane 1 of ")
    assert (line.lane.leave_at, line.lane.plan) == (due, "")


def test_a_row_within_five_minutes_is_no_standing_still(
    org: Org, due: datetime
) -> None:
    batch = cut(org, due=due)
    WorkUnit.objects.filter(batch=batch).update(rows_at=clock.now())

    assert shown().lines == ()
    assert shown().looked_at == 1


def test_a_batch_without_units_stands_too(org: Org, due: datetime) -> None:
    batch = make_batch(org, make_items(1))
    Batch.objects.filter(pk=batch.pk).update(state_at=clock.now() - HOUR)

    line = only_line()

    assert (line.code, line.lane, line.units_url) == ("not_dispatched", None, "")


def test_units_under_a_new_plan_say_why_it_was_made(org: Org, due: datetime) -> None:
    batch = cut(org, due=due)
    plan = RoutePlan.objects.create(
        batch=batch,
        group_no=0,
        kept=1,
        cause="offering_disabled",
        stages=batch.quote.decisions[0]["stages"][:1] * 3,
    )
    WorkUnit.objects.filter(batch=batch).update(plan=plan, stage=2)

    line = only_line()

    assert line.lane is not None
    assert line.lane.stage == "lane 3 of 3"
    assert line.lane.plan == ("A new plan was made: An operator switched the lane off.")


def test_a_held_unit_says_what_it_is_held_for(org: Org, due: datetime) -> None:
    batch = cut(org, due=due)
    again = clock.now() + timedelta(minutes=2)
    WorkUnit.objects.filter(batch=batch).update(
        held_reason="provider_queue_full", next_action_at=again
    )

    line = only_line()

    assert (line.code, line.next_action_at) == ("provider_queue_full", again)


def test_lines_are_narrowed_by_provider_lane_and_reason(
    org: Org, due: datetime
) -> None:
    batch = cut(org, due=due)
    lane = batch.quote.decisions[0]["stages"][0]

    table = shown()

    assert table.providers == ((lane["provider"], lane["provider"]),)
    assert [pk for pk, _ in table.lanes] == [str(lane["offering_id"])]
    assert table.codes == (("no_worker", "no_worker"),)
    for asked in (
        {"provider": lane["provider"]},
        {"lane": str(lane["offering_id"])},
        {"code": "no_worker"},
    ):
        assert only_line(**asked).batch_id == batch.public_id
    for asked in ({"provider": "nobody"}, {"lane": "0"}, {"code": "breaker_open"}):
        assert shown(**asked).lines == ()


def test_a_page_looks_at_so_many_batches_and_leads_to_the_next(
    org: Org, due: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stuck, "LOOKED_AT", 1)
    later, first = cut(org, due=due), cut(org, due=due - HOUR)

    one = shown(code="no_worker")
    two = shown(code="no_worker", after=first.public_id)

    assert [line.batch_id for line in one.lines] == [first.public_id]
    assert one.next_url == f"/admin/stuck/?code=no_worker&after={first.public_id}"
    assert [line.batch_id for line in two.lines] == [later.public_id]
    assert (two.next_url, two.first_url) == ("", "/admin/stuck/?code=no_worker")


def test_a_page_shows_so_many_lines_and_leads_on_from_their_last_batch(
    org: Org, due: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presented, "SHOWN", 1)
    later, first = cut(org, due=due), cut(org, due=due - HOUR)

    table = shown()

    assert [line.batch_id for line in table.lines] == [first.public_id]
    assert table.next_url == f"/admin/stuck/?after={first.public_id}"
    assert only_line(after=first.public_id).batch_id == later.public_id


def test_the_page_leads_to_batch_unit_and_lane(
    operator: Client, org: Org, due: datetime
) -> None:
    batch = cut(org, due=due)
    line = only_line()
    assert line.lane is not None

    page = operator.get("/admin/stuck/").content.decode()

    for address in (
        f"/admin/batches/batch/{batch.pk}/change/",
        line.units_url,
        f"/admin/lanes/{line.lane.pk}/",
    ):
        assert f'href="{address}"' in page
        assert operator.get(address).status_code == 200


def test_an_unknown_place_begins_anew(operator: Client, org: Org) -> None:
    page = operator.get("/admin/stuck/?after=nonsense")

    assert page.status_code == 200


def test_the_page_takes_the_same_queries_for_any_number_of_batches(
    operator: Client, org: Org, due: datetime, django_assert_max_num_queries: Any
) -> None:
    for number in range(4):
        cut(org, due=due, items=1 + number)
    # The first page of a session also notes that it was seen.
    operator.get("/admin/dashboard/")
    with django_assert_max_num_queries(12):
        assert operator.get("/admin/stuck/").status_code == 200
