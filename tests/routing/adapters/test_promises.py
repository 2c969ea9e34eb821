"""What every adapter in the registry promises, whoever the provider is."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from routing.adapters.registry import ADAPTERS, direct_adapter, job_adapter
from routing.contracts import (
    EVERY_OPERATION,
    Answer,
    DirectAdapter,
    JobAdapter,
    Operation,
)
from routing.failures import FailureKind
from tests.routing.values import make_connection, make_item

DIRECT = {key: pair.direct for key, pair in ADAPTERS.items() if pair.direct}
JOBS = {key: pair.jobs for key, pair in ADAPTERS.items() if pair.jobs}

every_direct = pytest.mark.parametrize("adapter", DIRECT.values(), ids=DIRECT.keys())
every_job = pytest.mark.parametrize("adapter", JOBS.values(), ids=JOBS.keys())


def each_operation(adapters: Mapping[str, Any]) -> pytest.MarkDecorator:
    """Pair every adapter with every operation that it offers."""
    pairs = [
        pytest.param(adapter, operation, id=f"{key}-{operation}")
        for key, adapter in adapters.items()
        for operation in adapter.operations
    ]
    return pytest.mark.parametrize(("adapter", "operation"), pairs)


every_direct_operation = each_operation(DIRECT)
every_job_operation = each_operation(JOBS)


def test_the_registry_finds_each_adapter_by_its_key() -> None:
    assert {key: direct_adapter(key) for key in DIRECT} == DIRECT
    assert {key: job_adapter(key) for key in JOBS} == JOBS


def test_an_unknown_adapter_is_named() -> None:
    with pytest.raises(LookupError, match="'nobody'"):
        direct_adapter("nobody")
    with pytest.raises(LookupError, match="'openai_compatible'"):
        job_adapter("openai_compatible")


@every_direct_operation
def test_a_request_is_one_authorized_post_below_the_base_url(
    adapter: DirectAdapter, operation: Operation
) -> None:
    connection = make_connection(base_url="https://provider.example/v1")
    sent = adapter.encode(make_item(operation=operation), connection)

    assert sent.method == "POST"
    assert sent.url.startswith("https://provider.example/v1/")
    headers = dict(sent.headers)
    assert len(headers) == len(sent.headers)
    assert headers["Content-Type"] == headers["Accept"] == "application/json"
    assert headers["X-Client-Ref"] == "r_1"
    carriers = [name for name, value in headers.items() if "sk-secret" in value]
    assert len(carriers) == 1
    assert carriers[0] in {"Authorization", "x-api-key", "x-goog-api-key"}


@every_direct_operation
def test_the_request_names_the_providers_model_and_its_body_holds_no_secret(
    adapter: DirectAdapter, operation: Operation
) -> None:
    item = make_item(operation=operation, provider_model="vendor/model")
    sent = adapter.encode(item, make_connection())

    named = orjson.loads(sent.body).get("model")
    assert named == "vendor/model" or "/models/vendor/model:" in sent.url
    assert b"sk-secret" not in sent.body


def fields_of(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield every field of a body, inner ones too."""
    for name, inner in value.items():
        yield name, inner
        if isinstance(inner, dict):
            yield from fields_of(inner)


@every_direct
def test_the_quoted_cap_is_the_one_that_is_sent(adapter: DirectAdapter) -> None:
    item = make_item(
        input={"input": "hi", "max_output_tokens": 9999}, max_output_tokens=77
    )
    body = orjson.loads(adapter.encode(item, make_connection()).body)

    caps = [value for name, value in fields_of(body) if "tokens" in name.lower()]
    assert caps == [77]


@every_direct
def test_sampling_is_left_out_where_the_model_refuses_it(
    adapter: DirectAdapter,
) -> None:
    source = {"input": "hi", "temperature": 0.5, "top_p": 0.9}
    item = make_item(input=source, supports_sampling=False)
    body = orjson.loads(adapter.encode(item, make_connection()).body)

    names = {name for name, _ in fields_of(body)}
    assert not {"temperature", "top_p", "topP"} & names
    assert adapter.dropped_fields(item, make_connection()) == ("temperature", "top_p")


@every_direct
def test_encoding_leaves_the_item_as_it_was(adapter: DirectAdapter) -> None:
    source = {
        "messages": [
            {"role": "developer", "content": [{"type": "text", "text": "a"}]},
            {"role": "assistant", "content": None, "tool_calls": []},
        ],
        "tools": [{"type": "function", "function": {"name": "f"}}],
    }
    before = orjson.dumps(source)
    adapter.encode(make_item(input=source), make_connection())

    assert orjson.dumps(source) == before


@every_direct_operation
@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (308, None, FailureKind.MODEL_MISSING),
        (400, "bad", FailureKind.INVALID),
        (400, "model_decommissioned", FailureKind.MODEL_MISSING),
        (401, None, FailureKind.CREDENTIAL),
        (402, None, FailureKind.QUOTA),
        (403, None, FailureKind.CREDENTIAL),
        (404, "model_not_found", FailureKind.MODEL_MISSING),
        (408, None, FailureKind.OVERLOADED),
        (413, None, FailureKind.INVALID),
        (422, None, FailureKind.INVALID),
        (429, "rate_limit_exceeded", FailureKind.RATE_LIMITED),
        (429, None, FailureKind.RATE_LIMITED),
        (429, "insufficient_quota", FailureKind.QUOTA),
        (429, "credit_balance_exhausted", FailureKind.QUOTA),
        (498, None, FailureKind.OVERLOADED),
        (500, None, FailureKind.OVERLOADED),
        (503, None, FailureKind.OVERLOADED),
        (529, None, FailureKind.OVERLOADED),
    ],
)
def test_a_refusal_is_classified_by_status_and_code(
    adapter: DirectAdapter,
    operation: Operation,
    status: int,
    code: str | None,
    kind: FailureKind,
) -> None:
    body = orjson.dumps({"error": {"message": "m", "type": "t", "code": code}})
    answer = adapter.decode(operation, status, {}, body)

    assert answer.failure is not None
    assert (answer.failure.kind, answer.failure.provider_status) == (kind, status)
    assert (answer.output, answer.usage) == (None, None)
    assert (answer.raw, answer.provider_status) == (body, status)


