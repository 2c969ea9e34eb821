"""What an adapter is told of the other orders at its provider."""

from typing import Any

import pytest

from batches.engine.orders import others_of
from batches.models import Batch, Execution
from batches.states import ExecutionState
from batchrouter.kit import clock
from routing.contracts import OtherOrders
from tests.batches.conftest import Customer
from tests.batches.engine.builders import NATIVE, dispatched, make_texts, units_of
from tests.support.meanwhile import meanwhile

NOBODY = OtherOrders(frozenset(), has_twin=False)


@pytest.fixture
def batch(owner: Customer) -> Batch:
    return dispatched(owner.org, make_texts("hello"), NATIVE)


def make_execution(batch: Batch, **changes: Any) -> Execution:
    values: dict[str, Any] = {
        "state": ExecutionState.PLANNED,
        "state_at": clock.now(),
        "batch": batch,
        "unit": units_of(batch)[0],
        "stage": 0,
        "offering_id": 1,
        "provider": "anthropic",
        "model": "claude-haiku-4-5",
        "provider_model": "claude-haiku-4-5",
        "mode": "batch",
        "item_count": 7,
    }
    return Execution.objects.create(**(values | changes))


def test_an_order_that_is_alone_has_no_others(batch: Batch) -> None:
    assert others_of(make_execution(batch)) == NOBODY


def test_the_job_of_another_order_is_known_to_be_its_own(batch: Batch) -> None:
    make_execution(batch, state=ExecutionState.ENDED, provider_job_id="msgbatch_1")

    found = others_of(make_execution(batch))
    assert found == OtherOrders(frozenset({"msgbatch_1"}), has_twin=False)


def test_an_order_of_the_same_size_without_a_job_is_a_twin(batch: Batch) -> None:
    make_execution(batch)

    assert others_of(make_execution(batch)) == OtherOrders(frozenset(), has_twin=True)


@pytest.mark.parametrize(
    "changes",
    [{"item_count": 8}, {"provider": "openai"}, {"mode": "direct"}],
    ids=["another size", "another provider", "another mode"],
)
def test_other_orders_are_no_twins(batch: Batch, changes: dict[str, Any]) -> None:
    make_execution(batch, **changes)

    assert others_of(make_execution(batch)) == NOBODY


@pytest.mark.usefixtures("committed_db")
def test_a_job_that_becomes_known_between_two_looks_is_still_anothers(
    batch: Batch,
) -> None:
    other, ours = make_execution(batch), make_execution(batch)

    def accept() -> None:
        Execution.objects.filter(pk=other.pk).update(
            state=ExecutionState.ACCEPTED, provider_job_id="msgbatch_1"
        )

    with meanwhile(accept, after='FROM "batches_execution"'):
        found = others_of(ours)
    assert found.has_twin or "msgbatch_1" in found.job_ids
