"""Every request that the official SDKs were recorded making, beside ours.

One test a recorded request: its method, path, required headers and the shape of its
body. What we do differently on purpose is written down in ``CHANGES``, with the reason.
The values are compared in the files of each provider, ``test_*golden*.py``.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from batchrouter.kit.outbound import ControlClient
from routing.adapters.anthropic import AnthropicDirect
from routing.adapters.anthropic_jobs import AnthropicJobs
from routing.adapters.fireworks_jobs import FireworksJobs
from routing.adapters.gemini import GeminiDirect
from routing.adapters.gemini_jobs import INLINE_ITEMS_MAX, GeminiJobs
from routing.adapters.groq_jobs import GroqJobs
from routing.adapters.mistral_jobs import MistralJobs
from routing.adapters.openai_jobs import OpenAIJobs
from routing.adapters.together_jobs import TogetherJobs
from routing.contracts import (
    Connection,
    DirectAdapter,
    ItemRequest,
    JobAdapter,
    JobState,
)
from routing.failures import JobOutcomeUnknown
from tests.routing.captures import recorded
from tests.routing.orders import make_order, open_fence
from tests.routing.values import make_item
from tests.routing.wire_server import Received, Wire, WireServer

Json = dict[str, Any]

KEY = "sk-secret"
CAPTURES = recorded()

# What only tells who the caller is and what it would like; bytes and boundaries aside.
_NOT_REQUIRED = frozenset({"accept", "x-goog-api-client", "x-goog-upload-file-name"})
_COUNTED = frozenset({"x-goog-upload-header-content-length"})


@dataclass(frozen=True)
class Change:
    """Where our request differs from the recorded one on purpose.

    Attributes:
        why: the reason.
        added: the shapes of what only our body has, by the path to it.
        left_out: paths of what only theirs has.
        headers_left_out: headers that only theirs has.
    """

    why: str
    added: Mapping[str, Any] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    headers_left_out: tuple[str, ...] = ()


_OUR_NAME = "by it a job is found again after a crash"

# By the number of the recorded request.
CHANGES: Mapping[int, Change] = {
    0: Change(
        "what is not said in chat goes to the newer endpoint, and is not kept there",
        added={
            "file.body.input": "str",
            "file.body.store": "bool",
        },
        left_out=("file.body.messages",),
    ),
    1: Change(
        _OUR_NAME, added={"metadata.client_ref": "str"}, left_out=("metadata.k",)
    ),
    7: Change(
        "this version of the API refuses sampling, and takes closed schemas",
        added={"output_config.format.schema.additionalProperties": "bool"},
        left_out=("temperature",),
    ),
    10: Change(_OUR_NAME, added={"metadata": {"client_ref": "str"}}),
    13: Change(
        "the announcement has told of the bytes already; who speaks is always said",
        added={"request.contents[].role": "str"},
        headers_left_out=(
            "content-type",
            "x-goog-upload-protocol",
            "x-goog-upload-header-content-length",
            "x-goog-upload-header-content-type",
        ),
    ),
    14: Change(_OUR_NAME, added={"batch.displayName": "str"}),
    18: Change(
        f"{_OUR_NAME}; rows are told apart by their keys, not by their place",
        added={
            "batch.displayName": "str",
            "batch.inputConfig.requests.requests[].metadata": {"key": "str"},
        },
    ),
    20: Change(
        "a system instruction has no role that could matter",
        left_out=("systemInstruction.role",),
    ),
    21: Change(
        "endpoint and model are the job's, not the line's",
        left_out=("file.method", "file.url", "file.body.model"),
    ),
    22: Change(
        _OUR_NAME, added={"metadata.client_ref": "str"}, left_out=("metadata.k",)
    ),
    29: Change(
        f"the cap stands in each line; {_OUR_NAME}",
        added={"displayName": "str"},
        left_out=("inferenceParameters",),
    ),
    30: Change(_OUR_NAME, added={"dataset.displayName": "str"}),
}

# What no adapter of ours asks for.
NEVER_SENT: Mapping[int, str] = {
    8: "tokens are counted here, before there is a provider to ask",
    23: "jobs go by file, which has no limit of its own",
}


def _name(number: int) -> str:
    entry = CAPTURES[number]
    return f"{number}-{entry['sdk']}-{entry['method']}-{entry['path']}"


def _text(**changes: Any) -> ItemRequest:
    values: Json = {"ref": "a", "provider_model": "m", "input": {"input": "hi"}}
    return make_item(**(values | {"max_output_tokens": None} | changes))


_SCHEMA = {
    "format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}},
}
_GEMINI = _text(
    provider_model="gemini-2.5-flash",
    input={
        "instructions": "s",
        "input": "hi",
        "temperature": 0.0,
        "text": {"format": {"type": "json_object"}},
    },
    max_output_tokens=9,
)
_VECTORS = _text(
    operation="embeddings",
    provider_model="gemini-embedding-001",
    input={"input": ["a", "b"], "dimensions": 8},
)


class Recording:
    """Makes every call that an adapter can make, and keeps what the server got."""

    def __init__(self, server: WireServer, client: ControlClient, folder: Path) -> None:
        self.server, self.client, self.folder = server, client, folder

    def connection(self, sdk: str, base: str) -> Connection:
        return Connection(
            sdk,
            self.server.url + base,
            KEY,
            is_sandbox=False,
            options={"account_id": "acct"},
        )

    def job(
        self,
        jobs: JobAdapter,
        connection: Connection,
        *items: ItemRequest,
        job_id: str,
        result_file: str,
        item_count: int = 1,
    ) -> None:
        """Submit items as one job, ask for it, stop it and fetch its rows."""
        source = self.folder / "in.jsonl"
        source.write_bytes(b"".join(jobs.encode_line(it, connection) for it in items))
        order = make_order(
            "exe_1",
            operation=items[0].operation,
            provider_model=items[0].provider_model,
            item_count=item_count,
        )
        jobs.submit(connection, source, order, fence=open_fence)
        jobs.poll(connection, job_id)
        jobs.cancel(connection, job_id)
        ended = JobState("ended", "ok", 1, 1, 0, (result_file,))
        # Some of them look for more than this server has to tell.
        with suppress(JobOutcomeUnknown):
            list(jobs.results(connection, ended, self.folder))

    def call(
        self, adapter: DirectAdapter, connection: Connection, item: ItemRequest
    ) -> Received:
        """Return a direct call as the server would get it."""
        sent = adapter.encode(item, connection)
        url = urlsplit(sent.url)
        headers = {name.lower(): value for name, value in sent.headers}
        return Received(sent.method, url.path, headers, sent.body)


@pytest.fixture(scope="module")
def ours(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, list[Received]]]:
    """Return all that our adapters send, by SDK."""
    client = ControlClient()
    found: dict[str, list[Received]] = {}
    with WireServer() as server:
        _answer_as_all(server)
        recording = Recording(server, client, tmp_path_factory.mktemp("captures"))
        for sdk, record in _RECORDERS.items():
            server.received.clear()
            direct = record(recording)
            found[sdk] = [*server.received, *direct]
        yield found
    client.close()


def _answer_as_all(server: WireServer) -> None:
    """Say what every wire wants to hear, wherever it asks."""

    async def any_job(got: Received, wire: Wire) -> None:
        if got.path == "/together/files":
            room = f"Location: {server.url}/up\r\nX-Together-File-Id: file-1\r\n"
            await wire.reply(b"", "302 Found", room)
            return
        session = f"X-Goog-Upload-URL: {server.url}/upload/session1\r\n"
        names = {
            "id": "file-1" if got.path.endswith("/files") else "j1",
            "name": "batches/b1",
            "file": {"name": "files/f1"},
            "job": {"id": "b1"},
        }
        await wire.reply(orjson.dumps(names), extra=session)

    server.otherwise(any_job)


def _openai(recording: Recording) -> list[Received]:
    recording.job(
        OpenAIJobs(recording.client),
        recording.connection("openai", "/v1"),
        _text(),
        job_id="batch_1",
        result_file="file-2",
    )
    return []


def _anthropic(recording: Recording) -> list[Received]:
    connection = recording.connection("anthropic", "")
    item = _text(provider_model="claude-haiku-4-5", max_output_tokens=16)
    recording.job(
        AnthropicJobs(recording.client),
        connection,
        item,
        job_id="msgbatch_1",
        result_file="msgbatch_1",
    )
    asked = _text(
        provider_model="claude-haiku-4-5",
        input={"instructions": "s", "input": "hi", "text": _SCHEMA},
        max_output_tokens=16,
    )
    return [recording.call(AnthropicDirect(), connection, asked)]


def _groq(recording: Recording) -> list[Received]:
    recording.job(
        GroqJobs(recording.client),
        recording.connection("groq", "/openai/v1"),
        _text(),
        job_id="batch_1",
        result_file="file-2",
    )
    return []


def _gemini(recording: Recording) -> list[Received]:
    connection = recording.connection("gemini", "")
    by_key = _text(provider_model="gemini-2.5-flash")
    for item, count in ((_GEMINI, 1), (by_key, INLINE_ITEMS_MAX + 1), (_VECTORS, 1)):
        recording.job(
            GeminiJobs(recording.client),
            connection,
            item,
            job_id="b1",
            result_file="files/batch-b1",
            item_count=count,
        )
    asked = _text(
        provider_model="gemini-2.5-flash",
        input={"instructions": "s", "input": "hi", "text": _SCHEMA},
        max_output_tokens=9,
    )
    vector = _text(
        operation="embeddings",
        provider_model="gemini-embedding-001",
        input={"input": "a"},
    )
    direct = GeminiDirect()
    return [recording.call(direct, connection, item) for item in (asked, vector)]


def _mistral(recording: Recording) -> list[Received]:
    recording.job(
        MistralJobs(recording.client),
        recording.connection("mistral", "/v1"),
        _text(provider_model="mistral-small-latest"),
        job_id="j1",
        result_file="file-2",
    )
    return []


def _together(recording: Recording) -> list[Received]:
    recording.job(
        TogetherJobs(recording.client),
        recording.connection("together", "/together"),
        _text(),
        job_id="b1",
        result_file="file-2",
    )
    return []


def _fireworks(recording: Recording) -> list[Received]:
    recording.job(
        FireworksJobs(recording.client),
        recording.connection("fireworks", "/inference/v1"),
        _text(),
        job_id="br-exe-1",
        result_file="br-exe-1-out",
    )
    return []


_RECORDERS = {
    "openai": _openai,
    "anthropic": _anthropic,
    "groq": _groq,
    "google-genai": _gemini,
    "mistral": _mistral,
    "together": _together,
    "fireworks": _fireworks,
}


@pytest.mark.parametrize("number", range(len(CAPTURES)), ids=_name)
def test_our_request_equals_the_recorded_one(
    number: int, ours: dict[str, list[Received]]
) -> None:
    theirs = CAPTURES[number]
    found = [got for got in ours[theirs["sdk"]] if _is_like(got, theirs)]
    change = CHANGES.get(number, Change(""))
    shapes = [_shape(_body_of(got)) for got in found]
    wanted = _changed(_shape(_read(theirs["body"])), change)

    if number in NEVER_SENT:
        assert wanted not in shapes
        return
    assert wanted in shapes
    sent = found[shapes.index(wanted)]
    needed = _needed_headers(theirs, change)
    assert {name: _header(sent, name) for name in needed} == needed


def test_every_change_is_one_of_a_recorded_request() -> None:
    assert {*CHANGES, *NEVER_SENT} <= set(range(len(CAPTURES)))
    assert not CHANGES.keys() & NEVER_SENT.keys()


def _is_like(got: Received, theirs: Json) -> bool:
    """Tell whether a request has the recorded one's method and path, and its form."""
    return (got.method, _path(got)) == (theirs["method"], theirs["path"])


