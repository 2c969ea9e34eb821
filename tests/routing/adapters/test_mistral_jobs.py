"""Mistral's calls: golden requests, its deviations, and jobs against the simulator."""

import re
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from batchrouter.kit.outbound import ControlClient
from routing.adapters.mistral import MistralDirect
from routing.adapters.mistral_job_states import job_state
from routing.adapters.mistral_jobs import MistralJobs
from routing.contracts import Answer, Connection, JobState, Operation, Usage
from routing.failures import FailureKind, JobOutcomeUnknown, JobRefused
from tests.routing.captures import captures_of, recorded
from tests.routing.orders import make_order, no_others, open_fence
from tests.routing.values import make_connection, make_item
from tests.routing.wire_server import Received, Wire, WireServer
from tests.support.simulator import SimulatorProcess

pytestmark = pytest.mark.processes
MODEL = "mistral-small-latest"
CREATE, CANCEL = "POST /v1/batch/jobs", "POST /v1/batch/jobs/j1/cancel"


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
def jobs() -> Iterator[MistralJobs]:
    client = ControlClient()
    yield MistralJobs(client)
    client.close()


@pytest.fixture
def connection(simulator: SimulatorProcess) -> Connection:
    return make_connection("mistral", f"{simulator.url}/mistral/v1")


@pytest.fixture
def sent(jobs: MistralJobs, tmp_path: Path) -> Iterator[dict[str, Received]]:
    """Make every call that the SDK was recorded making, and return what came."""
    with WireServer() as server:

        async def job(_: Received, wire: Wire) -> None:
            await wire.reply(b'{"id":"j1","status":"QUEUED"}')

        async def file(_: Received, wire: Wire) -> None:
            await wire.reply(b'{"id":"497f6eca-6276-4993-bfeb-53cbbbba6f09"}')

        server.on("/v1/files", file)
        for call in (CREATE, CANCEL):
            server.on(call.removeprefix("POST "), job)
        connection = make_connection("mistral", server.url + "/v1")
        source = tmp_path / "in.jsonl"
        source.write_bytes(jobs.encode_line(make_item(), connection))
        order = make_order("v", provider_model=MODEL)
        assert jobs.submit(connection, source, order, fence=open_fence) == "j1"
        jobs.cancel(connection, "j1")
        yield {f"{got.method} {got.path}": got for got in server.received}


def strike(simulator: SimulatorProcess, kind: str, **options: Any) -> None:
    path = options.pop("path", "batch")
    simulator.post_fault(
        {"match": {"path": path}, "fault": {"kind": kind, **options}, "times": 1}
    )


def submit(
    jobs: MistralJobs,
    connection: Connection,
    folder: Path,
    *inputs: Any,
    client_ref: str = "ref_1",
    operation: Operation = "responses",
) -> str:
    file = folder / "in.jsonl"
    lines = (
        make_item(
            ref=f"{client_ref}-{place}",
            operation=operation,
            provider_model=MODEL,
            input={"input": given},
            max_output_tokens=None if operation == "embeddings" else 64,
        )
        for place, given in enumerate(inputs)
    )
    file.write_bytes(b"".join(jobs.encode_line(item, connection) for item in lines))
    order = make_order(
        client_ref,
        operation=operation,
        provider_model=MODEL,
        item_count=len(inputs),
    )
    return jobs.submit(connection, file, order, fence=open_fence)


def ended(jobs: MistralJobs, connection: Connection, job_id: str) -> JobState:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        state = jobs.poll(connection, job_id)
        if state.phase == "ended":
            return state
        time.sleep(0.05)
    raise AssertionError("the job did not end")


def run(
    jobs: MistralJobs,
    connection: Connection,
    folder: Path,
    *inputs: Any,
    **options: Any,
) -> tuple[JobState, list[tuple[str, Answer]]]:
    job_id = submit(jobs, connection, folder, *inputs, **options)
    state = ended(jobs, connection, job_id)
    return state, list(jobs.results(connection, state, folder))


def kinds(rows: list[tuple[str, Answer]]) -> Counter[FailureKind | None]:
    failures = [answer.failure for _, answer in rows]
    return Counter(failure.kind if failure else None for failure in failures)


def test_every_call_is_one_that_the_sdk_makes(sent: dict[str, Received]) -> None:
    theirs = captures_of("mistral")

    assert sent.keys() == theirs.keys()
    for call, received in sent.items():
        assert theirs[call]["headers"]["authorization"] == "Bearer KEY"
        assert received.headers["authorization"] == "Bearer sk-secret"
        assert received.headers["accept"] == theirs[call]["headers"]["accept"]


def test_the_upload_has_the_sdks_form_fields(sent: dict[str, Received]) -> None:
    names = re.compile(r'; name="([^"]+)"')
    theirs = captures_of("mistral")["POST /v1/files"]["body"]

    ours = names.findall(sent["POST /v1/files"].body.decode())
    assert ours == names.findall(theirs)