@every_direct_operation
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b"{}",
        b'{"output":{}}',
        b'{"choices":[{}]}',
        b'{"data":[]}',
        b'\xff{"a":1}',
        b'{"output":[],"status":["completed"]}',
        b'{"output":"\\ud800"}',
        b"[" * 100_000,
    ],
)
def test_a_reply_of_another_shape_is_malformed(
    adapter: DirectAdapter, operation: Operation, body: bytes
) -> None:
    answer = adapter.decode(operation, 200, {}, body)

    assert answer.failure is not None
    assert answer.failure.kind is FailureKind.MALFORMED


JSON_KEYS = st.sampled_from(
    [
        "status",
        "output",
        "type",
        "content",
        "text",
        "refusal",
        "choices",
        "message",
        "finish_reason",
        "tool_calls",
        "function",
        "name",
        "arguments",
        "call_id",
        "id",
        "data",
        "embedding",
        "index",
        "usage",
        "input_tokens",
        "prompt_tokens",
        "output_tokens",
        "completion_tokens",
        "input_tokens_details",
        "prompt_tokens_details",
        "cached_tokens",
        "error",
        "code",
        "model",
        "incomplete_details",
        "reason",
        "stop_reason",
        "stop_details",
        "explanation",
        "input",
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
        "output_tokens_details",
        "thinking_tokens",
        "candidates",
        "parts",
        "functionCall",
        "args",
        "finishReason",
        "promptFeedback",
        "blockReason",
        "usageMetadata",
        "promptTokenCount",
        "candidatesTokenCount",
        "thoughtsTokenCount",
        "cachedContentTokenCount",
        "embeddings",
        "values",
        "tokenCount",
    ]
)
JSON_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(
        [
            "completed",
            "incomplete",
            "failed",
            "message",
            "output_text",
            "refusal",
            "function_call",
            "stop",
            "error",
            "text",
            "tool_use",
            "end_turn",
            "STOP",
            "SAFETY",
            "12",
            "AAAA",
            "\0",
        ]
    )
    | st.text(max_size=5)
)
JSON_VALUES = st.recursive(
    JSON_LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(JSON_KEYS, inner, max_size=5)
    ),
    max_leaves=25,
)


def check_kept(answer: Answer) -> None:
    """Check what holds for any answer."""
    assert (answer.output is None) != (answer.failure is None)
    if answer.raw is not None:
        orjson.dumps(orjson.loads(answer.raw))
    if answer.usage is not None:
        assert 0 <= answer.usage.cached_tokens <= answer.usage.input_tokens <= 10**9
        assert 0 <= answer.usage.reasoning_tokens <= answer.usage.output_tokens
    if answer.output is not None:
        assert answer.output.finish_reason in {
            "stop",
            "length",
            "tool_calls",
            "content_filter",
        }
        orjson.dumps(answer.output)


@settings(deadline=None)
@given(
    value=JSON_VALUES,
    status=st.sampled_from([200, 200, 200, 204, 301, 400, 429, 500]),
    operation=st.sampled_from(EVERY_OPERATION),
)
def test_reading_json_of_any_shape_never_raises(
    value: Any, status: int, operation: Operation
) -> None:
    body = orjson.dumps(value)
    for adapter in DIRECT.values():
        check_kept(adapter.decode(operation, status, {}, body))


@settings(deadline=None)
@given(body=st.binary(max_size=200), status=st.integers(100, 599))
@example(body=b'{"a":' * 300 + b"1" + b"}" * 300, status=200)
@example(body=b'{"a":' * 300 + b"1" + b"}" * 300, status=500)
def test_reading_any_bytes_never_raises(body: bytes, status: int) -> None:
    for adapter in DIRECT.values():
        for operation in EVERY_OPERATION:
            check_kept(adapter.decode(operation, status, {}, body))


@settings(deadline=None)
@given(headers=st.dictionaries(st.just("retry-after"), st.text(max_size=40)))
@example(headers={"retry-after": "nan"})
@example(headers={"retry-after": "1e999"})
@example(headers={"retry-after": "-5"})
@example(headers={"retry-after": "9" * 400})
def test_any_retry_after_gives_a_bounded_time_or_none(
    headers: Mapping[str, str],
) -> None:
    for adapter in DIRECT.values():
        failure = adapter.decode("responses", 429, headers, b"").failure
        assert failure is not None
        seconds = failure.retry_after_seconds
        assert seconds is None or 0.0 <= seconds <= 300.0


@every_job
def test_a_job_names_its_limits_and_where_they_were_read(adapter: JobAdapter) -> None:
    assert adapter.limits.requests_max >= 5_000
    assert adapter.limits.bytes_max >= 100_000_000
    assert adapter.limits.source.startswith("https://")
    assert "2026" in adapter.limits.source


@every_job_operation
def test_a_line_is_one_line_under_our_reference(
    adapter: JobAdapter, operation: Operation
) -> None:
    item = make_item(operation=operation, input={"input": "two\nlines\u2028three"})
    line = adapter.encode_line(item, make_connection())

    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    found = orjson.loads(line)
    assert found.get("custom_id", found.get("key")) == "r_1"
    assert b"sk-secret" not in line
