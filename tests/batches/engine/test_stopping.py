"""Deadlines, cancels and lost leases in the middle of a run."""

import threading
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from batches.engine.recovery import recover_lost_leases
from batches.models import Batch, ResultRow, WorkUnit
from batches.services.cancellation import cancel_batch
from batches.services.finalizing import finalize_batch
from batchrouter.kit import clock
from tests.batches.conftest import Customer
from tests.batches.engine.builders import (
    DIRECT,
    dispatched,
    executions_of,
    expire_leases,
    make_texts,
    rows_of,
    serve_direct,
    statuses_of,
    units_of,
)
from tests.factories.batches import book_problems
from tests.support.simulator import SimulatorProcess

pytestmark = pytest.mark.usefixtures("committed_db")


def in_a_thread(work: Callable[[], None]) -> threading.Thread:
    """Do something from another thread and connection."""

    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_a_deadline_in_the_middle_of_a_run_expires_the_rest(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    texts = [*["hello"] * 3, "say [[sim:hang]]", "say [[sim:500]]"]
    batch = dispatched(owner.org, make_texts(*texts), DIRECT, deadline_in=4.0)
    began = time.monotonic()
    serve_direct()
    assert time.monotonic() - began < 60  # a call may take two minutes
    assert statuses_of(batch) == ["completed"] * 3 + ["expired"] * 2
    (execution,) = executions_of(batch)
    assert execution.outcome == "overdue"
    assert execution.failures["timed_out"] == 1
    assert execution.ambiguous_nanousd > 0
    finalize_batch(batch.pk, now=clock.now())
    batch.refresh_from_db()
    assert (batch.state, batch.terminal_reason) == ("completed", "deadline_missed")
    assert book_problems() == []


def test_a_unit_claimed_after_the_deadline_sends_nothing(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = dispatched(owner.org, make_texts("hello"), DIRECT, deadline_in=-1)
    serve_direct()
    assert statuses_of(batch) == ["expired"]
    assert simulator.accepted("pexec_") == {}


def test_a_cancel_in_the_middle_delivers_what_was_under_way(
    owner: Customer, simulator: SimulatorProcess, settings: Any
) -> None:
    settings.DIRECT_WINDOW = 4
    settings.LEASE_SECONDS = 2
    simulator.settings(latency_ms=400)
    batch = dispatched(owner.org, make_texts(*["hello"] * 200), DIRECT)

    def cancel() -> None:
        time.sleep(0.6)
        cancel_batch(Batch.objects.get(pk=batch.pk), now=clock.now())

    canceler = in_a_thread(cancel)
    serve_direct()
    canceler.join()
    simulator.settings(latency_ms=0)
    statuses = statuses_of(batch)
    done = statuses.count("completed")
    assert 4 <= done < 150
    assert statuses == ["completed"] * done + ["canceled"] * (200 - done)
    assert sum(simulator.accepted("pexec_").values()) == done
    finalize_batch(batch.pk, now=clock.now())
    batch.refresh_from_db()
    assert batch.state == "canceled"
    assert book_problems() == []


def test_a_lease_taken_in_the_middle_records_nothing_twice(
    owner: Customer, simulator: SimulatorProcess, settings: Any
) -> None:
    settings.LEASE_SECONDS = 2
    simulator.settings(latency_ms=700)
    batch = dispatched(owner.org, make_texts(*["hello"] * 5), DIRECT)

    def take() -> None:
        time.sleep(0.4)
        WorkUnit.objects.filter(batch=batch).update(lease_token=uuid.uuid4())

    taker = in_a_thread(take)
    serve_direct()
    taker.join()
    simulator.settings(latency_ms=0)
    assert rows_of(batch) == []
    assert [unit.completed for unit in units_of(batch)] == [0]


def test_a_worker_that_slept_through_its_lease_drops_its_units(
    owner: Customer, simulator: SimulatorProcess, settings: Any
) -> None:
    settings.LEASE_SECONDS = 2
    simulator.settings(latency_ms=900)
    batch = dispatched(owner.org, make_texts(*["hello"] * 5), DIRECT)

    def hold_the_unit() -> None:
        time.sleep(0.3)
        # The worker's next renewal waits for this lock: it stands still meanwhile.
        with transaction.atomic():
            WorkUnit.objects.select_for_update().get(batch=batch)
            time.sleep(2.2)

    sleeper = in_a_thread(hold_the_unit)
    serve_direct()
    sleeper.join()
    simulator.settings(latency_ms=0)
    assert executions_of(batch)[0].state == "planned"
    expire_leases(batch)
    assert recover_lost_leases() == 1
    serve_direct()
    assert statuses_of(batch) == ["completed"] * 5
    assert max(simulator.accepted("pexec_").values()) == 1


def test_two_workers_share_the_units(
    owner: Customer, simulator: SimulatorProcess, settings: Any
) -> None:
    settings.DIRECT_UNIT_ITEMS = 10
    settings.DIRECT_WINDOW = 16
    simulator.settings(latency_ms=50)
    batch = dispatched(owner.org, make_texts(*["hello"] * 200), DIRECT)
    other = in_a_thread(serve_direct)
    serve_direct()
    other.join()
    simulator.settings(latency_ms=0)
    assert statuses_of(batch) == ["completed"] * 200
    assert set(simulator.accepted("pexec_").values()) == {1}
    assert len(executions_of(batch)) == 20
    assert ResultRow.objects.filter(batch_id=batch.pk).count() == 200


def test_a_canceled_unit_waiting_for_a_worker_costs_nothing(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = dispatched(owner.org, make_texts("hello"), DIRECT)
    Batch.objects.filter(pk=batch.pk).update(
        cancel_requested_at=clock.now() - timedelta(seconds=1)
    )
    serve_direct()
    assert statuses_of(batch) == ["canceled"]
    assert simulator.accepted("pexec_") == {}
