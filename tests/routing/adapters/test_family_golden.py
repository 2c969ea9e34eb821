"""What the job adapters of OpenAI's family send, beside what the SDKs sent.

The Together SDK was recorded below a base URL that ends in ``/v1`` and adds its own.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from batchrouter.kit.outbound import ControlClient
from routing.adapters.fireworks_jobs import FireworksJobs
from routing.adapters.groq_jobs import GroqJobs
from routing.adapters.openrouter_jobs import OpenRouterJobs
from routing.adapters.together_jobs import TogetherJobs
from routing.contracts import Connection, JobAdapter
from tests.routing.captures import captures_of
from tests.routing.orders import make_order, open_fence
from tests.routing.values import make_item
from tests.routing.wire_server import Received, Wire, WireServer

FIELDS = re.compile(r'; name="([^"]+)"')
Sent = dict[str, Received]
Send = Callable[..., Sent]
HERE = "https://provider.example"


@pytest.fixture
def send(tmp_path: Path) -> Iterator[Send]:
    """Submit one item, and return what the server got by method and path."""
    client = ControlClient()
    with WireServer() as server:

        async def made(_: Received, wire: Wire) -> None:
            await wire.reply(b'{"id":"file-1","job":{"id":"b1"}}')

        async def room(_: Received, wire: Wire) -> None:
            extra = f"Location: {server.url}/up?s=1\r\nX-Together-File-Id: file-1\r\n"
            await wire.reply(b"", "302 Found", extra)

        def run(make: Callable[[ControlClient], JobAdapter], base: str, *paths: str,
                **values: Any) -> Sent:  # fmt: skip
            for path in paths:
                server.on(path, room if path == "/together/files" else made)
            jobs = make(client)
            connection = Connection(
                "p", server.url + base, "sk-secret", is_sandbox=False, **values
            )
            item = make_item(ref="a", provider_model="m", max_output_tokens=None)
            source = tmp_path / "in.jsonl"
            source.write_bytes(jobs.encode_line(item, connection))
            order = make_order("exe_1", provider_model="m")
            jobs.submit(connection, source, order, fence=open_fence)
            return {f"{got.method} {got.path}": got for got in server.received}

        yield run
    client.close()


def test_groq_is_sent_what_its_sdk_sends(send: Send) -> None:
    base = "/openai/v1"
    sent = send(GroqJobs, base, f"{base}/files", f"{base}/batches")
    theirs = captures_of("groq")

    assert sent.keys() == theirs.keys()
    upload = sent["POST /openai/v1/files"].body.decode()
    recorded = theirs["POST /openai/v1/files"]["body"]
    assert FIELDS.findall(upload) == FIELDS.findall(recorded)
    assert '"url":"/v1/chat/completions"' in upload
    job = orjson.loads(sent["POST /openai/v1/batches"].body)
    changed = {"completion_window": "24h", "metadata": {"client_ref": "exe_1"}}
    assert job == theirs["POST /openai/v1/batches"]["body"] | changed


def test_together_is_sent_what_its_sdk_sends(send: Send) -> None:
    sent = send(
        TogetherJobs,
        "/together",
        "/together/files",
        "/up?s=1",
        "/together/files/file-1/preprocess",
        "/together/batches",
    )
    theirs = captures_of("together")

    room = sent["POST /together/files"]
    recorded = theirs["POST /v1/v1/files"]["body"]
    assert FIELDS.findall(room.body.decode()) == FIELDS.findall(recorded)
    job = orjson.loads(sent["POST /together/batches"].body)
    assert job == theirs["POST /v1/v1/batches"]["body"]
    assert room.headers["authorization"] == "Bearer sk-secret"


def test_the_bytes_go_to_togethers_store_without_the_key(send: Send) -> None:
    sent = send(
        TogetherJobs,
        "/together",
        "/together/files",
        "/up?s=1",
        "/together/files/file-1/preprocess",
        "/together/batches",
    )
    put = sent["PUT /up?s=1"]

    assert orjson.loads(put.body)["custom_id"] == "a"
    assert "authorization" not in put.headers


def test_fireworks_is_sent_what_its_sdk_sends(send: Send) -> None:
    account = "/v1/accounts/acct"
    job_path = f"{account}/batchInferenceJobs?batchInferenceJobId=br-exe-1"
    sent = send(
        FireworksJobs,
        "/inference/v1",
        f"{account}/datasets",
        f"{account}/datasets/br-exe-1-in:upload",
        job_path,
        options={"account_id": "acct"},
    )
    theirs = captures_of("fireworks")

    dataset = orjson.loads(sent[f"POST {account}/datasets"].body)
    recorded = theirs[f"POST {account}/datasets"]["body"]
    assert dataset["dataset"] == recorded["dataset"] | {"displayName": "exe_1"}
    assert dataset.keys() == recorded.keys()
    job = orjson.loads(sent[f"POST {job_path}"].body)
    recorded = theirs[f"POST {account}/batchInferenceJobs"]["body"]
    # The cap stands in each line, and the job is named for people too.
    assert job.keys() - {"displayName"} == recorded.keys() - {"inferenceParameters"}
    assert job["inputDatasetId"] == "accounts/acct/datasets/br-exe-1-in"


def test_openrouters_requests_come_last(send: Send) -> None:
    sent = send(
        OpenRouterJobs, "/api/v1", "/api/v1/batches", options={"only": "openai, azure"}
    )
    body = orjson.loads(sent["POST /api/v1/batches"].body)

    assert list(body) == [
        "endpoint",
        "model",
        "completion_window",
        "provider",
        "requests",
    ]
    assert body["provider"] == {"only": ["openai", "azure"]}
    request = {"messages": [{"role": "user", "content": "hi"}]}
    assert body["requests"] == [{"custom_id": "a", "body": request}]
