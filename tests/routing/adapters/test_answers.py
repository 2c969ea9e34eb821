import base64
import struct
from typing import Any

import orjson
import pytest

from routing.adapters.registry import direct_adapter
from routing.contracts import Answer, Operation, Output, Usage
from routing.failures import FailureKind


def read_response(value: dict[str, Any]) -> Answer:
    return direct_adapter("openai").decode("responses", 200, {}, orjson.dumps(value))


def read_chat(value: dict[str, Any]) -> Answer:
    body = orjson.dumps(value)
    return direct_adapter("openai_compatible").decode("responses", 200, {}, body)


def read_vectors(value: dict[str, Any]) -> Answer:
    return direct_adapter("openai").decode("embeddings", 200, {}, orjson.dumps(value))


def response(**changes: Any) -> dict[str, Any]:
    value = {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "model": "gpt-5.4-mini-2026-03-17",
        "output": [
            {"type": "reasoning", "summary": []},
            message({"type": "output_text", "text": "Hello "}),
            message({"type": "output_text", "text": "world"}),
        ],
        "usage": {
            "input_tokens": 11,
            "input_tokens_details": {"cached_tokens": 4},
            "output_tokens": 7,
            "output_tokens_details": {"reasoning_tokens": 3},
            "total_tokens": 18,
        },
    }
    return value | changes


def message(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": list(parts)}


def completion(
    message: dict[str, Any] | None = None,
    finish_reason: str | None = "stop",
    **changes: Any,
) -> dict[str, Any]:
    value = {
        "id": "c",
        "object": "chat.completion",
        "model": "m",
        "choices": [
            {
                "index": 0,
                "finish_reason": finish_reason,
                "message": message or {"role": "assistant", "content": "Hello"},
            }
        ],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
    }
    return value | changes


def kind_of(answer: Answer) -> FailureKind:
    assert answer.failure is not None
    return answer.failure.kind


def output_of(answer: Answer) -> Output:
    assert answer.output is not None
    return answer.output


def test_a_response_is_read_whole() -> None:
    value = response()
    assert read_response(value) == Answer(
        output=Output(text="Hello world", finish_reason="stop"),
        usage=Usage(11, 4, 7, 3),
        provider_model="gpt-5.4-mini-2026-03-17",
        raw=orjson.dumps(value),
        failure=None,
        provider_status=200,
    )


def test_what_was_written_to_the_cache_is_told() -> None:
    details = {"cached_tokens": 4, "cache_write_tokens": 5}
    usage = {"input_tokens": 11, "output_tokens": 7, "input_tokens_details": details}
    assert read_response(response(usage=usage)).usage == Usage(11, 4, 7, 0, 5)
    chat = {
        "prompt_tokens": 11,
        "completion_tokens": 7,
        "prompt_tokens_details": details,
    }
    assert read_chat(completion(usage=chat)).usage == Usage(11, 4, 7, 0, 5)


@pytest.mark.parametrize(
    ("reason", "finish"),
    [("max_output_tokens", "length"), ("content_filter", "content_filter")],
)
def test_an_incomplete_response_says_why(reason: str, finish: str) -> None:
    value = response(status="incomplete", incomplete_details={"reason": reason})

    assert output_of(read_response(value)).finish_reason == finish


def test_a_response_cut_before_any_text_has_none_and_is_billed() -> None:
    value = response(
        status="incomplete",
        incomplete_details={"reason": "max_output_tokens"},
        output=[{"type": "reasoning", "summary": []}],
    )
    answer = read_response(value)

    assert output_of(answer) == Output(text=None, finish_reason="length")
    assert answer.usage == Usage(11, 4, 7, 3)


def test_a_refusal_in_a_response_is_an_answer() -> None:
    value = response(output=[message({"type": "refusal", "refusal": "I cannot."})])

    assert output_of(read_response(value)) == Output(
        text=None, finish_reason="content_filter", refusal="I cannot."
    )


def test_a_call_in_a_response() -> None:
    call = {
        "type": "function_call",
        "call_id": "call_1",
        "name": "f",
        "arguments": "{}",
    }
    assert output_of(read_response(response(output=[call]))) == Output(
        text=None,
        finish_reason="tool_calls",
        tool_calls=[
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "f", "arguments": "{}"},
            }
        ],
    )


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("server_error", FailureKind.OVERLOADED),
        ("rate_limit_exceeded", FailureKind.RATE_LIMITED),
        ("insufficient_quota", FailureKind.QUOTA),
        ("invalid_prompt", FailureKind.INVALID),
        ("image_too_large", FailureKind.INVALID),
    ],
)
def test_a_failed_response_is_classified(code: str, kind: FailureKind) -> None:
    value = response(status="failed", error={"code": code, "message": "m"})

    assert kind_of(read_response(value)) is kind


