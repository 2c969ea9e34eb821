"""Anthropic's message batches against the simulator, which speaks the real wire."""

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from batchrouter.kit.outbound import ControlClient
from routing.adapters.anthropic_jobs import AnthropicJobs
from routing.contracts import Answer, Connection, JobOrder, JobState, OtherOrders
from routing.failures import FailureKind, JobOutcomeUnknown, JobRefused
from tests.routing.orders import make_order, no_others, open_fence
from tests.routing.values import make_connection, make_item
from tests.support.simulator import SimulatorProcess

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def process() -> Iterator[SimulatorProcess]:
    with SimulatorProcess(batch_seconds=0.1) as running:
        yield running


@pytest.fixture
def simulator(process: SimulatorProcess) -> SimulatorProcess:
    process.clear_faults()
    process.reset()
    return process


@pytest.fixture
def jobs() -> Iterator[AnthropicJobs]:
    client = ControlClient()
    yield AnthropicJobs(client)
    client.close()


@pytest.fixture
def connection(simulator: SimulatorProcess) -> Connection:
    return make_connection("anthropic", f"{simulator.url}/anthropic")


def strike(simulator: SimulatorProcess, kind: str, **options: Any) -> None:
    path = options.pop("path", "batch")
    simulator.post_fault(
        {"match": {"path": path}, "fault": {"kind": kind, **options}, "times": 1}
    )


def now_order(client_ref: str = "ref_1", item_count: int = 1) -> JobOrder:
    sent_at = datetime.now(UTC)  # the simulator's own clock
    return make_order(client_ref, item_count=item_count, sent_at=sent_at)


def submit(
    jobs: AnthropicJobs,
    connection: Connection,
    folder: Path,
    *texts: str,
    order: JobOrder | None = None,
) -> str:
    order = order or now_order(item_count=len(texts))
    file = folder / "in.jsonl"
    lines = (
        make_item(
            ref=f"{order.client_ref}-{place}",
            provider_model="claude-haiku-4-5",
            input={"input": text},
        )
        for place, text in enumerate(texts)
    )
    file.write_bytes(b"".join(jobs.encode_line(item, connection) for item in lines))
    return jobs.submit(connection, file, order, fence=open_fence)


def ended(jobs: AnthropicJobs, connection: Connection, job_id: str) -> JobState:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        state = jobs.poll(connection, job_id)
        if state.phase == "ended":
            return state
        assert (state.completed, state.failed, state.result_files) == (0, 0, ())
        time.sleep(0.05)
    raise AssertionError("the job did not end")


def run(
    jobs: AnthropicJobs, connection: Connection, folder: Path, *texts: str
) -> tuple[JobState, list[tuple[str, Answer]]]:
    job_id = submit(jobs, connection, folder, *texts)
    state = ended(jobs, connection, job_id)
    return state, list(jobs.results(connection, state, folder))


def kinds(rows: list[tuple[str, Answer]]) -> Counter[FailureKind | None]:
    failures = [answer.failure for _, answer in rows]
    return Counter(failure.kind if failure else None for failure in failures)


