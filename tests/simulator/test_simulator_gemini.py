"""The official google-genai client against the simulator's Gemini wire."""

import http.client
import json
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from google import genai
from google.genai import errors, types

from tests.support.simulator import SimulatorProcess

Json = dict[str, Any]

MODEL = "gemini-2.5-flash"
TEXT = "Paris is the capital of France. It lies on the Seine."


@pytest.fixture(params=["v1", "v1beta"])
def client(
    request: pytest.FixtureRequest, simulator: SimulatorProcess
) -> Iterator[genai.Client]:
    options = types.HttpOptions(
        base_url=f"{simulator.url}/gemini", api_version=request.param, timeout=60_000
    )
    with genai.Client(api_key="key", http_options=options) as made:
        yield made


@pytest.fixture
def beta(simulator: SimulatorProcess) -> Iterator[genai.Client]:
    options = types.HttpOptions(
        base_url=f"{simulator.url}/gemini", api_version="v1beta", timeout=60_000
    )
    with genai.Client(api_key="key", http_options=options) as made:
        yield made


def generate(client: genai.Client, text: str, **config: Any) -> Any:
    return client.models.generate_content(
        model=MODEL, contents=text, config=types.GenerateContentConfig(**config)
    )


def inline(*texts: str) -> Any:
    return [
        {
            "contents": [{"parts": [{"text": text}], "role": "user"}],
            "metadata": {"key": f"item-{place}"},
        }
        for place, text in enumerate(texts)
    ]


def finished(client: genai.Client, job: types.BatchJob) -> types.BatchJob:
    deadline = time.monotonic() + 120
    while not job.done:
        assert time.monotonic() < deadline, f"still {job.state}"
        time.sleep(0.03)
        job = client.batches.get(name=str(job.name))
    return job


def run_inline(client: genai.Client, *texts: str) -> types.BatchJob:
    return finished(client, client.batches.create(model=MODEL, src=inline(*texts)))


def inlined(job: types.BatchJob) -> list[types.InlinedResponse]:
    assert job.dest is not None
    return job.dest.inlined_responses or []


def test_content_is_generated_in_both_versions(client: genai.Client) -> None:
    reply = generate(client, TEXT, system_instruction="Be brief.", max_output_tokens=50)

    assert "Paris" in reply.text
    assert reply.candidates[0].finish_reason is types.FinishReason.STOP
    assert reply.usage_metadata.prompt_token_count > 10
    assert reply.model_version == MODEL


def test_an_answer_that_reaches_its_cap_says_so(beta: genai.Client) -> None:
    reply = generate(beta, TEXT, max_output_tokens=3)

    assert reply.candidates[0].finish_reason is types.FinishReason.MAX_TOKENS
    assert reply.usage_metadata.candidates_token_count == 3


def test_thoughts_are_counted_beside_the_output(beta: genai.Client) -> None:
    thinking = types.ThinkingConfig(thinking_budget=1_000)
    reply = generate(beta, TEXT, thinking_config=thinking)
    usage = reply.usage_metadata

    assert usage.thoughts_token_count == 8
    assert usage.total_token_count == (
        usage.prompt_token_count + usage.candidates_token_count + 8
    )
    assert [part.thought for part in reply.candidates[0].content.parts] == [True, None]


def test_a_schema_is_answered_in_its_form(beta: genai.Client) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    }
    reply = generate(
        beta,
        TEXT,
        response_mime_type="application/json",
        response_json_schema=schema,
    )

    assert list(json.loads(reply.text)) == ["city"]


def test_a_demanded_call_is_made(beta: genai.Client) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    function = types.FunctionDeclaration(name="find", parameters_json_schema=schema)
    calling = types.FunctionCallingConfig(
        mode=types.FunctionCallingConfigMode.ANY, allowed_function_names=["find"]
    )
    reply = generate(
        beta,
        TEXT,
        tools=[types.Tool(function_declarations=[function])],
        tool_config=types.ToolConfig(function_calling_config=calling),
    )

    assert [call.name for call in reply.function_calls] == ["find"]


def test_a_blocked_prompt_has_no_candidates(beta: genai.Client) -> None:
    reply = generate(beta, "No. [[sim:refusal]]")

    assert reply.candidates is None
    assert reply.prompt_feedback.block_reason is types.BlockedReason.PROHIBITED_CONTENT


def test_tokens_are_counted(beta: genai.Client) -> None:
    counted = beta.models.count_tokens(model=MODEL, contents=TEXT)

    assert counted.total_tokens is not None
    assert counted.total_tokens > 10


def test_vectors_come_one_for_each_text(client: genai.Client) -> None:
    config = types.EmbedContentConfig(output_dimensionality=8)
    reply = client.models.embed_content(
        model="gemini-embedding-001", contents=["a", "b"], config=config
    )

    assert reply.embeddings is not None
    assert [len(one.values or []) for one in reply.embeddings] == [8, 8]


@pytest.mark.parametrize(
    ("marker", "code", "status"),
    [
        ("429", 429, "RESOURCE_EXHAUSTED"),
        ("503", 503, "UNAVAILABLE"),
        ("400", 400, "INVALID_ARGUMENT"),
    ],
)
def test_a_refusal_has_googles_shape(
    beta: genai.Client, marker: str, code: int, status: str
) -> None:
    with pytest.raises(errors.APIError) as refused:
        generate(beta, f"No. [[sim:{marker}]]")

    assert (refused.value.code, refused.value.status) == (code, status)
    details = refused.value.details["error"].get("details", [])
    delays = [entry["retryDelay"] for entry in details if "retryDelay" in entry]
    assert delays == (["1s"] if code == 429 else [])


