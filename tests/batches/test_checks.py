"""What reconciliation finds wrong with batches."""

import pytest

from batches.models import Batch, Execution, ResultRow
from batchrouter.web.models import IdempotencyRecord
from tests.batches.conftest import Customer
from tests.factories.batches import book_problems, make_batch, make_items, run_batch

pytestmark = pytest.mark.usefixtures("simulator")


@pytest.fixture
def ended(owner: Customer) -> Batch:
    return run_batch(make_batch(owner.org, make_items(2, model="deepseek-flash")))


def test_a_healthy_batch_has_no_problem(ended: Batch) -> None:
    assert book_problems() == []


def test_r08_finds_a_charge_that_is_not_the_settlement(ended: Batch) -> None:
    charged = ended.charged_nanousd or 0
    Batch.objects.filter(pk=ended.pk).update(charged_nanousd=charged + 1)

    (problem,) = book_problems()

    assert problem.startswith(f"R08: {ended.public_id}: charged {charged + 1}")


def test_r08_finds_rows_that_do_not_add_up(ended: Batch) -> None:
    row = ResultRow.objects.get(batch_id=ended.pk, seq=0)
    ResultRow.objects.filter(batch_id=ended.pk, seq=0).update(
        subtotal_nanousd=row.subtotal_nanousd + 1
    )

    (problem,) = book_problems()

    assert problem.startswith(f"R08: {ended.public_id}")


def test_r09_finds_a_missing_row(ended: Batch) -> None:
    ResultRow.objects.filter(batch_id=ended.pk, seq=0).update(seq=7)

    assert f"R09: {ended.public_id}: 2 items, 2 rows, 1 of them of its items" in (
        book_problems()
    )


def test_r10_finds_a_cost_that_is_not_booked(ended: Batch) -> None:
    execution = Execution.objects.get(batch=ended)
    Execution.objects.filter(pk=execution.pk).update(public_id="pexec_other")

    assert "R10: pexec_other cost is not booked" in book_problems()


def test_r17_finds_a_stored_reply_without_its_batch(owner: Customer) -> None:
    body = {"items": make_items(1)}
    owner.api.post("/v1/batches", body, idempotency_key="k-1")
    IdempotencyRecord.objects.update(effect_id="batch_gone")

    assert book_problems() == ["R17: key k-1 names batch_gone"]
