"""What our Gemini adapters send, beside what the official SDK was seen to send."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from batchrouter.kit.outbound import ControlClient
from routing.adapters.gemini import GeminiDirect
from routing.adapters.gemini_jobs import INLINE_ITEMS_MAX, GeminiJobs
from routing.contracts import JobState
from tests.routing.captures import captures_of, recorded
from tests.routing.orders import make_order, open_fence
from tests.routing.values import make_connection, make_item
from tests.routing.wire_server import Received, Wire, WireServer

MODEL = "gemini-2.5-flash"
CREATE = f"/v1/models/{MODEL}:batchGenerateContent"
EMBED = "/v1/models/gemini-embedding-001:asyncBatchEmbedContent"
CANCEL = "/v1/batches/b1:cancel"
DOWNLOAD = "/v1/files/batch-b1:download?alt=media"
UPLOAD, SESSION = "/upload/v1/files", "/upload/session1"
THEIRS = captures_of("google-genai")
# What only tells who the caller is.
_OWN = {"x-goog-api-client", "accept", "x-goog-upload-file-name"}

ITEM = make_item(
    ref="item-1",
    provider_model=MODEL,
    input={
        "instructions": "s",
        "input": "hi",
        "temperature": 0.0,
        "text": {"format": {"type": "json_object"}},
    },
    max_output_tokens=9,
)
VECTORS = make_item(
    ref="v",
    operation="embeddings",
    provider_model="gemini-embedding-001",
    input={"input": ["a", "b"], "dimensions": 8},
)


@pytest.fixture
def sent(tmp_path: Path) -> Iterator[dict[str, list[Received]]]:
    """Make every call of a job, by file and inline, and return what the server got."""
    client = ControlClient()
    jobs = GeminiJobs(client)
    found: dict[str, list[Received]] = {}
    with WireServer() as server:

        async def job(_: Received, wire: Wire) -> None:
            await wire.reply(b'{"name":"batches/b1","metadata":{}}')

        async def start(_: Received, wire: Wire) -> None:
            url = f"X-Goog-Upload-URL: {server.url}{SESSION}\r\n"
            await wire.reply(b"{}", extra=url)

        async def finish(_: Received, wire: Wire) -> None:
            await wire.reply(b'{"file":{"name":"files/f1"}}')

        for path in (CREATE, EMBED, CANCEL, "/v1/batches/b1", DOWNLOAD):
            server.on(path, job)
        server.on(UPLOAD, start)
        server.on(SESSION, finish)
        connection = make_connection("gemini", server.url)
        file = tmp_path / "in.jsonl"
        for item, count in ((ITEM, 1), (ITEM, INLINE_ITEMS_MAX + 1), (VECTORS, 1)):
            file.write_bytes(jobs.encode_line(item, connection))
            order = make_order(
                "d",
                operation=item.operation,
                provider_model=item.provider_model,
                item_count=count,
            )
            assert jobs.submit(connection, file, order, fence=open_fence) == "b1"
        jobs.poll(connection, "b1")
        jobs.cancel(connection, "b1")
        ended = JobState("ended", "ok", 1, 1, 0, ("files/batch-b1",))
        list(jobs.results(connection, ended, tmp_path))
        for got in server.received:
            found.setdefault(f"{got.method} {got.path}", []).append(got)
        yield found
    client.close()


def test_every_call_is_one_that_the_sdk_makes(sent: dict[str, list[Received]]) -> None:
    direct = {
        f"POST /v1/models/{MODEL}:generateContent",
        "POST /v1/models/gemini-embedding-001:batchEmbedContents",
    }

    assert sent.keys() == THEIRS.keys() - direct


def test_every_call_has_the_sdks_headers(sent: dict[str, list[Received]]) -> None:
    for call, received in sent.items():
        theirs = THEIRS[call]["headers"]
        needed = theirs.keys() - _OWN
        if not received[0].body:
            needed -= {"content-type"}
        if call.endswith(SESSION):
            # Those of the announcement, which it has heard already.
            needed = {"x-goog-upload-command", "x-goog-upload-offset"}
            assert "x-goog-api-key" not in received[0].headers
        assert needed <= received[0].headers.keys(), call
        for name in needed - {"x-goog-api-key", "x-goog-upload-header-content-length"}:
            assert received[0].headers[name] == theirs[name], (call, name)


def test_an_inline_job_has_the_sdks_body(sent: dict[str, list[Received]]) -> None:
    [theirs] = [
        entry["body"]
        for entry in captures_of_all(CREATE)
        if "requests" in entry["body"]["batch"]["inputConfig"]
    ]

    assert orjson.loads(sent[f"POST {CREATE}"][0].body) == theirs


def test_a_job_by_file_has_the_sdks_body(sent: dict[str, list[Received]]) -> None:
    theirs = THEIRS[f"POST {CREATE}"]["body"]

    assert orjson.loads(sent[f"POST {CREATE}"][1].body) == {
        "batch": {**theirs["batch"], "displayName": "d"}
    }


def test_a_job_of_vectors_has_the_sdks_body(sent: dict[str, list[Received]]) -> None:
    theirs = captures_of("google-genai")[f"POST {EMBED}"]["body"]
    requests = theirs["batch"]["inputConfig"]["requests"]["requests"]
    for place, request in enumerate(requests):
        # The SDK tells rows by their place; ours carry their keys.
        request["metadata"] = {"key": f"v.{place}.2"}
    theirs["batch"]["displayName"] = "d"

    assert orjson.loads(sent[f"POST {EMBED}"][0].body) == theirs


def test_an_upload_is_announced_as_the_sdk_does(
    sent: dict[str, list[Received]],
) -> None:
    ours = orjson.loads(sent[f"POST {UPLOAD}"][0].body)
    size = len(sent[f"POST {SESSION}"][0].body)

    theirs = THEIRS[f"POST {UPLOAD}"]["body"]
    assert ours == {"file": {**theirs["file"], "size_bytes": size}}


def test_a_line_of_the_file_has_the_sdks_keys(sent: dict[str, list[Received]]) -> None:
    ours = orjson.loads(sent[f"POST {SESSION}"][0].body)

    assert ours.keys() == THEIRS[f"POST {SESSION}"]["body"].keys()


@pytest.mark.parametrize("call", ["GET /v1/batches/b1", f"POST {CANCEL}"])
def test_the_other_calls_have_no_body(
    sent: dict[str, list[Received]], call: str
) -> None:
    assert sent[call][0].body == b""
    assert THEIRS[call]["body"] == ""


def test_a_text_is_asked_for_as_the_sdk_does() -> None:
    theirs = captures_of("google-genai")[f"POST /v1/models/{MODEL}:generateContent"][
        "body"
    ]
    wanted = {"type": "json_schema", "name": "n", "schema": {"type": "object"}}
    item = make_item(
        provider_model=MODEL,
        input={"instructions": "s", "input": "hi", "text": {"format": wanted}},
        max_output_tokens=9,
    )
    ours = GeminiDirect().encode(item, make_connection("gemini", "https://g.example"))

    # A system instruction has no role that could matter.
    del theirs["systemInstruction"]["role"]
    assert ours.url == f"https://g.example/v1/models/{MODEL}:generateContent"
    assert orjson.loads(ours.body) == theirs


def test_vectors_are_asked_for_as_the_sdk_does() -> None:
    theirs = THEIRS["POST /v1/models/gemini-embedding-001:batchEmbedContents"]
    item = make_item(
        operation="embeddings",
        provider_model="gemini-embedding-001",
        input={"input": "a"},
    )
    ours = GeminiDirect().encode(item, make_connection("gemini", "https://g.example"))

    assert ours.url == "https://g.example" + theirs["path"]
    assert orjson.loads(ours.body) == theirs["body"]


def captures_of_all(path: str) -> list[dict[str, Any]]:
    """Return all of the SDK's requests to a path, not only the last."""
    return [entry for entry in recorded() if entry["path"] == path]