def _path(got: Received) -> str:
    """Return the path as that SDK would have written it.

    Together's was recorded below a base URL that ends in ``/v1`` and adds its own;
    the name of a Fireworks job goes in the query, which no capture has.
    """
    path = re.sub(r"\A/together/", "/v1/v1/", got.path)
    return path.removesuffix("?batchInferenceJobId=br-exe-1")


def _header(got: Received, name: str) -> str | None:
    value = got.headers.get(name)
    if value is None:
        return None
    if name in _COUNTED:
        return "a number" if value.isdigit() else value
    return re.sub(r"boundary=\S+", "boundary=BOUNDARY", value.replace(KEY, "KEY"))


def _needed_headers(theirs: Json, change: Change) -> dict[str, str]:
    needed = {
        name: "a number" if name in _COUNTED else value
        for name, value in theirs["headers"].items()
        if name not in _NOT_REQUIRED and name not in change.headers_left_out
    }
    if not theirs["body"]:
        needed.pop("content-type", None)
    return needed


def _body_of(got: Received) -> Any:
    if "multipart" in got.headers.get("content-type", ""):
        boundary = got.headers["content-type"].partition("boundary=")[2]
        return _read(got.body.decode().replace(boundary, "BOUNDARY"))
    return _read(orjson.loads(got.body) if got.body else "")


