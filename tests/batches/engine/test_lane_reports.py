"""What the engines tell of a lane besides its outcomes."""

from batches.engine.direct_run import Observed
from batches.engine.native import serve_native_lanes
from catalog.models import LatencyHour
from routing.models import OfferingHealth
from tests.batches.conftest import Customer
from tests.batches.engine.builders import (
    DIRECT,
    NATIVE,
    dispatched,
    executions_of,
    make_due,
    make_texts,
    run_direct,
)
from tests.support.simulator import SimulatorProcess


def test_a_direct_lane_tells_its_window_and_its_failures(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = dispatched(owner.org, make_texts("say [[sim:500:1]]"), DIRECT)
    run_direct()

    (execution,) = executions_of(batch)
    row = OfferingHealth.objects.get(pk=execution.offering_id)
    # 64 to start with, and one more for the answer.
    assert row.window_calls == 65
    assert list(row.last_failures) == ["provider_overloaded"]


def test_the_simulators_times_are_not_kept(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    dispatched(owner.org, make_texts("hello"), DIRECT)
    run_direct()

    assert not LatencyHour.objects.exists()


def test_times_of_live_runs_are_added_by_step() -> None:
    run, seen = Observed(), Observed()
    for elapsed_ms in (10, 20, 20):
        run.note_answer(elapsed_ms)

    seen.add(run, is_sandbox=False)
    seen.add(run, is_sandbox=False)
    seen.add(run, is_sandbox=True)

    assert (run.latencies, run.latency_ms_sum) == ({0: 1, 4: 2}, 50)
    assert (seen.latencies, seen.latency_ms_sum) == ({0: 2, 4: 4}, 150)


def test_a_native_lane_tells_its_failures(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = dispatched(owner.org, make_texts("say [[sim:500]]"), NATIVE)
    for _ in range(60):
        make_due(batch)
        serve_native_lanes()
        if executions_of(batch)[0].ended_at is not None:
            break

    (execution, *_) = executions_of(batch)
    row = OfferingHealth.objects.get(pk=execution.offering_id)
    assert row.window_calls is None
    assert list(row.last_failures) == ["provider_overloaded"]
