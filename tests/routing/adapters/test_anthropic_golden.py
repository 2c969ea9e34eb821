"""What our Anthropic adapters send, beside what the official SDK was seen to send."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from batchrouter.kit.outbound import ControlClient
from routing.adapters.anthropic import AnthropicDirect
from routing.adapters.anthropic_jobs import AnthropicJobs
from tests.routing.captures import captures_of
from tests.routing.orders import make_order, open_fence
from tests.routing.values import make_connection, make_item
from tests.routing.wire_server import Received, Wire, WireServer

JOB = b'{"id":"msgbatch_1","type":"message_batch","processing_status":"in_progress"}'
MESSAGES = "POST /v1/messages"
CREATE = "POST /v1/messages/batches"
CANCEL = "POST /v1/messages/batches/msgbatch_1/cancel"
HEADERS = {"accept": "application/json", "anthropic-version": "2026-10-21"}

ITEM = make_item(
    ref="a",
    provider_model="claude-haiku-4-5",
    input={"input": "hi"},
    max_output_tokens=16,
)


@pytest.fixture
def sent(tmp_path: Path) -> Iterator[dict[str, Received]]:
    """Make every call that makes or stops a job, and return what the server got."""
    client = ControlClient()
    jobs = AnthropicJobs(client)
    with WireServer() as server:

        async def job(_: Received, wire: Wire) -> None:
            await wire.reply(JOB)

        for call in (CREATE, CANCEL):
            server.on(call.removeprefix("POST "), job)
        connection = make_connection("anthropic", server.url)
        source = tmp_path / "in.jsonl"
        source.write_bytes(jobs.encode_line(ITEM, connection))
        jobs.submit(connection, source, make_order(), fence=open_fence)
        jobs.cancel(connection, "msgbatch_1")
        yield {f"{got.method} {got.path}": got for got in server.received}
    client.close()


@pytest.mark.parametrize("call", [CREATE, CANCEL])
def test_every_job_call_has_the_sdks_path_and_headers(
    sent: dict[str, Received], call: str
) -> None:
    theirs = captures_of("anthropic")[call]["headers"]
    ours = sent[call].headers

    assert theirs["authorization"] == "Bearer KEY"
    assert ours["authorization"] == "Bearer sk-secret"
    assert {name: ours[name] for name in HEADERS} == HEADERS
    assert {name: theirs[name] for name in HEADERS} == HEADERS


def test_a_batch_is_created_with_the_sdks_body(sent: dict[str, Received]) -> None:
    ours = orjson.loads(sent[CREATE].body)

    assert ours == captures_of("anthropic")[CREATE]["body"]
    assert sent[CREATE].headers["content-type"] == "application/json"


def test_a_cancel_has_no_body(sent: dict[str, Received]) -> None:
    assert sent[CANCEL].body == b""


def test_a_message_is_asked_for_as_the_sdk_does() -> None:
    theirs: dict[str, Any] = captures_of("anthropic")[MESSAGES]
    item = make_item(
        provider_model="claude-haiku-4-5",
        input={
            "instructions": "s",
            "input": "hi",
            "text": {
                "format": {
                    "type": "json_schema",
                    "name": "n",
                    "schema": {"type": "object"},
                }
            },
        },
        max_output_tokens=16,
    )
    connection = make_connection("anthropic", "https://anthropic.example")
    ours = AnthropicDirect().encode(item, connection)

    assert (ours.method, ours.url) == (
        "POST",
        "https://anthropic.example" + theirs["path"],
    )
    names = {name.lower() for name, _ in ours.headers}
    assert names == {*theirs["headers"], "x-client-ref"}
    # The SDK sent a temperature, which this version of the API refuses.
    body = theirs["body"]
    del body["temperature"]
    body["output_config"]["format"]["schema"]["additionalProperties"] = False
    assert orjson.loads(ours.body) == body
