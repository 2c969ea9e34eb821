"""Gemini's batches against the simulator, which speaks the real wire."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from batchrouter.kit.outbound import ControlClient
from routing.adapters.gemini_job_states import job_state
from routing.adapters.gemini_jobs import INLINE_ITEMS_MAX, GeminiJobs
from routing.contracts import Answer, Connection, JobState, Operation
from routing.failures import FailureKind, JobOutcomeUnknown, JobRefused
from tests.routing.orders import make_order, no_others, open_fence
from tests.routing.values import make_connection, make_item
from tests.routing.wire_server import Received, Wire, WireServer
from tests.support.simulator import SimulatorProcess

pytestmark = pytest.mark.processes
MODEL = "gemini-3.8-flash"
# Above the number that goes inline.
BY_FILE = INLINE_ITEMS_MAX + 1


@pytest.fixture(scope="module")
def process() -> Iterator[SimulatorProcess]:
    with SimulatorProcess(batch_seconds=0.1, api_key="sk-secret") as running:
        yield running


@pytest.fixture
def simulator(process: SimulatorProcess) -> SimulatorProcess:
    process.clear_faults()
    process.reset()
    return process


@pytest.fixture
def jobs() -> Iterator[GeminiJobs]:
    client = ControlClient()
    yield GeminiJobs(client)
    client.close()


@pytest.fixture
def connection(simulator: SimulatorProcess) -> Connection:
    return make_connection("gemini", f"{simulator.url}/gemini")


def strike(simulator: SimulatorProcess, kind: str, **options: Any) -> None:
    path = options.pop("path", "batch")
    simulator.post_fault(
        {"match": {"path": path}, "fault": {"kind": kind, **options}, "times": 1}
    )


def submit(
    jobs: GeminiJobs,
    connection: Connection,
    folder: Path,
    *inputs: Any,
    client_ref: str = "ref_1",
    operation: Operation = "responses",
    item_count: int = 0,
) -> str:
    file = folder / "in.jsonl"
    lines = (
        make_item(
            ref=f"{client_ref}-{place}",
            operation=operation,
            provider_model=MODEL,
            input={"input": given},
        )
        for place, given in enumerate(inputs)
    )
    file.write_bytes(b"".join(jobs.encode_line(item, connection) for item in lines))
    order = make_order(
        client_ref,
        operation=operation,
        provider_model=MODEL,
        item_count=item_count or len(inputs),
    )
    return jobs.submit(connection, file, order, fence=open_fence)


def ended(jobs: GeminiJobs, connection: Connection, job_id: str) -> JobState:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        state = jobs.poll(connection, job_id)
        if state.phase == "ended":
            return state
        assert state.result_files == ()
        time.sleep(0.05)
    raise AssertionError("the job did not end")


def run(
    jobs: GeminiJobs, connection: Connection, folder: Path, *inputs: Any, **options: Any
) -> tuple[JobState, list[tuple[str, Answer]]]:
    job_id = submit(jobs, connection, folder, *inputs, **options)
    state = ended(jobs, connection, job_id)
    return state, list(jobs.results(connection, state, folder))


def kinds(rows: list[tuple[str, Answer]]) -> Counter[FailureKind | None]:
    failures = [answer.failure for _, answer in rows]
    return Counter(failure.kind if failure else None for failure in failures)


@pytest.mark.parametrize("item_count", [0, BY_FILE], ids=["inline", "by-file"])
def test_a_job_runs_from_lines_to_answers(
    jobs: GeminiJobs,
    connection: Connection,
    simulator: SimulatorProcess,
    tmp_path: Path,
    item_count: int,
) -> None:
    texts = ("First text.", "Second\ntext.")
    state, rows = run(jobs, connection, tmp_path, *texts, item_count=item_count)

    assert (state.ended_as, state.total, state.completed, state.failed) == (
        "ok",
        2,
        2,
        0,
    )
    assert state.result_files[0].startswith("files/" if item_count else "batches/")
    assert sorted(ref for ref, _ in rows) == ["ref_1-0", "ref_1-1"]
    for _, answer in rows:
        assert answer.output is not None
        assert answer.output.text
        assert answer.usage is not None
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]
    assert simulator.accepted() == {"ref_1-0": 1, "ref_1-1": 1}


def test_both_versions_of_the_api_run_a_job(
    jobs: GeminiJobs, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    beta = Connection(
        "gemini",
        f"{simulator.url}/gemini",
        "sk-secret",
        is_sandbox=True,
        options={"api_version": "v1beta"},
    )

    for item_count in (0, BY_FILE):
        _, rows = run(jobs, beta, tmp_path, "Text.", item_count=item_count)
        assert kinds(rows) == {None: 1}


@pytest.mark.parametrize("item_count", [0, BY_FILE], ids=["inline", "by-file"])
def test_texts_to_embed_come_back_by_item(
    jobs: GeminiJobs, connection: Connection, tmp_path: Path, item_count: int
) -> None:
    _, rows = run(
        jobs,
        connection,
        tmp_path,
        "one",
        ["two", "three"],
        operation="embeddings",
        item_count=item_count,
    )
    found = {ref: answer.output for ref, answer in rows}

    assert found.keys() == {"ref_1-0", "ref_1-1"}
    single, double = found["ref_1-0"], found["ref_1-1"]
    assert single is not None
    assert double is not None
    assert single.embedding is not None
    assert double.embedding is not None
    assert len(single.embedding) == 768
    assert [len(v) for v in double.embedding if isinstance(v, list)] == [768, 768]


def test_a_fence_that_closes_stops_the_job(
    jobs: GeminiJobs,
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


@pytest.mark.parametrize("kind", ["create_reset_after", "create_500_after"])
def test_a_create_without_an_answer_is_unknown_and_then_found(
    jobs: GeminiJobs,
    connection: Connection,
    simulator: SimulatorProcess,
    tmp_path: Path,
    kind: str,
) -> None:
    strike(simulator, kind)
    with pytest.raises(JobOutcomeUnknown):
        submit(jobs, connection, tmp_path, "Text.", client_ref=f"lost_{kind}")
    order = make_order(f"lost_{kind}")

    job_id = jobs.find(connection, order, others=no_others)

    assert job_id is not None
    assert ended(jobs, connection, job_id).ended_as == "ok"
    assert simulator.stats()["batches_created"] == 1


def test_a_job_that_was_never_made_is_not_found(
    jobs: GeminiJobs, connection: Connection
) -> None:
    assert jobs.find(connection, make_order("nobody"), others=no_others) is None


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("429", FailureKind.RATE_LIMITED),
        ("400", FailureKind.INVALID),
        ("403", FailureKind.CREDENTIAL),
    ],
)
def test_a_refused_create_is_classified(
    jobs: GeminiJobs,
    connection: Connection,
    simulator: SimulatorProcess,
    tmp_path: Path,
    fault: str,
    kind: FailureKind,
) -> None:
    strike(simulator, fault)
    with pytest.raises(JobRefused) as refused:
        submit(jobs, connection, tmp_path, "Text.")

    assert refused.value.failure.kind is kind
    assert simulator.stats()["batches_created"] == 0


def test_an_upload_that_fails_makes_no_job(
    jobs: GeminiJobs,
    connection: Connection,
    simulator: SimulatorProcess,
    tmp_path: Path,
) -> None:
    strike(simulator, "503", path="files")
    with pytest.raises(JobRefused) as refused:
        submit(jobs, connection, tmp_path, "Text.", item_count=BY_FILE)

    assert refused.value.failure.kind is FailureKind.OVERLOADED
    assert simulator.stats()["batches_created"] == 0


def test_an_upload_is_never_sent_to_another_host(
    jobs: GeminiJobs, tmp_path: Path
) -> None:
    with WireServer() as server:

        async def start(_: Received, wire: Wire) -> None:
            url = "X-Goog-Upload-URL: https://elsewhere.example/upload\r\n"
            await wire.reply(b"{}", extra=url)

        server.on("/upload/v1/files", start)
        connection = make_connection("gemini", server.url)
        with pytest.raises(JobRefused):
            submit(jobs, connection, tmp_path, "Text.", item_count=BY_FILE)

        assert [got.path for got in server.received] == ["/upload/v1/files"]


@pytest.mark.parametrize("item_count", [0, BY_FILE], ids=["inline", "by-file"])
def test_rows_that_failed_stand_beside_those_that_did_not(
    jobs: GeminiJobs, connection: Connection, tmp_path: Path, item_count: int
) -> None:
    texts = (
        "Well.",
        "Bad. [[sim:400]]",
        "Late. [[sim:503]]",
        "Blocked. [[sim:refusal]]",
    )
    state, rows = run(jobs, connection, tmp_path, *texts, item_count=item_count)
    found = dict(rows)

    assert (state.completed, state.failed) == (2, 2)
    assert kinds(rows) == {
        None: 2,
        FailureKind.INVALID: 1,
        FailureKind.OVERLOADED: 1,
    }
    blocked = found["ref_1-3"].output
    assert blocked is not None
    assert (blocked.finish_reason, blocked.refusal) == (
        "content_filter",
        "PROHIBITED_CONTENT",
    )


def test_missing_and_doubled_rows_are_left_to_the_caller(
    jobs: GeminiJobs, connection: Connection, tmp_path: Path
) -> None:
    texts = ("Gone. [[sim:missing]]", "Twice. [[sim:duplicate]]", "Well.")
    _, rows = run(jobs, connection, tmp_path, *texts, item_count=BY_FILE)

    assert Counter(ref for ref, _ in rows) == {"ref_1-1": 2, "ref_1-2": 1}
    assert kinds(rows) == {None: 3}


def test_a_cut_row_is_left_out(
    jobs: GeminiJobs, connection: Connection, tmp_path: Path
) -> None:
    texts = ("Whole. [[sim:truncate]]", "Cut.")
    _, rows = run(jobs, connection, tmp_path, *texts, item_count=BY_FILE)

    assert [ref for ref, _ in rows] == ["ref_1-0"]
    assert kinds(rows) == {None: 1}


@pytest.mark.parametrize(
    ("fault", "ended_as", "expected"),
    [
        ({"kind": "expire"}, "expired", {None: 1, FailureKind.JOB_EXPIRED: 1}),
        ({"kind": "all_failed"}, "ok", {FailureKind.OVERLOADED: 2}),
        ({"kind": "fail_validation", "message": "Too much."}, "failed", {}),
    ],
    ids=["expire", "all_failed", "fail_validation"],
)
def test_a_job_that_went_wrong_gives_what_it_has(
    jobs: GeminiJobs,
    connection: Connection,
    simulator: SimulatorProcess,
    tmp_path: Path,
    fault: dict[str, Any],
    ended_as: str,
    expected: dict[FailureKind | None, int],
) -> None:
    strike(simulator, **fault)
    state, rows = run(jobs, connection, tmp_path, "One.", "Two.")

    assert state.ended_as == ended_as
    assert kinds(rows) == expected
    assert state.message == fault.get("message")


def test_a_late_output_is_waited_for(
    jobs: GeminiJobs,
    connection: Connection,
    simulator: SimulatorProcess,
    tmp_path: Path,
) -> None:
    strike(simulator, "no_output_lag", polls=2)
    _, rows = run(jobs, connection, tmp_path, "One.")

    assert kinds(rows) == {None: 1}


def test_a_canceled_job_gives_its_rows_and_a_second_cancel_is_no_error(
    jobs: GeminiJobs,
    connection: Connection,
    simulator: SimulatorProcess,
    tmp_path: Path,
) -> None:
    strike(simulator, "stuck", fraction=0.5)
    job_id = submit(jobs, connection, tmp_path, "One.", "Two.")
    deadline = time.monotonic() + 120
    while not jobs.poll(connection, job_id).completed:
        assert time.monotonic() < deadline
        time.sleep(0.05)

    jobs.cancel(connection, job_id)
    state = ended(jobs, connection, job_id)
    jobs.cancel(connection, job_id)

    assert state.ended_as == "canceled"
    rows = list(jobs.results(connection, state, tmp_path))
    assert kinds(rows) == {None: 1, FailureKind.JOB_CANCELED: 1}


def test_a_state_that_nobody_knows_counts_as_running(
    jobs: GeminiJobs,
    connection: Connection,
    simulator: SimulatorProcess,
    tmp_path: Path,
) -> None:
    strike(simulator, "status", value="pondering", polls=1)
    job_id = submit(jobs, connection, tmp_path, "One.")

    assert jobs.poll(connection, job_id).phase == "running"
    assert ended(jobs, connection, job_id).ended_as == "ok"


def test_a_file_that_breaks_off_is_fetched_again(
    jobs: GeminiJobs,
    connection: Connection,
    simulator: SimulatorProcess,
    tmp_path: Path,
) -> None:
    job_id = submit(jobs, connection, tmp_path, "One.", item_count=BY_FILE)
    state = ended(jobs, connection, job_id)
    strike(simulator, "reset-after", path="file_content")

    with pytest.raises(JobOutcomeUnknown):
        list(jobs.results(connection, state, tmp_path))
    assert kinds(list(jobs.results(connection, state, tmp_path))) == {None: 1}


@pytest.mark.parametrize("prefix", ["BATCH_STATE_", "JOB_STATE_"])
@pytest.mark.parametrize(
    ("state", "phase", "ended_as"),
    [
        ("PENDING", "submitted", None),
        ("QUEUED", "submitted", None),
        ("RUNNING", "running", None),
        ("PAUSED", "running", None),
        ("UPDATING", "running", None),
        ("UNSPECIFIED", "running", None),
        ("CANCELLING", "canceling", None),
        ("SUCCEEDED", "ended", "ok"),
        ("PARTIALLY_SUCCEEDED", "ended", "ok"),
        ("FAILED", "ended", "failed"),
        ("EXPIRED", "ended", "expired"),
        ("CANCELLED", "ended", "canceled"),
    ],
)
def test_a_state_has_our_word(
    prefix: str, state: str, phase: str, ended_as: str | None
) -> None:
    found = job_state({"metadata": {"state": prefix + state}}, seen_at=None)

    assert (found.phase, found.ended_as) == (phase, ended_as)


@pytest.mark.parametrize(
    ("job", "phase", "ended_as"),
    [
        ({}, "running", None),
        ({"metadata": []}, "running", None),
        ({"done": True, "response": {}}, "ended", "ok"),
        ({"done": True, "error": {"code": 3, "message": "m\n"}}, "ended", "failed"),
    ],
)
def test_an_operation_without_a_state_tells_by_being_done(
    job: dict[str, Any], phase: str, ended_as: str | None
) -> None:
    found = job_state(job, seen_at=None)

    assert (found.phase, found.ended_as) == (phase, ended_as)
    assert found.message == ("m " if "error" in job else None)


def test_counts_come_as_text() -> None:
    stats = {"requestCount": "12", "successfulRequestCount": "7", "x": 1}
    found = job_state(
        {"metadata": {"batchStats": {**stats, "failedRequestCount": "-2"}}},
        seen_at=None,
    )

    assert (found.total, found.completed, found.failed) == (12, 7, 0)


def test_a_results_name_that_leads_elsewhere_is_not_taken() -> None:
    output = {"responsesFile": "files/../../etc"}
    metadata = {"state": "BATCH_STATE_FAILED", "output": output}

    assert job_state({"metadata": metadata}, seen_at=None).result_files == ()


def test_an_item_of_several_texts_is_as_many_lines(jobs: GeminiJobs) -> None:
    item = make_item(operation="embeddings", input={"input": ["a", "b"]})
    lines = jobs.encode_line(item, make_connection("gemini")).splitlines()

    assert [orjson.loads(line)["key"] for line in lines] == ["r_1.0.2", "r_1.1.2"]
