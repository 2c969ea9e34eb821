"""Why a batch that should move does not."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from batches.engine.claims import RUNNING_PER_ORG
from batches.models import Batch, Execution, WorkUnit
from batches.places import PLACES, evidence_for, place_values, places_of
from batches.progress import progress_json
from batches.selectors import standing_of
from batches.states import BatchState, ExecutionState, UnitState
from batchrouter.kit import clock
from catalog.switches import switch_offering
from routing import health
from routing.models import OfferingHealth
from tests.batches.conftest import Customer
from tests.batches.engine.builders import DIRECT, NATIVE, OTHER, dispatched
from tests.factories.batches import make_batch, make_item, make_items

LATER = timedelta(minutes=6)


def stall_of(batch: Batch, *, now: datetime) -> dict[str, Any]:
    """Return what a batch's progress says of its stall."""
    batch.refresh_from_db()
    found = progress_json(batch, standing_of(batch), now=now)["stall"]
    assert found is not None
    stall: dict[str, Any] = found
    return stall


def lane_of(batch: Batch) -> int:
    """Return the offering of the first lane of a batch's plan."""
    offering_id: int = batch.quote.decisions[0]["stages"][0]["offering_id"]
    return offering_id


def started(
    batch: Batch, unit_state: UnitState, state: ExecutionState, **facts: Any
) -> Execution:
    """Let the only unit of a batch be in the hands of an execution."""
    unit = WorkUnit.objects.get(batch=batch)
    WorkUnit.objects.filter(pk=unit.pk).update(state=unit_state)
    Batch.objects.filter(pk=batch.pk).update(state=BatchState.RUNNING)
    stage = batch.quote.decisions[0]["stages"][0]
    return Execution.objects.create(
        state=state,
        state_at=batch.state_at,
        batch=batch,
        unit=unit,
        stage=0,
        offering_id=stage["offering_id"],
        provider=stage["provider"],
        model=stage["model"],
        provider_model=stage["provider_model"],
        mode=stage["mode"],
        item_count=unit.item_count,
        started_at=datetime.fromisoformat("2026-11-29T10:00:00+00:00"),
        **facts,
    )


def test_nobody_has_cut_it_yet(owner: Customer) -> None:
    batch = make_batch(owner.org, make_items(3))

    stall = stall_of(batch, now=batch.state_at + LATER)

    assert stall["code"] == "not_dispatched"
    assert stall["since"] == clock.iso(batch.state_at)


def test_no_worker_takes_its_units(owner: Customer) -> None:
    batch = dispatched(owner.org, make_items(3), DIRECT)

    stall = stall_of(batch, now=batch.state_at + LATER)

    assert stall["code"] == "no_worker"
    assert stall["reason"] == (
        "1 work units for openai are due, and no worker has taken any; ours seem to "
        "be down."
    )


def test_workers_serve_others_first(owner: Customer, stranger: Customer) -> None:
    other = dispatched(stranger.org, make_items(3), DIRECT)
    WorkUnit.objects.filter(batch=other).update(state=UnitState.RUNNING)
    batch = dispatched(owner.org, make_items(3), DIRECT)

    assert stall_of(batch, now=batch.state_at + LATER)["code"] == "workers_busy"


def test_its_organization_has_its_share_already(owner: Customer) -> None:
    other = dispatched(owner.org, make_items(3), DIRECT)
    unit = WorkUnit.objects.get(batch=other)
    for _ in range(RUNNING_PER_ORG):
        unit.pk, unit.public_id = None, f"wu_{clock.now().timestamp()}"
        unit.state = UnitState.RUNNING
        unit.save(force_insert=True)
    batch = dispatched(owner.org, make_items(3), DIRECT)

    assert stall_of(batch, now=batch.state_at + LATER)["code"] == "fair_share"


def test_a_provider_works_on_its_job(owner: Customer) -> None:
    batch = dispatched(owner.org, make_items(3, model="gpt-5.4-mini"), NATIVE)
    started(batch, UnitState.WAITING, ExecutionState.ACCEPTED, polls=7)
    unit = WorkUnit.objects.get(batch=batch)

    stall = stall_of(batch, now=batch.state_at + LATER)

    assert stall == {
        "since": clock.iso(batch.state_at),
        "code": "waiting_for_provider_job",
        "reason": "openai is working on a job of 3 items since 2026-11-29 10:00 UTC; "
        "it has been asked 7 times. Its rows come all at once, when it ends.",
        "next_action_at": clock.iso(unit.next_action_at),
    }


def test_a_job_is_being_handed_over(owner: Customer) -> None:
    batch = dispatched(owner.org, make_items(3, model="gpt-5.4-mini"), NATIVE)
    started(batch, UnitState.WAITING, ExecutionState.PLANNED)

    stall = stall_of(batch, now=batch.state_at + LATER)

    assert stall["code"] == "submitting_provider_job"


