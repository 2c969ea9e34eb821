"""The native-batch lane against the simulator: find, poll, collect, leave."""

import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from batches.engine import claims, finding, lifecycle, submitting
from batches.engine.collecting import FLUSH_ROWS
from batches.engine.context import Contexts
from batches.engine.held_job import CANCEL_GRACE_SECONDS, NOTHING_SENT, HeldJob
from batches.engine.native import serve_native_lanes, take_step
from batches.engine.recorder import LeaseLost
from batches.engine.recovery import close_overdue_batches, recover_lost_leases
from batches.engine.submitting import REFUSALS_MAX
from batches.models import Batch, Execution, ResultRow, WorkUnit
from batches.services.cancellation import cancel_batch
from batches.states import UNIT_OPEN
from batchrouter.kit import clock
from routing.adapters.registry import job_adapter
from routing.contracts import Answer, Connection, JobState
from routing.failures import JobOutcomeUnknown
from tests.batches.conftest import Customer
from tests.batches.engine.builders import (
    DIRECT,
    NATIVE,
    codes_of,
    dispatched,
    executions_of,
    expire_leases,
    make_due,
    make_texts,
    rows_of,
    run_direct,
    set_deadline,
    statuses_of,
    units_of,
)
from tests.factories.batches import book_problems
from tests.support.simulator import SimulatorProcess

STEPS_MAX = 60


@pytest.fixture(autouse=True)
def short_lag(settings: Any) -> None:
    settings.JOB_LISTING_LAG_SECONDS = 0


def step(batch: Batch) -> None:
    """Take the due units of the native lanes one step further, whatever the pause."""
    make_due(batch)
    serve_native_lanes()


def tend(batch: Batch) -> None:
    """Step until no unit of the native lanes is open."""
    for _ in range(STEPS_MAX):
        if not batch.units.filter(mode="batch", state__in=UNIT_OPEN).exists():
            return
        step(batch)
        # The simulator's jobs take a tenth of a second.
        time.sleep(0.05)
    raise AssertionError([unit.state for unit in units_of(batch)])


def strike(simulator: SimulatorProcess, kind: str, **options: Any) -> None:
    simulator.post_fault(
        {"match": {"path": "batch"}, "fault": {"kind": kind, **options}, "times": 1}
    )


def leave_lane_at(batch: Batch, seconds: float) -> None:
    WorkUnit.objects.filter(batch=batch).update(
        leave_at=clock.now() + timedelta(seconds=seconds)
    )


