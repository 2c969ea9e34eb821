"""Anthropic's messages, errors and result rows as answers."""

from typing import Any

import orjson
import pytest

from routing.adapters.anthropic import AnthropicDirect
from routing.adapters.anthropic_answers import read_line
from routing.contracts import Answer, Output, Usage
from routing.failures import FailureKind

MODEL = "claude-haiku-5-5"
USAGE = {"input_tokens": 11, "output_tokens": 7}
HELLO = {"type": "text", "text": "Hello"}
CALL = {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": [1, "ü"]}}


def message(*content: Any, **changes: Any) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": list(content),
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": USAGE,
    } | changes


def read(value: Any, status: int = 200, **headers: str) -> Answer:
    body = orjson.dumps(value)
    return AnthropicDirect().decode("responses", status, headers, body)


def output_of(answer: Answer) -> Output:
    assert answer.failure is None
    assert answer.output is not None
    return answer.output


def kind_of(answer: Answer) -> FailureKind:
    assert answer.output is None
    assert answer.failure is not None
    return answer.failure.kind


def test_a_message_is_an_answer() -> None:
    value = message(HELLO)

    assert read(value) == Answer(
        Output("Hello", "stop"),
        Usage(11, 0, 7, 0),
        MODEL,
        orjson.dumps(value),
        None,
        200,
    )


def test_thoughts_are_left_out_and_texts_joined() -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
    more = {"type": "text", "text": " there"}

    assert output_of(read(message(thought, HELLO, more))).text == "Hello there"


def test_an_answer_without_text_has_none() -> None:
    assert output_of(read(message())).text is None


@pytest.mark.parametrize(
    ("given", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("something_new", "stop"),
    ],
)
def test_every_reason_to_stop_has_our_word(given: str, finish: str) -> None:
    assert output_of(read(message(HELLO, stop_reason=given))).finish_reason == finish


def test_calls_have_their_arguments_as_text() -> None:
    output = output_of(read(message(CALL, stop_reason="tool_use")))

    assert output.tool_calls == [
        {
            "id": "t1",
            "type": "function",
            "function": {"name": "f", "arguments": '{"a":[1,"ü"]}'},
        }
    ]


@pytest.mark.parametrize(
    ("details", "refusal"),
    [
        ({"type": "refusal", "category": "bio", "explanation": "No."}, "No."),
        ({"type": "refusal", "category": "bio", "explanation": None}, "bio"),
        (None, None),
    ],
    ids=["explained", "named", "silent"],
)
def test_a_refusal_is_an_answer(details: Any, refusal: str | None) -> None:
    value = message(stop_reason="refusal", stop_details=details)
    output = output_of(read(value))

    assert (output.finish_reason, output.refusal) == ("content_filter", refusal)


def test_what_the_cache_read_and_wrote_is_input_too() -> None:
    usage = {
        "input_tokens": 5,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 20,
        "output_tokens": 30,
        "output_tokens_details": {"thinking_tokens": 12},
    }

    assert read(message(HELLO, usage=usage)).usage == Usage(125, 100, 30, 12, 20)


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"input_tokens": "5", "output_tokens": 1},
        {"input_tokens": -5, "output_tokens": 1},
        {"input_tokens": 5, "output_tokens": 1.5},
        {"input_tokens": 5, "output_tokens": 1, "cache_read_input_tokens": -1},
        {"input_tokens": 10**12, "output_tokens": 1},
        {
            "input_tokens": 5,
            "output_tokens": 1,
            "output_tokens_details": {"thinking_tokens": 2},
        },
    ],
    ids=["none", "empty", "text", "negative", "fraction", "cache", "huge", "thought"],
)
def test_figures_that_cannot_be_right_are_no_usage(usage: Any) -> None:
    answer = read(message(HELLO, usage=usage))

    assert answer.usage is None
    assert output_of(answer).text == "Hello"


@pytest.mark.parametrize(
    "content",
    [None, "Hello", [{"type": "text"}], [{**CALL, "input": "x"}], [{**CALL, "id": 1}]],
    ids=["none", "text", "no text", "input", "id"],
)
def test_content_of_another_shape_is_malformed(content: Any) -> None:
    value = message() | {"content": content}

    assert kind_of(read(value)) is FailureKind.MALFORMED


def error(kind: str, **details: Any) -> dict[str, Any]:
    inner: dict[str, Any] = {"type": kind, "message": "m"}
    if details:
        inner["details"] = details
    return {"type": "error", "error": inner, "request_id": "req_1"}


@pytest.mark.parametrize(
    ("status", "word", "kind"),
    [
        (400, "invalid_request_error", FailureKind.INVALID),
        (401, "authentication_error", FailureKind.CREDENTIAL),
        (402, "billing_error", FailureKind.QUOTA),
        (403, "permission_error", FailureKind.CREDENTIAL),
        (404, "not_found_error", FailureKind.MODEL_MISSING),
        (409, "conflict", FailureKind.OVERLOADED),
        (413, "request_too_large", FailureKind.INVALID),
        (429, "rate_limit_error", FailureKind.RATE_LIMITED),
        (500, "api_error", FailureKind.OVERLOADED),
        (504, "timeout_error", FailureKind.OVERLOADED),
        (529, "overloaded_error", FailureKind.OVERLOADED),
    ],
)
def test_every_error_has_its_kind(status: int, word: str, kind: FailureKind) -> None:
    assert kind_of(read(error(word), status)) is kind
    if word != "conflict":
        # The same word in a batch's row, where no status comes with it.
        line = {"custom_id": "r", "result": {"type": "errored", "error": error(word)}}
        found = read_line(orjson.dumps(line))
        assert found is not None
        assert kind_of(found[1]) is kind


def test_a_spend_limit_is_not_waited_for() -> None:
    value = error("rate_limit_error", error_code="enforced_spend_limit_reached")

    assert kind_of(read(value, 429)) is FailureKind.QUOTA


def test_a_rate_limit_says_how_long_to_wait() -> None:
    failure = read(error("rate_limit_error"), 429, **{"retry-after": "7"}).failure

    assert failure is not None
    assert failure.retry_after_seconds == 7.0


def line(result: Any, ref: Any = "r_1") -> bytes:
    return orjson.dumps({"custom_id": ref, "result": result})


def test_a_row_that_succeeded_is_an_answer() -> None:
    value = message(HELLO)
    found = read_line(line({"type": "succeeded", "message": value}))

    assert found == ("r_1", read(value))


@pytest.mark.parametrize(
    ("kind", "failure"),
    [("expired", FailureKind.JOB_EXPIRED), ("canceled", FailureKind.JOB_CANCELED)],
)
def test_a_row_that_never_ran_says_why(kind: str, failure: FailureKind) -> None:
    found = read_line(line({"type": kind}))

    assert found is not None
    assert kind_of(found[1]) is failure


@pytest.mark.parametrize(
    "result",
    [None, "succeeded", {}, {"type": "new"}, {"type": "succeeded", "message": None}],
    ids=["none", "text", "empty", "unknown", "no message"],
)
def test_a_row_of_another_shape_is_malformed(result: Any) -> None:
    found = read_line(line(result))

    assert found is not None
    assert kind_of(found[1]) is FailureKind.MALFORMED


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", line({"type": "expired"}, None), line({}, "a/b")],
    ids=["empty", "cut", "list", "no name", "no name of ours"],
)
def test_a_row_that_names_no_item_is_passed_over(data: bytes) -> None:
    assert read_line(data) is None