def test_the_job_has_the_sdks_fields(sent: dict[str, Received]) -> None:
    [theirs] = [
        entry["body"]
        for entry in recorded()
        if entry["sdk"] == "mistral" and "input_files" in entry["body"]
    ]

    ours = orjson.loads(sent[CREATE].body)
    assert ours == {**theirs, "metadata": {"client_ref": "v"}}


def test_a_cancel_has_no_body(sent: dict[str, Received]) -> None:
    assert sent[CANCEL].body == captures_of("mistral")[CANCEL]["body"].encode() == b""


def test_a_line_has_neither_address_nor_model(jobs: MistralJobs) -> None:
    item = make_item(provider_model=MODEL)
    line = orjson.loads(jobs.encode_line(item, make_connection("mistral")))

    assert line == {
        "custom_id": "r_1",
        "body": {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 64},
    }


def test_a_temperature_ends_at_the_wires_bound() -> None:
    item = make_item(provider_model=MODEL, input={"input": "hi", "temperature": 2})
    body = MistralDirect().encode(item, make_connection("mistral")).body

    assert orjson.loads(body)["temperature"] == 1.5


def test_a_vectors_length_has_a_word_of_its_own() -> None:
    item = make_item(
        operation="embeddings",
        provider_model="mistral-embed",
        input={"input": "a", "dimensions": 8},
    )
    body = MistralDirect().encode(item, make_connection("mistral")).body

    assert orjson.loads(body) == {
        "model": "mistral-embed",
        "input": "a",
        "output_dimension": 8,
    }


def decode(value: Any, status: int = 200) -> Answer:
    return MistralDirect().decode("responses", status, {}, orjson.dumps(value))


def chat(finish: str = "stop", usage: Any = None, **message: Any) -> dict[str, Any]:
    return {
        "model": MODEL,
        "choices": [{"message": message, "finish_reason": finish}],
        "usage": usage or {"prompt_tokens": 10, "completion_tokens": 2},
    }


@pytest.mark.parametrize(
    ("value", "status", "kind"),
    [
        ({"detail": [{"loc": ["body"], "msg": "m", "type": "t"}]}, 422, "INVALID"),
        ({"object": "error", "type": "invalid_model", "code": "1500"}, 400, "MODEL"),
        ({"object": "error", "type": "rate_limited", "code": "1300"}, 429, "RATE"),
        ({"object": "error", "type": "unauthorized", "code": None}, 401, "CREDENTIAL"),
        ({"object": "error", "type": "x", "code": "3000"}, 500, "OVERLOADED"),
        (chat("error", content=""), 200, "OVERLOADED"),
    ],
    ids=["fastapi", "model", "rate", "key", "inside", "finish"],
)
def test_an_error_is_flat_or_of_the_web_framework(
    value: Any, status: int, kind: str
) -> None:
    failure = decode(value, status).failure

    assert failure is not None
    assert failure.kind.name.startswith(kind)


@pytest.mark.parametrize(
    ("finish", "word"),
    [("stop", "stop"), ("length", "length"), ("model_length", "length")],
)
def test_a_finish_reason_has_our_word(finish: str, word: str) -> None:
    output = decode(chat(finish, content="a")).output

    assert output is not None
    assert output.finish_reason == word


def test_chunks_are_joined_and_thoughts_left_out() -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    chunks = [thought, {"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    output = decode(chat(content=chunks)).output

    assert output is not None
    assert output.text == "ab"


def test_arguments_may_come_as_an_object() -> None:
    call = {"id": "c", "function": {"name": "f", "arguments": {"a": 1}}}
    output = decode(chat("tool_calls", content="", tool_calls=[call])).output

    assert output is not None
    assert output.tool_calls == [
        {
            "id": "c",
            "type": "function",
            "function": {"name": "f", "arguments": '{"a":1}'},
        }
    ]


@pytest.mark.parametrize(
    "cached",
    [
        {"num_cached_tokens": 4},
        {"prompt_tokens_details": {"cached_tokens": 4}},
        {"prompt_token_details": {"cached_tokens": 4}},
    ],
    ids=["number", "details", "other-spelling"],
)
def test_cached_tokens_are_read_in_every_spelling(cached: dict[str, Any]) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 2, **cached}

    assert decode(chat(usage=usage, content="a")).usage == Usage(10, 4, 2, 0)


def test_a_job_runs_from_lines_to_answers(
    jobs: MistralJobs,
    connection: Connection,
    simulator: SimulatorProcess,
    tmp_path: Path,
) -> None:
    state, rows = run(jobs, connection, tmp_path, "First text.", "Second\ntext.")

    assert (state.ended_as, state.total, state.completed, state.failed) == (
        "ok",
        2,
        2,
        0,
    )
    assert sorted(ref for ref, _ in rows) == ["ref_1-0", "ref_1-1"]
    assert kinds(rows) == {None: 2}
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]
    assert simulator.accepted() == {"ref_1-0": 1, "ref_1-1": 1}


