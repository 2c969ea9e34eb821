"""What a dead worker left is taken back, and every batch ends."""

import random
import uuid
from typing import Any

import pytest

from batches.engine import claims, ending, lifecycle
from batches.engine.context import Contexts
from batches.engine.lane_windows import LaneWindows
from batches.engine.opening import LOST_LEASES_MAX, open_direct
from batches.engine.recovery import recover_lost_leases
from batches.models import Batch, Execution, LostCall, WorkUnit
from batches.services.sweeping import sweep
from batchrouter.kit import clock
from tests.batches.conftest import Customer
from tests.batches.engine.builders import (
    DIRECT,
    codes_of,
    dispatched,
    executions_of,
    expire_leases,
    make_texts,
    rows_of,
    run_direct,
    set_deadline,
    statuses_of,
    units_of,
)
from tests.factories.batches import book_problems
from tests.support.meanwhile import meanwhile
from tests.support.simulator import SimulatorProcess


def die_with(batch: Batch, *, sent_through: int) -> None:
    """Claim a unit and write down an intent, as a worker killed while sending does."""
    unit = claims.claim("direct", token=uuid.uuid4())
    assert unit is not None
    contexts = Contexts()
    lane = contexts.of(batch.pk).decision(unit.group_no).stages[unit.stage]
    contexts.close()
    lifecycle.begin_execution(
        unit,
        lane,
        item_count=unit.item_count,
        sent_through_seq=sent_through,
        now=clock.now(),
    )
    expire_leases(batch)


def test_a_worker_that_dies_on_a_narrow_lane_leaves_few_calls_in_doubt(
    owner: Customer, simulator: SimulatorProcess, settings: Any
) -> None:
    settings.DIRECT_WINDOW = 4
    batch = dispatched(owner.org, make_texts(*["a"] * 100), DIRECT)
    unit = claims.claim("direct", token=uuid.uuid4())
    assert unit is not None
    contexts = Contexts()
    run = open_direct(unit, contexts, random.Random(0), LaneWindows().of)
    contexts.close()
    assert run is not None
    expire_leases(batch)

    assert recover_lost_leases() == 1

    (execution,) = executions_of(batch)
    assert execution.failures == {"worker_lost": 8}


def test_a_lease_that_holds_is_left_alone(owner: Customer) -> None:
    dispatched(owner.org, make_texts("a"), DIRECT)
    claims.claim("direct", token=uuid.uuid4())
    assert recover_lost_leases() == 0


def test_calls_of_a_dead_worker_are_booked_once(owner: Customer) -> None:
    batch = dispatched(owner.org, make_texts("a", "b", "c"), DIRECT)
    die_with(batch, sent_through=1)
    assert recover_lost_leases() == 1
    assert recover_lost_leases() == 0
    (execution,) = executions_of(batch)
    assert (execution.state, execution.failures) == ("abandoned", {"worker_lost": 2})
    assert execution.ambiguous_nanousd > 0
    assert LostCall.objects.filter(batch_id=batch.pk).count() == 2
    (unit,) = units_of(batch)
    assert (unit.state, unit.lost_leases, unit.lease_token) == ("ready", 1, None)
    assert book_problems() == []


def test_the_timeline_tells_that_items_are_asked_for_again(owner: Customer) -> None:
    batch = dispatched(owner.org, make_texts("a", "b", "c"), DIRECT)
    die_with(batch, sent_through=1)
    recover_lost_leases()
    (unit,) = units_of(batch)
    (event, *_) = owner.api.get(f"/v1/batches/{batch.public_id}/events").json()["data"]
    assert event["type"] == "work.retried"
    assert event["data"].pop("again_at") <= event["created_at"]
    assert event["data"] == {
        "work_unit_id": unit.public_id,
        "items": 3,
        "cause": "worker_lost",
        "reason": "The worker died; calls under way have an unknown outcome.",
    }


def test_an_item_lost_once_is_answered_by_the_next_worker(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = dispatched(owner.org, make_texts("a", "b"), DIRECT)
    die_with(batch, sent_through=0)
    recover_lost_leases()
    run_direct()
    assert statuses_of(batch) == ["completed"] * 2
    assert [row["attempts"] for row in rows_of(batch)] == [2, 1]


def test_an_item_lost_once_is_not_sent_a_third_time(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = dispatched(owner.org, make_texts("a [[sim:reset-after]]"), DIRECT)
    die_with(batch, sent_through=0)
    recover_lost_leases()
    run_direct()
    assert codes_of(batch) == ["no_answer"]
    assert sum(simulator.accepted("pexec_").values()) == 1


def test_an_item_lost_twice_has_an_unknown_outcome(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = dispatched(owner.org, make_texts("a", "b"), DIRECT)
    for _ in range(2):
        die_with(batch, sent_through=0)
        recover_lost_leases()
    run_direct()
    assert codes_of(batch) == ["outcome_unknown", None]
    assert len(simulator.accepted("pexec_")) == 1


def test_a_unit_that_kills_its_workers_fails(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = dispatched(owner.org, make_texts("a", "b"), DIRECT)
    for _ in range(LOST_LEASES_MAX):
        die_with(batch, sent_through=-1)
        recover_lost_leases()
    run_direct()
    assert codes_of(batch) == ["worker_lost"] * 2
    assert simulator.accepted("pexec_") == {}


def test_rows_recorded_before_the_crash_stay_and_are_not_asked_for_again(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = dispatched(owner.org, make_texts("a", "b"), DIRECT)
    run_direct()
    before = rows_of(batch)
    WorkUnit.objects.filter(batch=batch).update(
        state="running", lease_token=uuid.uuid4()
    )
    expire_leases(batch)
    recover_lost_leases()
    run_direct()
    assert rows_of(batch) == before
    assert [unit.state for unit in units_of(batch)] == ["done"]


def test_a_sweep_closes_overdue_batches_and_a_second_changes_nothing(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = dispatched(owner.org, make_texts("a", "b"), DIRECT)
    set_deadline(batch, clock.now())
    sweep(now=clock.now())
    assert codes_of(batch) == ["deadline_missed"] * 2
    rows, runs = rows_of(batch), Execution.objects.count()
    sweep(now=clock.now())
    assert rows_of(batch) == rows
    assert Execution.objects.count() == runs


def test_a_crash_between_claim_and_intent_costs_nothing(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = dispatched(owner.org, make_texts("a"), DIRECT)
    claims.claim("direct", token=uuid.uuid4())
    expire_leases(batch)
    recover_lost_leases()
    assert executions_of(batch) == []
    run_direct()
    assert statuses_of(batch) == ["completed"]


@pytest.mark.usefixtures("committed_db")
def test_a_late_end_and_the_taking_back_of_its_unit_do_not_wait_in_a_circle(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = dispatched(owner.org, make_texts("a"), DIRECT)
    unit = claims.claim("direct", token=uuid.uuid4())
    assert unit is not None
    run = open_direct(unit, Contexts(), random.Random(1), LaneWindows().of)
    assert run is not None
    run.stop_cause = "worker"
    expire_leases(batch)

    with meanwhile(recover_lost_leases, after='UPDATE "batches_execution"') as other:
        ending.end_direct(run)

    assert other.error is None
    assert [(each.state, each.lost_leases) for each in units_of(batch)] == [
        ("ready", 0)
    ]
    assert [each.state for each in executions_of(batch)] == ["ended"]
