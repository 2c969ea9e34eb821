"""The dashboard tells what there is, exactly, in a fixed number of queries."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import Org
from batches.models import Batch, Execution, SettledDay, WorkUnit
from batches.operator_figures import Risk, why_late
from batches.services.delivery import send_test, set_default
from batches.services.dispatch import dispatch_batch
from batchrouter.kit import clock
from batchrouter.kit.money import NANO_PER_USD
from billing.models import OperatorRequest, ReconcileRun
from billing.operations import Asking, Limits, request_goodwill
from catalog.models import Offering, OfferingPrice
from console.operators.dashboard import Dashboard, Margin, show_dashboard
from routing import health
from tests.console.made import running_batch
from tests.factories.batches import make_batch, make_items

NOON = datetime(2026, 12, 24, 12, tzinfo=UTC)
USD = NANO_PER_USD


def board(now: datetime = NOON) -> Dashboard:
    return show_dashboard(now=now, with_money=True)


def cut(org: Org, *, items: int, deadline_at: datetime = NOON) -> Batch:
    """Return a batch that waits for workers, due at noon and made a day before."""
    batch = make_batch(org, make_items(items))
    dispatch_batch(batch.pk, now=clock.now())
    Batch.objects.filter(pk=batch.pk).update(
        deadline_at=deadline_at, created_at=NOON - timedelta(days=1)
    )
    batch.refresh_from_db()
    return batch


def test_an_empty_market_has_a_dashboard(operator: Client) -> None:
    page = operator.get("/admin/dashboard/").content.decode()
    assert "No open batch looks late." in page
    assert "Nothing was answered in 24 hours." in page
    assert "never proved" in page


def test_units_are_counted_by_what_they_wait_for(org: Org) -> None:
    for state, minutes in (
        *(("ready", 9), ("ready", 2), ("ready", -1)),
        *(("waiting", 3), ("running", 5)),
    ):
        batch = cut(org, items=1)
        WorkUnit.objects.filter(batch=batch).update(
            state=state, next_action_at=NOON - timedelta(minutes=minutes)
        )

    shown = board()

    assert shown.oldest_due == timedelta(minutes=9)
    counts = shown.queue
    assert (counts.due_units, counts.later_units) == (2, 1)
    assert (counts.waiting_jobs, counts.running_units) == (1, 1)
    assert counts.open_batches == {"queued": 5}


def test_what_executions_answered_is_the_throughput_of_their_hour(org: Org) -> None:
    batch = running_batch(org, items=3, answers=["one", "two"])
    (run,) = Execution.objects.filter(batch=batch)
    for hours, completed in ((0, 300), (3, 1100), (30, 9999)):
        run.pk, run.public_id = None, f"pexec_{hours}"
        run.completed, run.ended_at = completed, NOON - timedelta(hours=hours)
        run.save(force_insert=True)

    shown = board(NOON + timedelta(minutes=20))

    # Twenty-three whole hours and twenty minutes.
    assert shown.items_per_minute == "1.0"
    assert len(shown.throughput.rows) == 24
    assert shown.throughput.rows[-4:] == (
        ("09:00", "1,100"),
        ("10:00", "0"),
        ("11:00", "0"),
        ("12:00", "300"),
    )


def test_failures_are_added_up_by_lane_and_kind(org: Org) -> None:
    batch = running_batch(org, items=3, answers=["one"])
    (run,) = Execution.objects.filter(batch=batch)
    for number, failures in enumerate(
        ({"rate_limited": 4, "no_answer": 1}, {"rate_limited": 3})
    ):
        run.pk, run.public_id = None, f"pexec_{number}"
        run.failures, run.ended_at = failures, NOON
        run.save(force_insert=True)

    shown = [(row.lane, row.kind, row.tries) for row in board().failures]

    lane = f"{run.provider} {run.provider_model} {run.mode}"
    assert shown == [(lane, "rate_limited", 7), (lane, "no_answer", 1)]


def test_the_margin_is_what_was_charged_less_what_it_cost(org: Org) -> None:
    for day, charged, cost in ((24, 9, 4), (23, 5, 6), (1, 100, 50)):
        SettledDay.objects.create(
            org_id=org.pk,
            day=date(2026, 12, day),
            charged_nanousd=charged * USD,
            cost_nanousd=cost * USD,
        )
    SettledDay.objects.create(
        org_id=org.pk, day=date(2026, 11, 24), charged_nanousd=7 * USD
    )

    money = board().money

    assert money is not None
    assert money.margins == (
        Margin("Today", 9 * USD, 4 * USD),
        Margin("Yesterday", 5 * USD, 6 * USD),
        Margin("30 days", 114 * USD, 60 * USD),
    )
    assert [margin.left_nanousd for margin in money.margins] == [
        5 * USD,
        -USD,
        54 * USD,
    ]
    assert money.chart.rows[-1] == ("24 Dec", "$9.00", "$4.00")


def test_a_batch_that_looks_late_is_named_with_the_reason(org: Org) -> None:
    cut(org, items=2, deadline_at=NOON + timedelta(days=2))
    late = cut(org, items=2, deadline_at=NOON + timedelta(hours=1))

    assert board().risks == (
        Risk(
            late.pk,
            late.public_id,
            org.name,
            late.deadline_at,
            0,
            2,
            "Half of its time is over without a row.",
        ),
    )


@pytest.mark.parametrize(
    ("done", "minutes", "reason"),
    [
        (0, 30, ""),
        (0, 31, "Half of its time is over without a row."),
        (50, 30, ""),
        (49, 30, "At its pace it ends at 2026-12-24 13:01 UTC."),
        (100, 59, ""),
        (100, 60, "The deadline has passed."),
    ],
)
def test_a_batch_is_late_by_its_pace(done: int, minutes: int, reason: str) -> None:
    times = (NOON, NOON, NOON + timedelta(hours=1))
    now = NOON + timedelta(minutes=minutes)

    assert why_late(done, 100, times, now=now) == reason


@pytest.mark.usefixtures("market")
def test_lanes_that_take_no_work_are_listed_the_resting_first() -> None:
    Offering.objects.exclude(adapter="").update(enabled=True)
    rests, off = Offering.objects.exclude(adapter="").order_by("-pk")[:2]
    until = NOON + timedelta(minutes=4)
    health.trip(rests.pk, until, "too many failures", now=NOON)
    Offering.objects.filter(pk=off.pk).update(enabled=False)

    shown = board()

    assert [(lane.pk, lane.word, lane.until) for lane in shown.troubles] == [
        (rests.pk, "breaker open", until),
        (off.pk, "off", None),
    ]


@pytest.mark.usefixtures("market")
def test_old_prices_are_counted_and_ends_are_listed(settings: Any) -> None:
    settings.PRICE_STALE_DAYS, settings.DEPRECATION_NOTICE_DAYS = 30, 60
    lane = Offering.objects.exclude(adapter="").filter(enabled=True).earliest("pk")
    Offering.objects.exclude(pk=lane.pk).update(enabled=False)
    Offering.objects.update(deprecates_at=NOON + timedelta(days=60))

    shown = board()

    as_of = OfferingPrice.objects.filter(offering=lane).latest("valid_from").as_of
    assert shown.stale_prices == int(as_of < date(2026, 11, 24))
    assert [(end.pk, end.ends_at) for end in shown.endings] == [
        (lane.pk, NOON + timedelta(days=60))
    ]


def test_requests_that_wait_for_a_second_person_are_listed(org: Org) -> None:
    asking = Asking("operator:ada@example.com", "An outage.", "key-1", Limits(0, 0))
    request_goodwill(org=org, amount_nanousd=7 * USD, asking=asking, now=NOON)

    money = board().money

    assert money is not None
    (asked,) = money.asked
    assert asked.public_id == OperatorRequest.objects.get().public_id
    assert (asked.whose, asked.amount_nanousd) == (org.name, 7 * USD)
    assert asked.maker == "ada@example.com"


@pytest.mark.parametrize(
    ("ok", "minutes", "state", "failed"),
    [
        (True, 5, "ok", ()),
        (True, 31, "warn", ()),
        (False, 5, "bad", ("R03",)),
    ],
)
@pytest.mark.django_db
def test_the_books_are_as_their_last_proof(
    ok: bool, minutes: int, state: str, failed: tuple[str, ...]
) -> None:
    at = NOON - timedelta(minutes=minutes)
    results = [{"code": "R01", "ok": True}, {"code": "R03", "ok": ok}]
    ReconcileRun.objects.create(
        started_at=at, finished_at=at, is_ok=ok, results=results
    )

    money = board().money

    assert money is not None
    assert (money.books.state, money.books.failed) == (state, failed)


def test_webhooks_that_were_not_delivered_are_counted(org: Org) -> None:
    now = clock.now()
    set_default(org, url="https://hooks.example.com/b", secret=None, now=now)
    send_test(org, now=now)

    shown = board(now + timedelta(seconds=90))

    assert shown.queue.webhooks == 1
    assert shown.oldest_webhook == timedelta(seconds=90)


def test_the_page_takes_the_same_queries_for_any_number_of_rows(
    operator: Client, org: Org, django_assert_max_num_queries: Any
) -> None:
    for _ in range(3):
        running_batch(org, items=2, answers=["one"])
    # The first page of a session also notes that it was seen.
    operator.get("/admin/dashboard/")
    with django_assert_max_num_queries(12):
        assert operator.get("/admin/dashboard/").status_code == 200