def _read(body: Any) -> Any:
    """Return a JSON body as it is, and a form by its fields; the file is read too."""
    if not isinstance(body, str) or not body.startswith("--BOUNDARY"):
        return body
    fields: Json = {}
    for part in body.split("--BOUNDARY")[1:-1]:
        head, _, content = part.strip("\r\n").partition("\r\n\r\n")
        name = re.findall(r'; name="([^"]+)"', head)[0]
        is_line = 'filename="' in head
        fields[name] = orjson.loads(content) if is_line else _fixed(name, content)
    return fields


def _fixed(name: str, content: str) -> str:
    """Return the value of a form's field where it is a word of the API."""
    return content if name not in {"file_name", "checksum"} else "any"


def _shape(value: Any) -> Any:
    """Return a body with the kind of each value in its place."""
    if isinstance(value, dict):
        return {name: _shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_shape(inner) for inner in value]
    return "number" if type(value) in {int, float} else type(value).__name__


def _changed(shape: Any, change: Change) -> Any:
    """Return the shape that our body should have, given what we do differently."""
    for path in change.left_out:
        for holder, name in _holders(shape, path):
            del holder[name]
    for path, added in change.added.items():
        for holder, name in _holders(shape, path):
            holder[name] = added
    return shape


def _holders(shape: Any, path: str) -> Iterator[tuple[Json, str]]:
    """Yield each object that a path such as ``a.b[].c`` leads to, and the last name."""
    first, _, rest = path.partition(".")
    if not rest:
        yield shape, first
    elif first.endswith("[]"):
        for inner in shape[first.removesuffix("[]")]:
            yield from _holders(inner, rest)
    else:
        yield from _holders(shape[first], rest)
