"""A batch ends once: files, money, receipts and state together."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from batches.models import Batch, ResultRow, StoredFile
from batches.services.artifacts import RowsIncomplete
from batches.services.finalizing import finalize_batch
from batchrouter.kit import clock
from billing.models import LedgerTransaction, Reservation
from tests.batches.conftest import Customer
from tests.batches.engine.builders import DIRECT, dispatched, make_texts, run_direct
from tests.factories.batches import book_problems
from tests.support.meanwhile import meanwhile
from tests.support.simulator import SimulatorProcess

FINALIZERS = 50


def answered(owner: Customer, *texts: str) -> Batch:
    batch = dispatched(owner.org, make_texts(*texts), DIRECT)
    run_direct()
    return batch


def settlements(batch: Batch) -> int:
    return LedgerTransaction.objects.filter(
        key__contains=batch.public_id, kind="settle"
    ).count()


def test_finalizing_again_changes_nothing(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = answered(owner, "a", "b [[sim:400]]")
    finalize_batch(batch.pk, now=clock.now())
    first = Batch.objects.get(pk=batch.pk)
    files = StoredFile.objects.count()
    finalize_batch(batch.pk, now=clock.now())
    again = Batch.objects.get(pk=batch.pk)
    assert (again.state, again.state_at) == ("completed", first.state_at)
    assert again.charged_nanousd == first.charged_nanousd
    assert StoredFile.objects.count() == files
    assert settlements(batch) == 1
    assert book_problems() == []


def test_a_batch_with_open_units_is_not_finalized(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = dispatched(owner.org, make_texts("a"), DIRECT)
    finalize_batch(batch.pk, now=clock.now())
    batch.refresh_from_db()
    assert batch.state == "queued"


def test_an_item_without_a_row_keeps_the_batch_open(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = answered(owner, "a", "b")
    ResultRow.objects.filter(batch_id=batch.pk, seq=1).delete()
    with pytest.raises(RowsIncomplete):
        finalize_batch(batch.pk, now=clock.now())
    batch.refresh_from_db()
    assert batch.state == "finalizing"
    assert settlements(batch) == 0
    assert Reservation.objects.get(purpose=batch.purpose).state == "open"


@pytest.mark.usefixtures("committed_db")
def test_fifty_finalizers_settle_once(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = answered(owner, "a", "b", "c")
    together = threading.Barrier(FINALIZERS)

    def finalize(_: int) -> None:
        together.wait()
        try:
            finalize_batch(batch.pk, now=clock.now())
        finally:
            connection.close()

    with ThreadPoolExecutor(FINALIZERS) as workers:
        list(workers.map(finalize, range(FINALIZERS)))
    batch.refresh_from_db()
    assert batch.state == "completed"
    assert settlements(batch) == 1
    assert StoredFile.objects.filter(purpose="output").count() == 1
    assert book_problems() == []


@pytest.mark.usefixtures("committed_db")
def test_a_finalizer_keeps_its_batch_however_long_its_files_take(
    owner: Customer, simulator: SimulatorProcess, settings: Any
) -> None:
    """Of two that took it from each other at a lease's end, none would end it."""
    settings.LEASE_SECONDS = 0.4
    batch = answered(owner, "a")
    seen = Batch.objects.filter(pk=batch.pk)
    was_left_alone: list[bool] = []

    def take_over_once_the_lease_is_over() -> None:
        token = seen.get().lease_token
        seen.update(lease_until=clock.now() - timedelta(seconds=1))
        time.sleep(1.0)
        finalize_batch(batch.pk, now=clock.now())
        was_left_alone.append(seen.get().lease_token == token)

    with meanwhile(take_over_once_the_lease_is_over, after="batches_resultrow"):
        finalize_batch(batch.pk, now=clock.now())

    assert was_left_alone == [True]
    assert seen.get().state == "completed"
    assert settlements(batch) == 1
