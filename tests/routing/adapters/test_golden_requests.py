"""What our OpenAI job adapter sends, beside what the official SDK was seen to send."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from batchrouter.kit.outbound import ControlClient
from routing.adapters.openai_jobs import OpenAIJobs
from routing.contracts import JobState
from tests.routing.captures import captures_of
from tests.routing.orders import make_order, open_fence
from tests.routing.values import make_connection, make_item
from tests.routing.wire_server import Received, Wire, WireServer

JOB = b'{"id":"batch_1","object":"batch","status":"in_progress"}'


@pytest.fixture
def sent(tmp_path: Path) -> Iterator[dict[str, Received]]:
    """Run every verb against a server that takes all, and return what it got."""
    client = ControlClient()
    jobs = OpenAIJobs(client)
    with WireServer() as server:

        async def job(_: Received, wire: Wire) -> None:
            await wire.reply(JOB)

        async def file(_: Received, wire: Wire) -> None:
            await wire.reply(b'{"id":"file-1","object":"file"}')

        async def content(_: Received, wire: Wire) -> None:
            await wire.reply(b"")

        server.on("/v1/files", file)
        server.on("/v1/files/file-2/content", content)
        for path in (
            "/v1/batches",
            "/v1/batches/batch_1",
            "/v1/batches/batch_1/cancel",
        ):
            server.on(path, job)
        connection = make_connection(base_url=server.url + "/v1")
        source = tmp_path / "in.jsonl"
        source.write_bytes(jobs.encode_line(make_item(), connection))
        jobs.submit(connection, source, make_order("r"), fence=open_fence)
        jobs.poll(connection, "batch_1")
        jobs.cancel(connection, "batch_1")
        ended = JobState("ended", "ok", 1, 1, 0, ("file-2",))
        list(jobs.results(connection, ended, tmp_path))
        yield {f"{got.method} {got.path}": got for got in server.received}
    client.close()


def captures() -> dict[str, dict[str, Any]]:
    return captures_of("openai")


def test_every_call_is_one_that_the_sdk_makes(sent: dict[str, Received]) -> None:
    assert sent.keys() == captures().keys()


def test_every_call_is_authorized_as_the_sdk_does(sent: dict[str, Received]) -> None:
    for received in sent.values():
        assert received.headers["authorization"] == "Bearer sk-secret"


def test_the_upload_has_the_sdks_form_fields(sent: dict[str, Received]) -> None:
    names = re.compile(r'; name="([^"]+)"')
    ours = names.findall(sent["POST /v1/files"].body.decode())
    theirs = names.findall(captures()["POST /v1/files"]["body"])

    assert ours == theirs


def test_the_job_has_the_sdks_fields(sent: dict[str, Received]) -> None:
    ours = orjson.loads(sent["POST /v1/batches"].body)
    theirs = captures()["POST /v1/batches"]["body"]

    assert ours == {**theirs, "metadata": {"client_ref": "r"}}


@pytest.mark.parametrize(
    "call",
    [
        "GET /v1/batches/batch_1",
        "POST /v1/batches/batch_1/cancel",
        "GET /v1/files/file-2/content",
    ],
)
def test_the_other_calls_have_no_body(sent: dict[str, Received], call: str) -> None:
    assert sent[call].body == b""
    assert captures()[call]["body"] == ""