@pytest.mark.parametrize("status", ["queued", "in_progress", "cancelled"])
def test_an_unfinished_response_is_malformed(status: str) -> None:
    assert kind_of(read_response(response(status=status))) is FailureKind.MALFORMED


def test_a_completion_is_read_whole() -> None:
    value = completion()
    assert read_chat(value) == Answer(
        output=Output(text="Hello", finish_reason="stop"),
        usage=Usage(11, 0, 7, 0),
        provider_model="m",
        raw=orjson.dumps(value),
        failure=None,
        provider_status=200,
    )


@pytest.mark.parametrize(
    ("given", "finish"),
    [
        ("stop", "stop"),
        ("eos", "stop"),
        ("length", "length"),
        ("model_length", "length"),
        ("tool_calls", "tool_calls"),
        ("content_filter", "content_filter"),
        (None, "stop"),
        ("new_word", "stop"),
    ],
)
def test_finish_reasons_of_chat(given: str | None, finish: str) -> None:
    assert output_of(read_chat(completion(finish_reason=given))).finish_reason == finish


def test_content_may_be_null() -> None:
    value = completion({"role": "assistant", "content": None})

    assert output_of(read_chat(value)).text is None


def test_content_may_be_chunks_and_thoughts_are_left_out() -> None:
    chunks = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "Hello "},
        {"type": "text", "text": "world"},
    ]
    value = completion({"role": "assistant", "content": chunks})

    assert output_of(read_chat(value)).text == "Hello world"


def test_a_refusal_in_chat_is_an_answer() -> None:
    value = completion({"role": "assistant", "content": None, "refusal": "No."})

    assert output_of(read_chat(value)) == Output(
        text=None, finish_reason="content_filter", refusal="No."
    )


