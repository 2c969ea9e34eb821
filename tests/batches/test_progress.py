"""How far a batch is, in one query, and when it is likely to end."""

from datetime import datetime, timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext

from batches.models import Batch, WorkUnit
from batches.progress import progress_json
from batches.selectors import (
    STANDING,
    Progress,
    Standing,
    batch_of,
    standing_of,
)
from batches.services.dispatch import dispatch_batch
from batches.states import BatchState, UnitState
from batchrouter.kit import clock
from tests.batches.conftest import Customer
from tests.factories.batches import make_batch, make_items


def running(owner: Customer, *, since: datetime | None = None) -> Batch:
    """Return a batch of ten items that runs, as far as its row says."""
    batch = make_batch(owner.org, make_items(10))
    dispatch_batch(batch.pk, now=batch.created_at)
    at = since or batch.created_at
    Batch.objects.filter(pk=batch.pk).update(state=BatchState.RUNNING, state_at=at)
    return batch_of(owner.org, batch.public_id)


def stood(done: int, total: int = 10) -> Standing:
    """Return the standing of a batch with this many completed items."""
    return Standing(Progress(done, 0, 0, 0, 0, total))


def test_half_of_the_rows_are_half_of_the_way(owner: Customer) -> None:
    batch = running(owner)
    standing = Standing(Progress(3, 1, 0, 1, 0, 10))

    shown = progress_json(batch, standing, now=batch.created_at)

    assert shown["percent"] == 50.0


def test_the_pace_so_far_gives_the_end(owner: Customer) -> None:
    batch = running(owner)
    now = batch.state_at + timedelta(seconds=100)

    shown = progress_json(batch, stood(4), now=now)

    # Four took 100 s, so the other six take 150 s, wrong by the factor 2 at most.
    assert shown["eta_low"] == clock.iso(now + timedelta(seconds=75))
    assert shown["eta_high"] == clock.iso(now + timedelta(seconds=305))


def test_the_range_narrows_with_the_evidence(owner: Customer) -> None:
    batch = running(owner)
    now = batch.state_at + timedelta(seconds=100)

    shown = progress_json(batch, stood(1600, 3200), now=now)

    assert shown["eta_low"] == clock.iso(now + timedelta(seconds=100 / 1.15))
    assert shown["eta_high"] == clock.iso(now + timedelta(seconds=120))


def test_before_the_first_row_the_quote_gives_the_end(owner: Customer) -> None:
    batch = running(owner)
    (lane,) = [lane for lane in batch.quote.reply["lanes"] if lane["selected"]]

    shown = progress_json(batch, stood(0), now=batch.state_at)

    high = min(
        batch.state_at + timedelta(seconds=lane["finish_seconds"] * 2),
        batch.deadline_at,
    )
    assert shown["eta_high"] == clock.iso(high)


def test_the_end_is_never_later_than_the_deadline(owner: Customer) -> None:
    batch = running(owner)
    now = batch.deadline_at - timedelta(seconds=10)

    shown = progress_json(batch, stood(1), now=now)

    assert shown["eta_low"] == shown["eta_high"] == clock.iso(batch.deadline_at)


def test_a_batch_that_moved_lately_does_not_stand(owner: Customer) -> None:
    batch = running(owner)
    now = batch.state_at + timedelta(minutes=20)
    WorkUnit.objects.filter(batch=batch).update(rows_at=now - timedelta(minutes=4))

    assert progress_json(batch, standing_of(batch), now=now)["stall"] is None


def test_progress_is_read_in_one_query(owner: Customer) -> None:
    batch = running(owner)

    with CaptureQueriesContext(
        connection,
    ) as queries:
        shown = progress_json(batch, standing_of(batch), now=batch.state_at)

    assert len(queries) == 1
    assert shown["percent"] == 0.0


def test_that_of_an_ended_batch_needs_none(owner: Customer) -> None:
    batch = running(owner)
    batch.result_counts = {"completed": 9, "failed": 1, "canceled": 0, "expired": 0,
                           "total": 10}  # fmt: skip
    batch.state = BatchState.COMPLETED

    with CaptureQueriesContext(connection) as queries:
        shown = progress_json(batch, standing_of(batch), now=batch.state_at)

    assert len(queries) == 0
    assert shown == {"percent": 100.0, "eta_low": None, "eta_high": None, "stall": None}


def test_the_query_reads_the_units_of_its_batch_by_index(owner: Customer) -> None:
    batch = running(owner)
    with connection.cursor() as cursor:
        # Of a table of some rows the planner would read all.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {STANDING}", [batch.pk])
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "Index Cond: (batch_id = " in plan
    assert "Seq Scan" not in plan


def test_units_in_hand_are_what_runs(owner: Customer) -> None:
    batch = running(owner)
    WorkUnit.objects.filter(batch=batch).update(
        state=UnitState.RUNNING, completed=3, failed=1
    )

    assert standing_of(batch).progress.counts() == {
        "total": 10,
        "pending": 0,
        "running": 6,
        "completed": 3,
        "failed": 1,
        "canceled": 0,
        "expired": 0,
    }
