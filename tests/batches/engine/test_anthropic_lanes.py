"""Batches on Anthropic's lanes, over real HTTP to the simulator."""

from typing import Any

import pytest

from tests.batches.conftest import Customer
from tests.batches.engine.builders import (
    dispatched,
    executions_of,
    make_texts,
    rows_of,
    run_direct,
    statuses_of,
)
from tests.batches.engine.test_native import strike, tend
from tests.factories.batches import book_problems
from tests.support.simulator import SimulatorProcess

NATIVE = ("anthropic", "batch")
DIRECT = ("anthropic", "direct")


@pytest.fixture(autouse=True)
def short_lag(settings: Any) -> None:
    settings.JOB_LISTING_LAG_SECONDS = 0


def test_a_batch_is_answered_by_a_message_batch(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = dispatched(owner.org, make_texts(*["hello"] * 20), NATIVE)
    tend(batch)
    rows = rows_of(batch)

    assert [row["status"] for row in rows] == ["completed"] * 20
    assert {row["lane"] for row in rows} == {"anthropic:batch"}
    assert {row["provider_model"] for row in rows} == {"claude-haiku-4-5"}
    assert {row["usage"]["source"] for row in rows} == {"provider"}
    (execution,) = executions_of(batch)
    assert (execution.state, execution.completed) == ("ended", 20)
    assert simulator.stats()["batches_created_by_provider"] == {"anthropic": 1}
    assert book_problems() == []


def test_a_batch_is_answered_by_messages(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = dispatched(owner.org, make_texts("hello", "[[sim:529:1]] there"), DIRECT)
    run_direct()
    rows = rows_of(batch)

    assert [row["status"] for row in rows] == ["completed"] * 2
    assert {row["lane"] for row in rows} == {"anthropic:direct"}
    assert simulator.stats()["refused"] == {"529": 1}
    assert book_problems() == []


@pytest.mark.parametrize("fault", ["create_reset_after", "create_500_after"])
def test_a_message_batch_whose_creation_gave_no_answer_is_adopted(
    owner: Customer, simulator: SimulatorProcess, fault: str
) -> None:
    strike(simulator, fault)
    batch = dispatched(owner.org, make_texts("hello", "there"), NATIVE)
    tend(batch)

    assert statuses_of(batch) == ["completed"] * 2
    assert simulator.stats()["batches_created"] == 1
    (execution,) = executions_of(batch)
    assert execution.provider_job_id.startswith("msgbatch_")


def test_two_orders_of_one_size_without_an_answer_each_get_their_own(
    owner: Customer, simulator: SimulatorProcess, settings: Any
) -> None:
    settings.NATIVE_UNIT_ITEMS = 2
    simulator.post_fault(
        {
            "match": {"path": "batch"},
            "fault": {"kind": "create_reset_after"},
            "times": 2,
        }
    )
    batch = dispatched(owner.org, make_texts("a", "b", "c", "d"), NATIVE)
    tend(batch)

    assert statuses_of(batch) == ["completed"] * 4
    assert simulator.stats()["batches_created"] == 2
    jobs = {execution.provider_job_id for execution in executions_of(batch)}
    assert len(jobs) == 2


def test_a_job_that_never_arrived_is_sent_again(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    strike(simulator, "500")
    batch = dispatched(owner.org, make_texts("hello"), NATIVE)
    tend(batch)

    assert statuses_of(batch) == ["completed"]
    assert simulator.stats()["batches_created"] == 1