def test_a_key_that_is_not_known_is_refused() -> None:
    with SimulatorProcess(batch_seconds=0.1, api_key="right") as simulator:
        options = types.HttpOptions(base_url=f"{simulator.url}/gemini")
        with (
            genai.Client(api_key="wrong", http_options=options) as made,
            pytest.raises(errors.ClientError, match="API key"),
        ):
            generate(made, TEXT)

        assert simulator.stats()["accepted_total"] == 0


def test_the_colon_of_a_path_may_be_quoted(simulator: SimulatorProcess) -> None:
    connection = http.client.HTTPConnection(urlsplit(simulator.url).netloc, timeout=60)
    body = json.dumps({"contents": [{"parts": [{"text": TEXT}]}]})
    path = f"/gemini/v1beta/models/{MODEL}%3AgenerateContent"
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    reply = connection.getresponse()

    assert reply.status == 200
    assert "candidates" in json.loads(reply.read())
    connection.close()


def test_inline_answers_come_in_the_order_of_their_requests(
    client: genai.Client,
) -> None:
    job = run_inline(client, "One.", "Two.", "Three.", "Four.")

    assert job.state is types.JobState.JOB_STATE_SUCCEEDED
    keys = [(row.metadata or {})["key"] for row in inlined(job)]
    assert keys == ["item-0", "item-1", "item-2", "item-3"]


def test_a_request_that_failed_stands_among_the_answers(beta: genai.Client) -> None:
    rows = inlined(run_inline(beta, "Well.", "Bad. [[sim:400]]"))

    assert [row.error and row.error.code for row in rows] == [None, 400]


def test_a_file_is_uploaded_run_and_downloaded(
    client: genai.Client, tmp_path: Path
) -> None:
    file = tmp_path / "in.jsonl"
    line = {"key": "x", "request": {"contents": [{"parts": [{"text": TEXT}]}]}}
    file.write_text(json.dumps(line) + "\n")
    config = types.UploadFileConfig(display_name="d", mime_type="application/jsonl")
    uploaded = client.files.upload(file=file, config=config)
    job = finished(client, client.batches.create(model=MODEL, src=str(uploaded.name)))

    assert uploaded.size_bytes == file.stat().st_size
    assert job.dest is not None
    assert job.dest.file_name is not None
    [row] = client.files.download(file=job.dest.file_name).splitlines()
    assert json.loads(row)["key"] == "x"


def test_vectors_come_by_batch(beta: genai.Client) -> None:
    contents: Any = ["alpha", "beta gamma"]
    source = types.EmbeddingsBatchJobSource(
        inlined_requests=types.EmbedContentBatch(
            contents=contents,
            config=types.EmbedContentConfig(output_dimensionality=8),
        )
    )
    with pytest.warns(Warning, match="experimental"):
        made = beta.batches.create_embeddings(model="gemini-embedding-001", src=source)
    job = finished(beta, made)

    assert job.dest is not None
    rows = job.dest.inlined_embed_content_responses or []
    found = [row.response.embedding for row in rows if row.response is not None]
    assert [len(one.values or []) for one in found if one is not None] == [8, 8]
    assert found[0] != found[1]


def test_jobs_are_listed_newest_first_without_their_answers(
    beta: genai.Client,
) -> None:
    made = [
        finished(
            beta,
            beta.batches.create(
                model=MODEL,
                src=inline("Text."),
                config=types.CreateBatchJobConfig(display_name=f"job-{number}"),
            ),
        )
        for number in range(3)
    ]
    config = types.ListBatchJobsConfig(page_size=2)
    listed = list(islice(beta.batches.list(config=config), len(made)))

    assert [job.display_name for job in listed] == ["job-2", "job-1", "job-0"]
    assert [job.dest for job in listed] == [None, None, None]


def test_a_canceled_job_keeps_what_is_done(
    beta: genai.Client, simulator: SimulatorProcess
) -> None:
    simulator.post_fault({"fault": {"kind": "stuck", "fraction": 0.5}, "times": 1})
    job = beta.batches.create(model=MODEL, src=inline("One.", "Two."))
    deadline = time.monotonic() + 120
    while simulator.stats()["accepted_total"] == 0:
        assert time.monotonic() < deadline
        time.sleep(0.02)

    beta.batches.cancel(name=str(job.name))
    job = finished(beta, job)

    assert job.state is types.JobState.JOB_STATE_CANCELLED
    assert [row.error and row.error.code for row in inlined(job)] == [None, 1]


def test_counts_are_text_on_the_wire(simulator: SimulatorProcess) -> None:
    batch: Json = {"inputConfig": {"requests": {"requests": [{"request": {}}]}}}
    connection = http.client.HTTPConnection(urlsplit(simulator.url).netloc, timeout=60)
    path = f"/gemini/v1/models/{MODEL}:batchGenerateContent"
    connection.request("POST", path, json.dumps({"batch": batch}))
    made = json.loads(connection.getresponse().read())
    deadline = time.monotonic() + 120
    while not made.get("done"):
        assert time.monotonic() < deadline
        connection.request("GET", f"/gemini/v1/{made['name']}")
        made = json.loads(connection.getresponse().read())
    connection.close()

    # A request without contents fails as it runs.
    assert made["metadata"]["batchStats"] == {
        "requestCount": "1",
        "failedRequestCount": "1",
    }