def test_vectors_are_put_in_the_order_of_their_texts(
    jobs: MistralJobs, connection: Connection, tmp_path: Path
) -> None:
    texts = ["alpha beta", "gamma"]
    _, rows = run(jobs, connection, tmp_path, texts, *texts, operation="embeddings")
    found = {ref: answer.output for ref, answer in rows}

    both = found["ref_1-0"]
    assert both is not None
    singles = [found["ref_1-1"], found["ref_1-2"]]
    assert both.embedding == [one.embedding for one in singles if one is not None]


@pytest.mark.parametrize("kind", ["create_reset_after", "create_500_after"])
def test_a_create_without_an_answer_is_unknown_and_then_found(
    jobs: MistralJobs,
    connection: Connection,
    simulator: SimulatorProcess,
    tmp_path: Path,
    kind: str,
) -> None:
    strike(simulator, kind)
    with pytest.raises(JobOutcomeUnknown):
        submit(jobs, connection, tmp_path, "Text.", client_ref=f"lost_{kind}")

    job_id = jobs.find(connection, make_order(f"lost_{kind}"), others=no_others)

    assert job_id is not None
    assert ended(jobs, connection, job_id).ended_as == "ok"
    assert simulator.stats()["batches_created"] == 1


def test_a_job_that_was_never_made_is_not_found(
    jobs: MistralJobs, connection: Connection
) -> None:
    assert jobs.find(connection, make_order("nobody"), others=no_others) is None


@pytest.mark.parametrize("path", ["files", "batch"])
def test_a_refused_call_makes_no_job(
    jobs: MistralJobs,
    connection: Connection,
    simulator: SimulatorProcess,
    tmp_path: Path,
    path: str,
) -> None:
    strike(simulator, "429", path=path)
    with pytest.raises(JobRefused) as refused:
        submit(jobs, connection, tmp_path, "Text.")

    assert refused.value.failure.kind is FailureKind.RATE_LIMITED
    assert refused.value.failure.retry_after_seconds == 1
    assert simulator.stats()["batches_created"] == 0


def test_rows_of_both_files_are_read(
    jobs: MistralJobs, connection: Connection, tmp_path: Path
) -> None:
    texts = (
        *("Well.", "Bad. [[sim:400]]", "Late. [[sim:503]]", "Halt. [[sim:halted]]"),
        *("Gone. [[sim:missing]]", "Twice. [[sim:duplicate]]"),
    )
    state, rows = run(jobs, connection, tmp_path, *texts)

    assert len(state.result_files) == 2
    assert (state.completed, state.failed) == (4, 2)
    assert kinds(rows) == {
        None: 3,
        FailureKind.INVALID: 1,
        FailureKind.OVERLOADED: 2,
    }
    assert "ref_1-4" not in dict(rows)


@pytest.mark.parametrize(
    ("fault", "ended_as", "expected"),
    [
        # What never ran has no row here.
        ({"kind": "expire"}, "expired", {None: 1}),
        ({"kind": "all_failed"}, "ok", {FailureKind.OVERLOADED: 2}),
        ({"kind": "fail_validation", "message": "Too much."}, "failed", {}),
        ({"kind": "no_output_lag", "polls": 2}, "ok", {None: 2}),
        ({"kind": "status", "value": "pondering", "polls": 2}, "ok", {None: 2}),
    ],
    ids=["expire", "all_failed", "fail_validation", "no_output_lag", "status"],
)
def test_a_job_that_went_wrong_gives_what_it_has(
    jobs: MistralJobs,
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


def test_a_canceled_job_gives_its_rows_and_a_second_cancel_is_no_error(
    jobs: MistralJobs,
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
    assert kinds(list(jobs.results(connection, state, tmp_path))) == {None: 1}


@pytest.mark.parametrize(
    ("status", "phase", "ended_as"),
    [
        ("QUEUED", "submitted", None),
        ("RUNNING", "running", None),
        ("CANCELLATION_REQUESTED", "canceling", None),
        ("SUCCESS", "ended", "ok"),
        ("FAILED", "ended", "failed"),
        ("TIMEOUT_EXCEEDED", "ended", "expired"),
        ("CANCELLED", "ended", "canceled"),
        ("PONDERING", "running", None),
        (["SUCCESS"], "running", None),
    ],
)
def test_a_status_has_our_word(status: Any, phase: str, ended_as: str | None) -> None:
    found = job_state({"status": status}, seen_at=None)

    assert (found.phase, found.ended_as) == (phase, ended_as)


def test_a_missing_output_is_given_up_after_its_time() -> None:
    job = {"status": "SUCCESS", "succeeded_requests": 1, "completed_at": 1_000}

    early = job_state(job, seen_at=datetime.fromtimestamp(1_599, UTC))
    late = job_state(job, seen_at=datetime.fromtimestamp(1_600, UTC))

    assert (early.phase, late.phase) == ("collecting", "ended")
