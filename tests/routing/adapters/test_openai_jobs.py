"""The job adapter against the simulator, which speaks the real wire format."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from batchrouter.kit.outbound import ControlClient
from routing.adapters.openai_jobs import OpenAIJobs
from routing.contracts import Answer, Connection, ItemRequest, JobState
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
def jobs() -> Iterator[OpenAIJobs]:
    client = ControlClient()
    yield OpenAIJobs(client)
    client.close()


@pytest.fixture
def connection(simulator: SimulatorProcess) -> Connection:
    return make_connection(base_url=f"{simulator.url}/v1")


def write_items(jobs: OpenAIJobs, folder: Path, *items: ItemRequest) -> Path:
    file = folder / "in.jsonl"
    file.write_bytes(
        b"".join(jobs.encode_line(item, make_connection()) for item in items)
    )
    return file


def items(*texts: str) -> list[ItemRequest]:
    return [
        make_item(ref=f"u_{place}", input={"input": text})
        for place, text in enumerate(texts)
    ]


def submit(
    jobs: OpenAIJobs,
    connection: Connection,
    folder: Path,
    *texts: str,
    client_ref: str = "ref_1",
) -> str:
    file = write_items(jobs, folder, *items(*texts))
    return jobs.submit(connection, file, make_order(client_ref), fence=open_fence)


def found_by(jobs: OpenAIJobs, connection: Connection, client_ref: str) -> str | None:
    return jobs.find(connection, make_order(client_ref), others=no_others)


def ended(jobs: OpenAIJobs, connection: Connection, job_id: str) -> JobState:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        state = jobs.poll(connection, job_id)
        if state.phase == "ended":
            return state
        time.sleep(0.05)
    raise AssertionError("the job did not end")


def run(
    jobs: OpenAIJobs, connection: Connection, folder: Path, *texts: str
) -> tuple[JobState, list[tuple[str, Answer]]]:
    job_id = submit(jobs, connection, folder, *texts)
    state = ended(jobs, connection, job_id)
    return state, list(jobs.results(connection, state, folder))


def test_a_job_runs_from_file_to_answers(
    jobs: OpenAIJobs, connection: Connection, tmp_path: Path
) -> None:
    state, rows = run(jobs, connection, tmp_path, "First text.", "Second text.")

    assert (state.ended_as, state.total, state.completed, state.failed) == (
        "ok",
        2,
        2,
        0,
    )
    assert sorted(ref for ref, _ in rows) == ["u_0", "u_1"]
    for _, answer in rows:
        assert answer.failure is None
        assert answer.output is not None
        assert answer.output.text
        assert answer.usage is not None
        assert answer.usage.input_tokens > 0
        assert answer.provider_status == 200


def test_results_leave_no_file_behind(
    jobs: OpenAIJobs, connection: Connection, tmp_path: Path
) -> None:
    run(jobs, connection, tmp_path, "Text.")

    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_a_fence_that_closes_after_the_upload_stops_the_job(
    jobs: OpenAIJobs,
    connection: Connection,
    simulator: SimulatorProcess,
    tmp_path: Path,
) -> None:
    def closed_fence() -> None:
        raise LookupError("ours no longer")

    file = write_items(jobs, tmp_path, *items("Text."))
    files_before = simulator.stats()["files"]
    with pytest.raises(LookupError, match="ours no longer"):
        jobs.submit(connection, file, make_order(), fence=closed_fence)

    stats = simulator.stats()
    assert (stats["files"], stats["batches_created"]) == (files_before + 1, 0)


def test_embeddings_run_as_a_job(
    jobs: OpenAIJobs, connection: Connection, tmp_path: Path
) -> None:
    item = make_item(
        operation="embeddings",
        provider_model="text-embedding-3-small",
        input={"input": ["a", "b"], "dimensions": 8},
        max_output_tokens=None,
    )
    file = write_items(jobs, tmp_path, item)
    order = make_order(operation="embeddings")
    job_id = jobs.submit(connection, file, order, fence=open_fence)
    state = ended(jobs, connection, job_id)
    [(_, answer)] = jobs.results(connection, state, tmp_path)

    assert answer.output is not None
    assert isinstance(answer.output.embedding, list)
    assert len(answer.output.embedding) == 2


def test_our_reference_rides_in_the_jobs_metadata(
    jobs: OpenAIJobs, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    connection = make_connection(base_url=f"{simulator.url}/v1")
    submit(jobs, connection, tmp_path, "Text.", client_ref="ref_seen")

    tags = [batch["metadata"] for batch in simulator.stats()["batches"]]
    assert {"client_ref": "ref_seen"} in tags


def test_a_job_is_found_by_our_reference(
    jobs: OpenAIJobs, connection: Connection, tmp_path: Path
) -> None:
    job_id = submit(jobs, connection, tmp_path, "Text.", client_ref="ref_find")
    submit(jobs, connection, tmp_path, "Other.", client_ref="ref_other")

    assert found_by(jobs, connection, "ref_find") == job_id
    assert found_by(jobs, connection, "ref_nobody") is None


@pytest.mark.parametrize("kind", ["create_reset_after", "create_500_after"])
def test_a_job_whose_creation_gave_no_answer_is_found_again(
    jobs: OpenAIJobs,
    simulator: SimulatorProcess,
    connection: Connection,
    tmp_path: Path,
    kind: str,
) -> None:
    created = simulator.stats()["batches_created"]
    simulator.post_fault({"match": {"path": "batch"}, "fault": {"kind": kind}})
    ref = f"ref_{kind}"

    with pytest.raises(JobOutcomeUnknown):
        submit(jobs, connection, tmp_path, "Text.", client_ref=ref)
    simulator.clear_faults()

    job_id = found_by(jobs, connection, ref)
    assert job_id is not None
    assert ended(jobs, connection, job_id).ended_as == "ok"
    assert simulator.stats()["batches_created"] == created + 1


def test_a_creation_that_was_reset_before_it_arrived_is_not_found(
    jobs: OpenAIJobs,
    simulator: SimulatorProcess,
    connection: Connection,
    tmp_path: Path,
) -> None:
    fault = {"match": {"path": "batch"}, "fault": {"kind": "reset-before"}}
    simulator.post_fault(fault)

    with pytest.raises(JobOutcomeUnknown):
        submit(jobs, connection, tmp_path, "Text.", client_ref="ref_lost")
    simulator.clear_faults()

    assert found_by(jobs, connection, "ref_lost") is None


@pytest.mark.parametrize(
    ("path", "kind", "expected"),
    [
        ("batch", "429", FailureKind.RATE_LIMITED),
        ("batch", "insufficient_quota", FailureKind.QUOTA),
        ("batch", "401", FailureKind.CREDENTIAL),
        ("batch", "400", FailureKind.INVALID),
        ("files", "401", FailureKind.CREDENTIAL),
        ("files", "503", FailureKind.OVERLOADED),
        ("files", "reset-after", FailureKind.UNREACHABLE),
    ],
)
def test_a_no_before_the_job_exists_is_a_refusal(
    jobs: OpenAIJobs,
    simulator: SimulatorProcess,
    connection: Connection,
    tmp_path: Path,
    path: str,
    kind: str,
    expected: FailureKind,
) -> None:
    simulator.post_fault({"match": {"path": path}, "fault": {"kind": kind}})

    with pytest.raises(JobRefused) as refused:
        submit(jobs, connection, tmp_path, "Text.")

    assert refused.value.failure.kind is expected


def test_a_provider_that_cannot_be_reached_is_a_refusal(
    jobs: OpenAIJobs, tmp_path: Path
) -> None:
    connection = make_connection(base_url="http://127.0.0.1:1/v1")

    with pytest.raises(JobRefused) as refused:
        submit(jobs, connection, tmp_path, "Text.")
    assert refused.value.failure.kind is FailureKind.UNREACHABLE


@pytest.mark.parametrize(
    ("code", "ended_as"),
    [("too_many_tasks", "failed"), ("token_limit_exceeded", "turned_away")],
)
def test_a_job_that_fails_validation_says_whether_there_was_no_room(
    jobs: OpenAIJobs,
    simulator: SimulatorProcess,
    connection: Connection,
    tmp_path: Path,
    code: str,
    ended_as: str,
) -> None:
    fault = {"kind": "fail_validation", "code": code}
    simulator.post_fault({"match": {"path": "batch"}, "fault": fault})
    state, rows = run(jobs, connection, tmp_path, "Text.")

    assert (state.ended_as, state.result_files, rows) == (ended_as, (), [])
    assert state.message is not None
    assert state.message.startswith(f"{code}: ")


def test_an_expired_job_gives_what_it_finished_and_names_the_rest(
    jobs: OpenAIJobs,
    simulator: SimulatorProcess,
    connection: Connection,
    tmp_path: Path,
) -> None:
    simulator.post_fault({"match": {"path": "batch"}, "fault": {"kind": "expire"}})
    state, rows = run(jobs, connection, tmp_path, "A.", "B.", "C.", "D.")

    assert state.ended_as == "expired"
    kinds = [answer.failure and answer.failure.kind for _, answer in rows]
    assert kinds.count(None) == 2
    assert kinds.count(FailureKind.JOB_EXPIRED) == 2


def test_a_canceled_job_ends_as_canceled(
    jobs: OpenAIJobs,
    simulator: SimulatorProcess,
    connection: Connection,
    tmp_path: Path,
) -> None:
    simulator.post_fault({"match": {"path": "batch"}, "fault": {"kind": "stuck"}})
    job_id = submit(jobs, connection, tmp_path, "A.", "B.")
    jobs.cancel(connection, job_id)
    state = ended(jobs, connection, job_id)

    assert state.ended_as == "canceled"
    kinds = {
        answer.failure and answer.failure.kind
        for _, answer in jobs.results(connection, state, tmp_path)
    }
    assert kinds == {FailureKind.JOB_CANCELED}


def test_canceling_what_has_ended_or_never_was_is_no_error(
    jobs: OpenAIJobs, connection: Connection, tmp_path: Path
) -> None:
    job_id = submit(jobs, connection, tmp_path, "Text.")
    ended(jobs, connection, job_id)

    jobs.cancel(connection, job_id)
    jobs.cancel(connection, "batch_nobody")

    assert jobs.poll(connection, job_id).ended_as == "ok"


def test_a_job_where_all_failed_has_only_errors(
    jobs: OpenAIJobs,
    simulator: SimulatorProcess,
    connection: Connection,
    tmp_path: Path,
) -> None:
    simulator.post_fault({"match": {"path": "batch"}, "fault": {"kind": "all_failed"}})
    state, rows = run(jobs, connection, tmp_path, "A.", "B.")

    assert (state.ended_as, state.failed, len(state.result_files)) == ("ok", 2, 1)
    assert [answer.failure and answer.failure.kind for _, answer in rows] == [
        FailureKind.OVERLOADED,
        FailureKind.OVERLOADED,
    ]


def test_files_that_lag_behind_the_end_are_waited_for(
    jobs: OpenAIJobs,
    simulator: SimulatorProcess,
    connection: Connection,
    tmp_path: Path,
) -> None:
    fault = {"kind": "no_output_lag", "polls": 2}
    simulator.post_fault({"match": {"path": "batch"}, "fault": fault})
    state, rows = run(jobs, connection, tmp_path, "A.")

    assert (state.ended_as, len(rows)) == ("ok", 1)


def test_an_unknown_status_counts_as_running(
    jobs: OpenAIJobs,
    simulator: SimulatorProcess,
    connection: Connection,
    tmp_path: Path,
) -> None:
    fault = {"kind": "status", "value": "defragmenting"}
    simulator.post_fault({"match": {"path": "batch"}, "fault": fault})
    job_id = submit(jobs, connection, tmp_path, "A.")

    assert jobs.poll(connection, job_id).phase == "running"


def test_duplicates_are_handed_on_and_missing_rows_are_not_made_up(
    jobs: OpenAIJobs, connection: Connection, tmp_path: Path
) -> None:
    texts = ("A. [[sim:duplicate]]", "B. [[sim:missing]]", "C.")
    _, rows = run(jobs, connection, tmp_path, *texts)

    assert sorted(ref for ref, _ in rows) == ["u_0", "u_0", "u_2"]


def test_a_line_that_failed_is_classified_by_its_own_status(
    jobs: OpenAIJobs, connection: Connection, tmp_path: Path
) -> None:
    texts = ("A. [[sim:429]]", "B. [[sim:400]]", "C. [[sim:503]]", "D.")
    _, rows = run(jobs, connection, tmp_path, *texts)

    kinds = {ref: answer.failure and answer.failure.kind for ref, answer in rows}
    assert kinds == {
        "u_0": FailureKind.RATE_LIMITED,
        "u_1": FailureKind.INVALID,
        "u_2": FailureKind.OVERLOADED,
        "u_3": None,
    }


UNANSWERED = pytest.mark.parametrize("kind", ["503", "401", "429", "reset-before"])


@UNANSWERED
def test_a_poll_that_gets_no_good_answer_is_an_unknown_outcome(
    jobs: OpenAIJobs,
    simulator: SimulatorProcess,
    connection: Connection,
    tmp_path: Path,
    kind: str,
) -> None:
    job_id = submit(jobs, connection, tmp_path, "A.")
    simulator.post_fault({"match": {"path": "batch_get"}, "fault": {"kind": kind}})

    with pytest.raises(JobOutcomeUnknown):
        jobs.poll(connection, job_id)


@UNANSWERED
def test_a_search_that_gets_no_good_answer_is_an_unknown_outcome(
    jobs: OpenAIJobs, simulator: SimulatorProcess, connection: Connection, kind: str
) -> None:
    simulator.post_fault({"match": {"path": "batch_list"}, "fault": {"kind": kind}})

    with pytest.raises(JobOutcomeUnknown):
        found_by(jobs, connection, "ref_1")


@UNANSWERED
def test_a_file_that_cannot_be_fetched_is_an_unknown_outcome(
    jobs: OpenAIJobs,
    simulator: SimulatorProcess,
    connection: Connection,
    tmp_path: Path,
    kind: str,
) -> None:
    job_id = submit(jobs, connection, tmp_path, "A.")
    state = ended(jobs, connection, job_id)
    simulator.post_fault({"match": {"path": "file_content"}, "fault": {"kind": kind}})

    with pytest.raises(JobOutcomeUnknown):
        list(jobs.results(connection, state, tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_half_a_result_file_is_an_unknown_outcome(
    jobs: OpenAIJobs,
    simulator: SimulatorProcess,
    connection: Connection,
    tmp_path: Path,
) -> None:
    job_id = submit(jobs, connection, tmp_path, "A.", "B.")
    state = ended(jobs, connection, job_id)
    simulator.post_fault(
        {"match": {"path": "file_content"}, "fault": {"kind": "reset-after"}}
    )
    with pytest.raises(JobOutcomeUnknown):
        list(jobs.results(connection, state, tmp_path))


def test_a_file_that_ends_in_the_middle_of_a_row_gives_the_whole_rows(
    jobs: OpenAIJobs, connection: Connection, tmp_path: Path
) -> None:
    texts = ["Text [[sim:truncate]]", *(f"Text {number}." for number in range(9))]
    _, rows = run(jobs, connection, tmp_path, *texts)

    refs = [ref for ref, _ in rows]
    assert len(refs) == len(set(refs)) < 10
    assert all(answer.failure is None for _, answer in rows)


def test_a_job_id_that_would_change_the_path_is_never_sent(
    jobs: OpenAIJobs, simulator: SimulatorProcess, connection: Connection
) -> None:
    with pytest.raises(JobOutcomeUnknown):
        jobs.poll(connection, "../files")