def test_a_call_in_chat() -> None:
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "f", "arguments": "{}"},
    }
    value = completion(
        {"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls"
    )
    assert output_of(read_chat(value)).tool_calls == [call]


@pytest.mark.parametrize("finish", ["error", "insufficient_system_resource"])
def test_a_200_can_be_a_failure_of_the_provider(finish: str) -> None:
    assert kind_of(read_chat(completion(finish_reason=finish))) is (
        FailureKind.OVERLOADED
    )


def test_a_200_can_hold_an_error_in_place_of_choices() -> None:
    value = {"error": {"code": "rate_limit_exceeded", "message": "m"}}

    assert kind_of(read_chat(value)) is FailureKind.RATE_LIMITED


@pytest.mark.parametrize(
    ("usage", "cached"),
    [
        ({"prompt_tokens_details": {"cached_tokens": 5}}, 5),
        ({"prompt_cache_hit_tokens": 5}, 5),
        ({"num_cached_tokens": 5}, 5),
        ({"prompt_tokens_details": None}, 0),
    ],
)
def test_cached_tokens_have_several_names(usage: dict[str, Any], cached: int) -> None:
    usage |= {"prompt_tokens": 11, "completion_tokens": 7}

    assert read_chat(completion(usage=usage)).usage == Usage(11, cached, 7, 0)


@pytest.mark.parametrize(
    "usage",
    [
        None,
        [],
        {},
        {"prompt_tokens": 11},
        {"prompt_tokens": -1, "completion_tokens": 7},
        {"prompt_tokens": 11.0, "completion_tokens": 7},
        {"prompt_tokens": "11", "completion_tokens": 7},
        {"prompt_tokens": True, "completion_tokens": 7},
        {"prompt_tokens": 10**9 + 1, "completion_tokens": 7},
        {"prompt_tokens": 1, "completion_tokens": 1, "num_cached_tokens": 2},
        {
            "prompt_tokens": 1,
            "completion_tokens": 1,
            "completion_tokens_details": {"reasoning_tokens": 2},
        },
    ],
)
def test_figures_that_cannot_be_right_are_no_usage(usage: Any) -> None:
    answer = read_chat(completion(usage=usage))

    assert (answer.usage, output_of(answer).text) == (None, "Hello")


@pytest.mark.parametrize("name", [None, 5, "", "a\0b", "x" * 161])
def test_a_model_name_that_cannot_be_one_is_none(name: Any) -> None:
    assert read_chat(completion(model=name)).provider_model is None


def test_blank_lines_before_the_json_are_no_part_of_the_raw_reply() -> None:
    body = b"\n\n " + orjson.dumps(completion())
    adapter = direct_adapter("openai_compatible")

    raw = adapter.decode("responses", 200, {}, body).raw
    assert raw == orjson.dumps(completion())


def test_a_reply_too_deep_to_be_written_again_keeps_its_text_without_raw() -> None:
    head = orjson.dumps(completion())[:-1]
    body = head + b',"extra":' + b"[" * 600 + b"1" + b"]" * 600 + b"}"
    answer = direct_adapter("openai_compatible").decode("responses", 200, {}, body)

    assert (output_of(answer).text, answer.raw) == ("Hello", None)


def vectors(*data: dict[str, Any], **changes: Any) -> dict[str, Any]:
    value = {
        "object": "list",
        "model": "text-embedding-3-small",
        "data": list(data),
        "usage": {"prompt_tokens": 5, "total_tokens": 5},
    }
    return value | changes


def test_one_vector_is_returned_as_itself() -> None:
    answer = read_vectors(vectors({"index": 0, "embedding": [0.5, 1, -2.0]}))

    assert output_of(answer).embedding == [0.5, 1, -2.0]
    assert answer.usage == Usage(5, 0, 0, 0)


def test_vectors_are_put_in_order() -> None:
    answer = read_vectors(
        vectors({"index": 1, "embedding": [1.0]}, {"index": 0, "embedding": [0.0]})
    )
    assert output_of(answer).embedding == [[0.0], [1.0]]


def test_a_vector_may_come_in_base64() -> None:
    packed = base64.b64encode(struct.pack("<2f", 0.5, -2.0)).decode()
    answer = read_vectors(vectors({"index": 0, "embedding": packed}))

    assert output_of(answer).embedding == [0.5, -2.0]


@pytest.mark.parametrize(
    "entry",
    [
        {"index": 0, "embedding": []},
        {"index": 0, "embedding": [True]},
        {"index": 0, "embedding": ["0.5"]},
        {"index": 0, "embedding": [None]},
        {"index": 1, "embedding": [0.5]},
        {"index": -1, "embedding": [0.5]},
        {"index": 0, "embedding": "not base64!"},
        {"index": 0, "embedding": "AAA="},
        {
            "index": 0,
            "embedding": base64.b64encode(struct.pack("<f", float("nan"))).decode(),
        },
        {"index": 0},
        5,
    ],
)
def test_a_vector_of_another_shape_is_malformed(entry: Any) -> None:
    assert kind_of(read_vectors(vectors(entry))) is FailureKind.MALFORMED


def test_an_index_that_stands_twice_is_malformed() -> None:
    entry = {"index": 0, "embedding": [0.5]}

    assert kind_of(read_vectors(vectors(entry, entry))) is FailureKind.MALFORMED


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "86400"}, 300.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        (
            {
                "date": "Sun, 22 Nov 2026 12:00:00 GMT",
                "retry-after": "Sun, 22 Nov 2026 12:00:30 GMT",
            },
            30.0,
        ),
        ({"retry-after": "Sun, 22 Nov 2026 12:00:30 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("operation", ["responses", "embeddings"])
def test_retry_after(
    headers: dict[str, str], seconds: float | None, operation: Operation
) -> None:
    failure = direct_adapter("openai").decode(operation, 429, headers, b"").failure

    assert failure is not None
    assert failure.retry_after_seconds == seconds
