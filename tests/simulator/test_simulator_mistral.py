"""The official mistralai client against the simulator's Mistral wire."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from mistralai.client import Mistral
from mistralai.client.errors import HTTPValidationError, SDKError
from mistralai.client.models import BatchJob

from tests.support.simulator import SimulatorProcess

MODEL = "mistral-small-latest"
TEXT = "Paris is the capital of France. It lies on the Seine."
UNFINISHED = {"QUEUED", "RUNNING", "CANCELLATION_REQUESTED"}


@pytest.fixture
def mistral(simulator: SimulatorProcess) -> Iterator[Mistral]:
    url = f"{simulator.url}/mistral"
    with Mistral(api_key="key", server_url=url, timeout_ms=10_000) as made:
        yield made


def ask(mistral: Mistral, text: str, **options: Any) -> Any:
    messages: Any = [{"role": "user", "content": text}]
    return mistral.chat.complete(model=MODEL, messages=messages, **options)


def lines_of(*texts: str) -> bytes:
    lines = [
        {
            "custom_id": f"item-{place}",
            "body": {"messages": [{"role": "user", "content": text}]},
        }
        for place, text in enumerate(texts)
    ]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def create(mistral: Mistral, *texts: str) -> BatchJob:
    content: Any = {"file_name": "in.jsonl", "content": lines_of(*texts)}
    file = mistral.files.upload(file=content, purpose="batch")
    return mistral.batch.jobs.create(
        endpoint="/v1/chat/completions",
        input_files=[file.id],
        model=MODEL,
        metadata={"k": "v"},
    )


def finished(mistral: Mistral, job: BatchJob) -> BatchJob:
    deadline = time.monotonic() + 120
    while job.status in UNFINISHED:
        assert time.monotonic() < deadline, f"still {job.status}"
        time.sleep(0.03)
        job = mistral.batch.jobs.get(job_id=job.id)
    return job


def rows_of(mistral: Mistral, file_id: Any) -> dict[str, Any]:
    text = mistral.files.download(file_id=file_id).read().decode()
    rows = [json.loads(line) for line in text.splitlines()]
    return {row["custom_id"]: row for row in rows}


def test_a_chat_is_answered(mistral: Mistral) -> None:
    reply = ask(mistral, TEXT, max_tokens=50)

    assert "Paris" in reply.choices[0].message.content
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage.prompt_tokens > 10


def test_a_thought_is_a_chunk_before_the_text(mistral: Mistral) -> None:
    reply = ask(mistral, TEXT, reasoning_effort="high")

    kinds = [chunk.type for chunk in reply.choices[0].message.content]
    assert kinds == ["thinking", "text"]


def test_a_demanded_call_is_made_with_an_object(mistral: Mistral) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    tool = {"type": "function", "function": {"name": "find", "parameters": schema}}
    reply = ask(mistral, TEXT, tools=[tool], tool_choice="any")
    [call] = reply.choices[0].message.tool_calls

    assert call.function.name == "find"
    assert list(call.function.arguments) == ["city"]


def test_vectors_tell_their_own_place(mistral: Mistral) -> None:
    reply = mistral.embeddings.create(
        model="mistral-embed", inputs=["a", "b"], output_dimension=8
    )

    assert [entry.index for entry in reply.data] == [1, 0]
    assert [len(entry.embedding or []) for entry in reply.data] == [8, 8]


def test_an_error_is_flat(mistral: Mistral) -> None:
    with pytest.raises(SDKError) as refused:
        ask(mistral, "No. [[sim:429]]")

    assert refused.value.status_code == 429
    body = json.loads(refused.value.body)
    assert (body["object"], body["type"], body["code"]) == (
        "error",
        "rate_limited",
        "1300",
    )
    assert refused.value.headers["retry-after"] == "1"


def test_a_temperature_above_the_bound_is_422(
    mistral: Mistral, simulator: SimulatorProcess
) -> None:
    with pytest.raises(HTTPValidationError):
        ask(mistral, TEXT, temperature=1.9)

    assert simulator.stats()["accepted_total"] == 0


def test_a_job_runs_by_file(mistral: Mistral) -> None:
    job = finished(mistral, create(mistral, TEXT, "Bad. [[sim:400]]"))

    assert (job.status, job.metadata, job.model) == ("SUCCESS", {"k": "v"}, MODEL)
    assert (job.total_requests, job.succeeded_requests, job.failed_requests) == (
        2,
        1,
        1,
    )
    good = rows_of(mistral, job.output_file)
    bad = rows_of(mistral, job.error_file)
    assert good["item-0"]["response"]["status_code"] == 200
    assert bad["item-1"]["response"]["body"]["object"] == "error"


def test_a_job_runs_inline(mistral: Mistral) -> None:
    body = {"messages": [{"role": "user", "content": TEXT}]}
    requests: Any = [{"custom_id": "a", "body": body}]
    job = mistral.batch.jobs.create(
        endpoint="/v1/chat/completions", requests=requests, model=MODEL
    )
    job = finished(mistral, job)

    assert rows_of(mistral, job.output_file).keys() == {"a"}


def test_jobs_are_listed_newest_first(mistral: Mistral) -> None:
    made = [finished(mistral, create(mistral, TEXT)).id for _ in range(2)]
    listed = mistral.batch.jobs.list(page=0, page_size=2)

    assert listed.total >= 2
    assert [job.id for job in listed.data or []] == made[::-1]


def test_a_job_whose_time_is_over_keeps_what_is_done(
    mistral: Mistral, simulator: SimulatorProcess
) -> None:
    simulator.post_fault({"fault": {"kind": "expire", "fraction": 0.5}, "times": 1})
    job = finished(mistral, create(mistral, TEXT, "Two."))

    assert (job.status, job.error_file) == ("TIMEOUT_EXCEEDED", None)
    assert rows_of(mistral, job.output_file).keys() == {"item-0"}


def test_a_canceled_job_says_so(mistral: Mistral, simulator: SimulatorProcess) -> None:
    simulator.post_fault({"fault": {"kind": "stuck"}, "times": 1})
    job = create(mistral, TEXT)
    asked = mistral.batch.jobs.cancel(job_id=job.id)

    assert asked.status in UNFINISHED
    assert finished(mistral, asked).status == "CANCELLED"