def test_a_job_is_sent_polled_and_collected(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = dispatched(owner.org, make_texts(*["hello"] * 20), NATIVE)
    tend(batch)
    rows = rows_of(batch)
    assert [row["status"] for row in rows] == ["completed"] * 20
    assert {row["lane"] for row in rows} == {"openai:batch"}
    assert {row["attempts"] for row in rows} == {1}
    (execution,) = executions_of(batch)
    assert (execution.state, execution.completed) == ("ended", 20)
    assert simulator.stats()["batches_created"] == 1
    assert book_problems() == []


@pytest.mark.parametrize("fault", ["create_reset_after", "create_500_after"])
def test_a_job_whose_creation_gave_no_answer_is_found_and_adopted(
    owner: Customer, simulator: SimulatorProcess, fault: str
) -> None:
    strike(simulator, fault)
    batch = dispatched(owner.org, make_texts("hello"), NATIVE)
    tend(batch)
    assert statuses_of(batch) == ["completed"]
    assert simulator.stats()["batches_created"] == 1


def sent_by_a_worker_that_died(owner: Customer) -> Batch:
    """Send a job and forget that it was, as a worker killed before saving does."""
    batch = dispatched(owner.org, make_texts("hello"), NATIVE)
    step(batch)
    Execution.objects.filter(batch=batch).update(state="planned", provider_job_id="")
    WorkUnit.objects.filter(batch=batch).update(
        state="running", lease_token=uuid.uuid4()
    )
    expire_leases(batch)
    return batch


def test_a_job_of_a_worker_that_died_is_adopted(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = sent_by_a_worker_that_died(owner)
    assert recover_lost_leases() == 1
    assert units_of(batch)[0].state == "waiting"
    tend(batch)
    assert statuses_of(batch) == ["completed"]
    assert simulator.stats()["batches_created"] == 1
    assert len(executions_of(batch)) == 1


def test_a_worker_paused_past_its_lease_writes_no_second_job_down(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = dispatched(owner.org, make_texts("hello"), NATIVE)
    unit = claims.claim("batch", token=uuid.uuid4())
    assert unit is not None
    paused = HeldJob(unit, Contexts().of(batch.pk))
    expire_leases(batch)
    assert recover_lost_leases() == 1
    step(batch)
    with pytest.raises(LeaseLost):
        submitting.begin(paused)
    tend(batch)
    assert statuses_of(batch) == ["completed"]
    assert simulator.stats()["batches_created"] == 1
    assert [execution.state for execution in executions_of(batch)] == ["ended"]


def written_by_a_worker_that_died(owner: Customer, *lanes: tuple[str, str]) -> Batch:
    """Write down a job and send nothing, as a worker killed while it uploads does."""
    batch = dispatched(owner.org, make_texts("hello"), *lanes)
    unit = claims.claim("batch", token=uuid.uuid4())
    assert unit is not None
    lane = Contexts().of(batch.pk).decision(unit.group_no).stages[0]
    lifecycle.begin_execution(
        unit, lane, item_count=1, sent_through_seq=NOTHING_SENT, now=clock.now()
    )
    expire_leases(batch)
    assert recover_lost_leases() == 1
    return batch


def test_a_job_whose_worker_died_before_sending_it_is_not_looked_for(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    simulator.post_fault({"match": {"path": "batch_list"}, "fault": {"kind": "503"}})
    batch = written_by_a_worker_that_died(owner, NATIVE)
    tend(batch)

    (execution,) = executions_of(batch)
    assert (execution.outcome, execution.finds, execution.sent_through_seq) == (
        "ok",
        0,
        0,
    )
    assert simulator.stats()["batches_created"] == 1
    assert statuses_of(batch) == ["completed"]


@pytest.mark.usefixtures("committed_db")
def test_a_provider_that_is_back_at_the_second_look_is_not_asked_in_a_transaction(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = written_by_a_worker_that_died(owner, NATIVE)
    unit = claims.claim("batch", token=uuid.uuid4())
    assert unit is not None
    held = HeldJob(unit, Contexts().of(batch.pk))
    execution = executions_of(batch)[0]
    fenced_in_transaction: list[bool] = []

    def watch(execute: Any, sql: str, params: Any, many: Any, context: Any) -> Any:
        # The fence is the last statement before the request.
        if 'UPDATE "batches_execution" SET "sent_through_seq"' in sql:
            fenced_in_transaction.append(connection.in_atomic_block)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        finding.send_first(held, execution, None)

    assert fenced_in_transaction == [False]
    assert [each.outcome for each in executions_of(batch)] == ["never_sent", ""]
    assert simulator.stats()["batches_created"] == 1


def test_a_job_that_was_not_sent_moves_on_when_its_provider_is_down(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = written_by_a_worker_that_died(owner, NATIVE, DIRECT)
    simulator.post_fault(
        {
            "match": {"path": ["files", "batch", "batch_list"]},
            "fault": {"kind": "503"},
        }
    )
    for _ in range(REFUSALS_MAX):
        step(batch)
    run_direct()

    first, *again, last = executions_of(batch)
    assert {found.outcome for found in (first, *again)} == {"provider_overloaded"}
    assert (last.mode, last.outcome) == ("direct", "ok")
    assert simulator.stats()["batches_created"] == 0


def test_a_worker_whose_lease_is_nearly_over_makes_no_job(
    owner: Customer, simulator: SimulatorProcess, settings: Any
) -> None:
    batch = dispatched(owner.org, make_texts("hello"), NATIVE)
    # Less than the fence asks for, however often it is renewed.
    settings.LEASE_SECONDS = 1
    step(batch)

    assert simulator.stats()["batches_created"] == 0
    (execution,) = executions_of(batch)
    assert (execution.state, execution.provider_job_id) == ("planned", "")
    assert units_of(batch)[0].state == "running"


def test_a_job_that_was_never_sent_is_sent_under_the_same_reference(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    strike(simulator, "500")
    batch = dispatched(owner.org, make_texts("hello"), NATIVE)
    tend(batch)
    (execution,) = executions_of(batch)
    job = simulator.stats()["batches"][0]
    assert simulator.stats()["batches_created"] == 1
    assert job["metadata"] == {"client_ref": execution.public_id}
    assert statuses_of(batch) == ["completed"]


def test_nothing_is_sent_again_before_the_list_has_caught_up(
    owner: Customer, simulator: SimulatorProcess, settings: Any
) -> None:
    settings.JOB_LISTING_LAG_SECONDS = 3600
    strike(simulator, "500")
    batch = dispatched(owner.org, make_texts("hello"), NATIVE)
    for _ in range(5):
        step(batch)
    assert simulator.stats()["batches_created"] == 0
    assert executions_of(batch)[0].finds == 4


def test_rows_that_are_missing_are_asked_for_on_the_next_lane(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = dispatched(
        owner.org, make_texts("a", "b [[sim:missing]]", "c"), NATIVE, DIRECT
    )
    tend(batch)
    assert statuses_of(batch) == ["completed"] * 2
    run_direct()
    rows = rows_of(batch)
    assert [row["lane"] for row in rows] == [
        "openai:batch",
        "openai:direct",
        "openai:batch",
    ]
    assert [row["attempts"] for row in rows] == [1, 2, 1]
    assert executions_of(batch)[0].failures == {"missing_from_provider": 1}


def test_a_row_that_comes_twice_counts_once(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = dispatched(owner.org, make_texts("a [[sim:duplicate]]", "b"), NATIVE)
    tend(batch)
    assert statuses_of(batch) == ["completed"] * 2
    assert executions_of(batch)[0].failures == {"unexpected_row": 1}


def test_a_truncated_file_loses_no_item(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = dispatched(
        owner.org, make_texts(*["a"] * 5, "b [[sim:truncate]]"), NATIVE, DIRECT
    )
    tend(batch)
    run_direct()
    assert statuses_of(batch) == ["completed"] * 6


def test_an_expired_job_gives_its_rows_and_the_rest_goes_on(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    strike(simulator, "expire", fraction=0.5)
    batch = dispatched(owner.org, make_texts(*["a"] * 10), NATIVE, DIRECT)
    tend(batch)
    assert statuses_of(batch) == ["completed"] * 5
    run_direct()
    lanes = sorted(row["lane"] for row in rows_of(batch))
    assert lanes == ["openai:batch"] * 5 + ["openai:direct"] * 5


@pytest.mark.parametrize(
    ("fault", "options"),
    [("all_failed", {}), ("fail_validation", {"code": "invalid_json_line"})],
)
def test_a_job_that_fails_is_done_on_the_next_lane(
    owner: Customer,
    simulator: SimulatorProcess,
    fault: str,
    options: dict[str, str],
) -> None:
    strike(simulator, fault, **options)
    batch = dispatched(owner.org, make_texts("a", "b"), NATIVE, DIRECT)
    tend(batch)
    run_direct()
    assert {row["lane"] for row in rows_of(batch)} == {"openai:direct"}


def test_a_late_output_file_is_waited_for(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    strike(simulator, "no_output_lag", polls=3)
    batch = dispatched(owner.org, make_texts("a", "b"), NATIVE)
    tend(batch)
    assert statuses_of(batch) == ["completed"] * 2


def test_a_stuck_job_is_stopped_and_its_rows_are_kept(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    strike(simulator, "stuck", fraction=0.5)
    batch = dispatched(owner.org, make_texts(*["a"] * 4), NATIVE, DIRECT)
    step(batch)
    time.sleep(0.3)
    leave_lane_at(batch, -1)
    tend(batch)
    assert statuses_of(batch) == ["completed"] * 2
    run_direct()
    assert statuses_of(batch) == ["completed"] * 4
    assert simulator.stats()["batches"][0]["status"] == "cancelled"


def test_a_job_that_does_not_stop_is_given_up_and_booked(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    strike(simulator, "status", value="in_progress")
    batch = dispatched(owner.org, make_texts("a"), NATIVE, DIRECT)
    step(batch)
    leave_lane_at(batch, -CANCEL_GRACE_SECONDS - 1)
    step(batch)
    (execution,) = executions_of(batch)
    assert execution.state == "ended"
    assert execution.ambiguous_nanousd > 0
    run_direct()
    assert statuses_of(batch) == ["completed"]
    assert book_problems() == []


def test_a_job_that_ended_while_nobody_looked_is_still_collected(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = dispatched(owner.org, make_texts("a"), NATIVE, DIRECT)
    step(batch)
    time.sleep(0.3)
    leave_lane_at(batch, -CANCEL_GRACE_SECONDS - 1)
    tend(batch)
    assert rows_of(batch)[0]["lane"] == "openai:batch"


def test_a_canceled_batch_delivers_what_the_job_finished(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    strike(simulator, "stuck", fraction=0.5)
    batch = dispatched(owner.org, make_texts(*["a"] * 4), NATIVE)
    step(batch)
    time.sleep(0.3)
    cancel_batch(batch, now=clock.now())
    tend(batch)
    assert sorted(statuses_of(batch)) == ["canceled"] * 2 + ["completed"] * 2
    assert book_problems() == []


def test_a_deadline_stops_the_job_and_delivers_what_it_finished(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    strike(simulator, "stuck", fraction=0.5)
    batch = dispatched(owner.org, make_texts(*["a"] * 4), NATIVE)
    step(batch)
    time.sleep(0.3)
    set_deadline(batch, clock.now() - timedelta(seconds=1))
    assert close_overdue_batches() == 0
    tend(batch)
    assert sorted(statuses_of(batch)) == ["completed"] * 2 + ["expired"] * 2


def test_a_job_that_is_silent_past_the_deadline_is_closed(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    strike(simulator, "stuck")
    batch = dispatched(owner.org, make_texts("a"), NATIVE)
    step(batch)
    set_deadline(batch, clock.now() - timedelta(seconds=claims.LATE_SECONDS + 1))
    assert close_overdue_batches() == 1
    assert statuses_of(batch) == ["expired"]
    (execution,) = executions_of(batch)
    assert (execution.state, execution.outcome) == ("abandoned", "deadline")
    assert execution.ambiguous_nanousd > 0
    assert close_overdue_batches() == 0


@pytest.mark.parametrize(
    ("fault", "refusals", "code"),
    [
        ("401", 1, "provider_credential"),
        ("insufficient_quota", 1, "provider_quota"),
        ("429", 3, "rate_limited"),
    ],
)
def test_a_refused_job_leaves_the_lane(
    owner: Customer,
    simulator: SimulatorProcess,
    fault: str,
    refusals: int,
    code: str,
) -> None:
    simulator.post_fault({"match": {"path": "batch"}, "fault": {"kind": fault}})
    batch = dispatched(owner.org, make_texts("a"), NATIVE, DIRECT)
    tend(batch)
    states = [(run.state, run.outcome) for run in executions_of(batch)]
    assert states == [("refused", code)] * refusals
    assert (units_of(batch)[0].mode, units_of(batch)[0].stage) == ("direct", 1)


def test_the_last_lane_is_tried_three_times(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    simulator.post_fault({"match": {"path": "batch"}, "fault": {"kind": "all_failed"}})
    batch = dispatched(owner.org, make_texts("a"), NATIVE)
    tend(batch)
    assert codes_of(batch) == ["provider_overloaded"]
    assert rows_of(batch)[0]["attempts"] == 3
    assert simulator.stats()["batches_created"] == 3


class CutOff:
    """The simulator's adapter, whose result file breaks off after some lines."""

    def __init__(self, lines: int) -> None:
        self._lines = lines
        self._adapter = job_adapter("openai")

    def results(
        self, connection: Connection, job: JobState, folder: Path
    ) -> Iterator[tuple[str, Answer]]:
        yield from islice(self._adapter.results(connection, job, folder), self._lines)
        raise JobOutcomeUnknown("the connection broke")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)


def test_collecting_again_counts_nothing_twice(
    owner: Customer, simulator: SimulatorProcess, settings: Any
) -> None:
    # So that a slow machine does not come to a second step in the first.
    settings.NATIVE_POLL_FIRST_SECONDS = settings.NATIVE_POLL_MAX_SECONDS = 60
    count = FLUSH_ROWS + 20
    texts = ["a [[sim:empty]]", *["a"] * (count - 1)]
    batch = dispatched(owner.org, make_texts(*texts), NATIVE, DIRECT)
    step(batch)
    time.sleep(0.5)
    make_due(batch)
    unit = claims.claim("batch", token=uuid.uuid4())
    assert unit is not None
    contexts = Contexts()
    broken = HeldJob(unit, contexts.of(batch.pk))
    broken.adapter = CutOff(FLUSH_ROWS + 10)
    take_step(broken)
    broken.recorder.close()
    contexts.close()
    assert len(rows_of(batch)) == FLUSH_ROWS
    tend(batch)
    run_direct()
    first, _ = executions_of(batch)
    assert first.completed == count - 1
    assert first.failures == {"verification_failed": 1, "unexpected_row": FLUSH_ROWS}
    rows = ResultRow.objects.filter(batch_id=batch.pk, execution_id=first.pk)
    costs = [row.cost_nanousd for row in rows]
    # The empty answer was billed too: one input, no output.
    assert sum(costs) < first.cost_nanousd < sum(costs) + max(costs)
    assert book_problems() == []