@pytest.mark.parametrize(
    ("failures", "code"),
    [
        ({"rate_limited": 40, "provider_overloaded": 2}, "rate_limited"),
        ({"rate_limited": 1, "provider_overloaded": 2}, "provider_overloaded"),
        ({}, "waiting_for_answers"),
    ],
)
def test_calls_are_under_way(
    owner: Customer, failures: dict[str, int], code: str
) -> None:
    batch = dispatched(owner.org, make_items(3), DIRECT)
    started(batch, UnitState.RUNNING, ExecutionState.PLANNED, failures=failures)

    stall = stall_of(batch, now=batch.state_at + LATER)

    assert stall["code"] == code
    assert stall["reason"].endswith(".")


def test_the_breaker_of_its_lane_is_open(owner: Customer) -> None:
    batch = dispatched(owner.org, make_items(3), DIRECT)
    now = batch.state_at + LATER
    until = now + timedelta(minutes=3)
    health.trip(lane_of(batch), until, "too many errors", now=now)

    stall = stall_of(batch, now=now)

    assert (stall["code"], stall["next_action_at"]) == (
        "breaker_open",
        clock.iso(until),
    )


def test_its_lane_was_down_and_is_asked_again(owner: Customer) -> None:
    batch = dispatched(owner.org, make_items(3), DIRECT)
    now = batch.state_at + LATER
    again = now + timedelta(seconds=40)
    WorkUnit.objects.filter(batch=batch).update(next_action_at=again)

    stall = stall_of(batch, now=now)

    assert (stall["code"], stall["next_action_at"]) == (
        "retry_scheduled",
        clock.iso(again),
    )


def test_its_files_are_being_written(owner: Customer) -> None:
    batch = dispatched(owner.org, make_items(3), DIRECT)
    Batch.objects.filter(pk=batch.pk).update(state=BatchState.FINALIZING)

    assert stall_of(batch, now=batch.state_at + LATER)["code"] == "finalizing"


def test_an_operator_switched_its_lane_off(owner: Customer) -> None:
    batch = dispatched(owner.org, make_items(3), DIRECT)
    switch_offering(lane_of(batch), is_on=False)
    now = batch.state_at + LATER

    stall = stall_of(batch, now=now)

    assert (stall["code"], stall["next_action_at"]) == (
        "lane_withdrawn",
        clock.iso(now),
    )
    assert stall["reason"] == (
        "openai takes no new work on this lane; the items go on by the plan, or by a "
        "new one, as soon as a worker takes them."
    )


def test_its_provider_asked_for_a_pause(owner: Customer) -> None:
    batch = dispatched(owner.org, make_items(3), DIRECT)
    now = batch.state_at + LATER
    until = now + timedelta(seconds=50)
    health.note_lane(lane_of(batch), failure_kinds=["rate_limited"], now=now)
    OfferingHealth.objects.update(paused_until=until)

    stall = stall_of(batch, now=now)

    assert (stall["code"], stall["next_action_at"]) == ("lane_paused", clock.iso(until))


@pytest.mark.parametrize(
    ("lanes", "onward"),
    [((DIRECT,), "a new plan, or to their end"), ((DIRECT, OTHER), "their next lane")],
)
def test_the_time_on_its_lane_is_over(
    owner: Customer, lanes: tuple[tuple[str, str], ...], onward: str
) -> None:
    batch = dispatched(owner.org, make_items(3), *lanes)
    now = batch.state_at + LATER
    WorkUnit.objects.filter(batch=batch).update(leave_at=now)

    stall = stall_of(batch, now=now)

    assert (stall["code"], stall["reason"]) == (
        "leaving_lane",
        f"Their time on openai is over; the items go to {onward}.",
    )


def test_its_deadline_has_passed(owner: Customer) -> None:
    batch = dispatched(owner.org, make_items(3), DIRECT)
    now = batch.state_at + LATER
    Batch.objects.filter(pk=batch.pk).update(deadline_at=now)

    assert stall_of(batch, now=now)["code"] == "deadline_passed"


def test_the_largest_place_speaks_for_the_batch(owner: Customer) -> None:
    items = [*make_items(2), make_item(9, model="deepseek-flash")]
    batch = dispatched(owner.org, items, DIRECT)
    small = WorkUnit.objects.get(batch=batch, item_count=1)
    WorkUnit.objects.filter(pk=small.pk).update(held_reason="provider_queue_full")

    assert stall_of(batch, now=batch.state_at + LATER)["code"] == "no_worker"


def test_any_number_of_places_is_read_in_the_same_queries(owner: Customer) -> None:
    batches = [dispatched(owner.org, make_items(2), DIRECT) for _ in range(3)]
    now = batches[0].state_at + LATER

    with CaptureQueriesContext(connection) as queries:
        places = places_of([batch.pk for batch in batches])
        evidence_for(places, now=now)

    assert (len(places), len(queries)) == (3, 4)


def test_the_places_of_batches_are_read_by_index(owner: Customer) -> None:
    batch = dispatched(owner.org, make_items(2), DIRECT)

    with connection.cursor() as cursor:
        # Of a table of some rows the planner would read all.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {PLACES}", place_values([batch.pk]))
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "Index Scan" in plan
    assert "Seq Scan" not in plan