def test_a_job_runs_from_lines_to_answers(
    jobs: AnthropicJobs, connection: Connection, tmp_path: Path
) -> None:
    state, rows = run(jobs, connection, tmp_path, "First text.", "Second\ntext.")

    assert (state.ended_as, state.total, state.completed, state.failed) == (
        "ok",
        2,
        2,
        0,
    )
    assert sorted(ref for ref, _ in rows) == ["ref_1-0", "ref_1-1"]
    for _, answer in rows:
        assert answer.output is not None
        assert answer.output.text
        assert answer.usage is not None
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_both_versions_of_the_api_run_a_job(
    jobs: AnthropicJobs, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    older = Connection(
        "anthropic",
        f"{simulator.url}/anthropic",
        "k",
        is_sandbox=True,
        options={"api_version": "2023-06-01"},
    )
    _, rows = run(jobs, older, tmp_path, "Text.")

    assert kinds(rows) == {None: 1}


def test_a_fence_that_closes_stops_the_job(
    jobs: AnthropicJobs,
    connection: Connection,
    simulator: SimulatorProcess,
    tmp_path: Path,
) -> None:
    def closed_fence() -> None:
        raise LookupError("ours no longer")

    file = tmp_path / "in.jsonl"
    file.write_bytes(jobs.encode_line(make_item(), connection))
    with pytest.raises(LookupError, match="ours no longer"):
        jobs.submit(connection, file, make_order(), fence=closed_fence)

    assert simulator.stats()["batches_created"] == 0


def test_an_invalid_request_fails_alone(
    jobs: AnthropicJobs, connection: Connection, tmp_path: Path
) -> None:
    state, rows = run(jobs, connection, tmp_path, "Fine.", "[[sim:400]] bad")

    assert (state.ended_as, state.completed, state.failed) == ("ok", 1, 1)
    assert kinds(rows) == {None: 1, FailureKind.INVALID: 1}


def test_an_expired_job_gives_what_it_finished(
    jobs: AnthropicJobs,
    connection: Connection,
    simulator: SimulatorProcess,
    tmp_path: Path,
) -> None:
    strike(simulator, "expire", fraction=0.5)
    state, rows = run(jobs, connection, tmp_path, *["Text."] * 4)

    assert (state.ended_as, state.total, state.completed) == ("expired", 4, 2)
    assert kinds(rows) == {None: 2, FailureKind.JOB_EXPIRED: 2}


def test_a_canceled_job_gives_what_it_finished(
    jobs: AnthropicJobs,
    connection: Connection,
    simulator: SimulatorProcess,
    tmp_path: Path,
) -> None:
    strike(simulator, "stuck", fraction=0.5)
    job_id = submit(jobs, connection, tmp_path, *["Text."] * 4)
    # Half of the lines run at once; the rest never does.
    deadline = time.monotonic() + 120
    while len(simulator.accepted("ref_1-")) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    jobs.cancel(connection, job_id)
    state = ended(jobs, connection, job_id)

    assert state.ended_as == "canceled"
    rows = list(jobs.results(connection, state, tmp_path))
    assert kinds(rows) == {None: 2, FailureKind.JOB_CANCELED: 2}
    jobs.cancel(connection, job_id)  # once more: it has ended


def test_a_cancel_that_comes_too_late_stops_nothing(
    jobs: AnthropicJobs,
    connection: Connection,
    simulator: SimulatorProcess,
    tmp_path: Path,
) -> None:
    strike(simulator, "ignore_cancel")
    job_id = submit(jobs, connection, tmp_path, "Text.")
    jobs.cancel(connection, job_id)

    assert jobs.poll(connection, job_id).phase in ("canceling", "ended")
    assert ended(jobs, connection, job_id).ended_as == "ok"


def test_a_truncated_file_gives_its_whole_rows(
    jobs: AnthropicJobs, connection: Connection, tmp_path: Path
) -> None:
    texts = ["[[sim:truncate]] cut", "Text two.", "Text three."]
    _, rows = run(jobs, connection, tmp_path, *texts)

    assert 1 <= len(rows) < 3


def test_a_status_that_is_not_known_counts_as_running(
    jobs: AnthropicJobs,
    connection: Connection,
    simulator: SimulatorProcess,
    tmp_path: Path,
) -> None:
    strike(simulator, "status", value="paused", polls=1)
    job_id = submit(jobs, connection, tmp_path, "Text.")

    assert jobs.poll(connection, job_id).phase == "running"


@pytest.mark.parametrize(
    ("kind", "failure"),
    [
        ("401", FailureKind.CREDENTIAL),
        ("429", FailureKind.RATE_LIMITED),
        ("insufficient_quota", FailureKind.QUOTA),
        ("529", FailureKind.OVERLOADED),
    ],
)
def test_a_create_that_is_turned_away_is_refused(
    jobs: AnthropicJobs,
    connection: Connection,
    simulator: SimulatorProcess,
    tmp_path: Path,
    kind: str,
    failure: FailureKind,
) -> None:
    strike(simulator, kind)
    with pytest.raises(JobRefused) as refusal:
        submit(jobs, connection, tmp_path, "Text.")

    assert refusal.value.failure.kind is failure
    assert simulator.stats()["batches_created"] == 0


@pytest.mark.parametrize("kind", ["create_reset_after", "create_500_after", "500"])
def test_a_create_without_a_clear_answer_is_unknown(
    jobs: AnthropicJobs,
    connection: Connection,
    simulator: SimulatorProcess,
    tmp_path: Path,
    kind: str,
) -> None:
    strike(simulator, kind)

    with pytest.raises(JobOutcomeUnknown):
        submit(jobs, connection, tmp_path, "Text.")


def test_what_cannot_be_asked_is_unknown(
    jobs: AnthropicJobs,
    connection: Connection,
    simulator: SimulatorProcess,
    tmp_path: Path,
) -> None:
    job_id = submit(jobs, connection, tmp_path, "Text.")
    state = ended(jobs, connection, job_id)

    strike(simulator, "500", path="batch_get")
    with pytest.raises(JobOutcomeUnknown):
        jobs.poll(connection, job_id)
    strike(simulator, "reset-after", path="file_content")
    with pytest.raises(JobOutcomeUnknown):
        list(jobs.results(connection, state, tmp_path))


def test_an_ended_batch_is_found_by_its_rows(
    jobs: AnthropicJobs, connection: Connection, tmp_path: Path
) -> None:
    order = now_order("ref_mine", item_count=2)
    mine = submit(jobs, connection, tmp_path, "a", "b", order=order)
    other = now_order("ref_other", item_count=2)
    theirs = submit(jobs, connection, tmp_path, "a", "b", order=other)
    for job_id in (mine, theirs):
        ended(jobs, connection, job_id)

    assert jobs.find(connection, order, others=no_others) == mine
    assert jobs.find(connection, other, others=no_others) == theirs
    third = now_order("ref_third", item_count=2)
    assert jobs.find(connection, third, others=no_others) is None


def twin() -> OtherOrders:
    return OtherOrders(frozenset(), has_twin=True)


def test_the_only_running_batch_of_our_size_is_ours(
    jobs: AnthropicJobs,
    connection: Connection,
    simulator: SimulatorProcess,
    tmp_path: Path,
) -> None:
    strike(simulator, "duration", seconds=3)
    order = now_order("ref_slow", item_count=7)
    job_id = submit(jobs, connection, tmp_path, *"abcdefg", order=order)

    assert jobs.find(connection, order, others=no_others) == job_id
    # It could be the twin's as well.
    with pytest.raises(JobOutcomeUnknown):
        jobs.find(connection, order, others=twin)
    known = OtherOrders(frozenset({job_id}), has_twin=False)
    assert jobs.find(connection, order, others=lambda: known) is None
    # Neither a batch of another size nor an older one is in question.
    larger = now_order("ref_slow", item_count=8)
    assert jobs.find(connection, larger, others=twin) is None
    later = make_order(
        "ref_slow", item_count=7, sent_at=order.sent_at + timedelta(hours=1)
    )
    assert jobs.find(connection, later, others=twin) is None


def test_two_running_batches_of_our_size_are_waited_for(
    jobs: AnthropicJobs,
    connection: Connection,
    simulator: SimulatorProcess,
    tmp_path: Path,
) -> None:
    order = now_order("ref_two", item_count=5)
    for name in ("ref_two", "ref_six"):
        strike(simulator, "duration", seconds=1)
        sent = now_order(name, item_count=5)
        submit(jobs, connection, tmp_path, *"abcde", order=sent)

    with pytest.raises(JobOutcomeUnknown):
        jobs.find(connection, order, others=no_others)


def test_what_the_list_does_not_say_is_unknown(
    jobs: AnthropicJobs, connection: Connection, simulator: SimulatorProcess
) -> None:
    strike(simulator, "500", path="batch_list")

    with pytest.raises(JobOutcomeUnknown):
        jobs.find(connection, now_order(), others=no_others)
