"""Gemini's answers, errors and rows, each as the tables of its wire have it."""

from typing import Any

import orjson
import pytest

from routing.adapters import gemini_lines
from routing.adapters.gemini import GeminiDirect
from routing.contracts import Answer, Operation, Output, Usage
from routing.failures import FailureKind

TEXT = {"parts": [{"text": "hello"}], "role": "model"}
CALL = {"parts": [{"functionCall": {"name": "f", "args": {"a": 1}}}], "role": "model"}


def decode(value: Any, status: int = 200, operation: Operation = "responses") -> Answer:
    return GeminiDirect().decode(operation, status, {}, orjson.dumps(value))


def candidate(**fields: Any) -> dict[str, Any]:
    return {"candidates": [{"content": TEXT, "finishReason": "STOP", **fields}]}


def kind_of(answer: Answer) -> FailureKind | None:
    return answer.failure.kind if answer.failure else None


def test_the_parts_are_joined_and_thoughts_left_out() -> None:
    parts = [{"text": "hm", "thought": True}, {"text": "a"}, {"text": "b"}]
    answer = decode(candidate(content={"parts": parts}) | {"modelVersion": "gemini-x"})

    assert answer.output == Output("ab", "stop")
    assert answer.provider_model == "gemini-x"


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("CONTINUATION", "length"),
        *(
            (reason, "content_filter")
            for reason in (
                *("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "SPII"),
                *("PROHIBITED_CONTENT", "IMAGE_SAFETY", "MODEL_ARMOR"),
            )
        ),
        ("SOMETHING_NEW", "stop"),
    ],
)
def test_a_finish_reason_has_our_word(reason: str, finish: str) -> None:
    answer = decode(candidate(finishReason=reason))

    assert answer.output is not None
    assert answer.output.finish_reason == finish


@pytest.mark.parametrize(
    "reason",
    [
        *("MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL"),
        *("TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE", "OTHER"),
    ],
)
def test_an_answer_that_broke_off_may_be_tried_again_and_keeps_its_usage(
    reason: str,
) -> None:
    usage = {"promptTokenCount": 5, "candidatesTokenCount": 1}
    answer = decode({**candidate(finishReason=reason), "usageMetadata": usage})

    assert kind_of(answer) is FailureKind.OVERLOADED
    assert answer.usage == Usage(5, 0, 1, 0)


def test_a_call_stands_under_the_id_of_its_place() -> None:
    answer = decode(candidate(content=CALL))

    function = {"name": "f", "arguments": '{"a":1}'}
    assert answer.output == Output(
        None,
        "tool_calls",
        tool_calls=[{"id": "call_0", "type": "function", "function": function}],
    )


def test_a_blocked_prompt_is_an_answer_that_was_filtered() -> None:
    answer = decode(
        {
            "promptFeedback": {"blockReason": "JAILBREAK"},
            "usageMetadata": {"promptTokenCount": 7, "totalTokenCount": 7},
        }
    )

    assert answer.output == Output(None, "content_filter", refusal="JAILBREAK")
    assert answer.usage == Usage(7, 0, 0, 0)


def test_a_candidate_that_was_cut_off_may_have_no_content() -> None:
    answer = decode({"candidates": [{"finishReason": "SAFETY", "index": 0}]})

    assert answer.output == Output(None, "content_filter", refusal="SAFETY")


@pytest.mark.parametrize(
    ("usage", "found"),
    [
        (
            {
                "promptTokenCount": 100,
                "cachedContentTokenCount": 60,
                "toolUsePromptTokenCount": 5,
                "candidatesTokenCount": 20,
                "thoughtsTokenCount": 30,
                "totalTokenCount": 155,
            },
            Usage(105, 60, 50, 30),
        ),
        ({"promptTokenCount": 4}, Usage(4, 0, 0, 0)),
        ({"promptTokenCount": "4", "candidatesTokenCount": "2"}, Usage(4, 0, 2, 0)),
        ({"promptTokenCount": -1}, None),
        ({"promptTokenCount": 10**12}, None),
        ({"promptTokenCount": 1, "cachedContentTokenCount": 2}, None),
        ({"candidatesTokenCount": 3}, None),
        ("many", None),
    ],
    ids=["all", "least", "text", "below", "huge", "cached", "no-prompt", "nonsense"],
)
def test_usage_adds_thoughts_to_the_output_and_tools_to_the_input(
    usage: Any, found: Usage | None
) -> None:
    assert decode({**candidate(), "usageMetadata": usage}).usage == found


@pytest.mark.parametrize(
    ("value", "vectors"),
    [
        ({"embeddings": [{"values": [1.0, 0.5]}]}, [1.0, 0.5]),
        ({"embeddings": [{"values": [1.0]}, {"values": [2.0]}]}, [[1.0], [2.0]]),
    ],
    ids=["one", "two"],
)
def test_vectors_come_in_the_order_of_their_texts(value: Any, vectors: Any) -> None:
    answer = decode(value, operation="embeddings")

    assert answer.output is not None
    assert answer.output.embedding == vectors
    assert answer.usage is None


@pytest.mark.parametrize(
    "value",
    [
        {"embeddings": []},
        {"embeddings": [{}]},
        {"embeddings": [{"values": []}]},
        {"embeddings": [{"values": ["1"]}]},
        {"embeddings": {}},
    ],
    ids=["none", "no-values", "no-numbers", "text", "object"],
)
def test_vectors_of_another_shape_are_malformed(value: Any) -> None:
    assert kind_of(decode(value, operation="embeddings")) is FailureKind.MALFORMED


def test_a_delay_in_the_errors_details_is_waited_for() -> None:
    details = [{"@type": "x.RetryInfo", "retryDelay": "34.5s"}]
    error = {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": details}
    answer = decode({"error": error}, 429)

    assert answer.failure is not None
    assert answer.failure.kind is FailureKind.RATE_LIMITED
    assert answer.failure.retry_after_seconds == 34.5


def test_a_delay_is_found_in_an_error_that_comes_in_a_list() -> None:
    error = {"code": 429, "details": [{"retryDelay": "3s"}]}
    answer = decode([{"error": error}], 429)

    assert answer.failure is not None
    assert answer.failure.retry_after_seconds == 3


def test_a_wrong_key_is_the_credentials_fault_although_it_is_400() -> None:
    details = [{"@type": "x.ErrorInfo", "reason": "API_KEY_INVALID"}]
    error = {"code": 400, "status": "INVALID_ARGUMENT", "details": details}

    assert kind_of(decode({"error": error}, 400)) is FailureKind.CREDENTIAL


def rows_of(*rows: Any) -> list[tuple[str, Answer]]:
    return list(gemini_lines.read_rows(orjson.dumps(row) for row in rows))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": 1, "message": "m"}, FailureKind.JOB_CANCELED),
        ({"status": "CANCELLED"}, FailureKind.JOB_CANCELED),
        ({"code": 3}, FailureKind.INVALID),
        ({"code": 4}, FailureKind.JOB_EXPIRED),
        ({"code": 5}, FailureKind.MODEL_MISSING),
        ({"code": 8}, FailureKind.RATE_LIMITED),
        ({"code": 13}, FailureKind.OVERLOADED),
        ({"code": 16}, FailureKind.CREDENTIAL),
        ({"code": 400}, FailureKind.INVALID),
        ({"code": 429}, FailureKind.RATE_LIMITED),
        ({"code": 503}, FailureKind.OVERLOADED),
        ({"code": "x"}, FailureKind.OVERLOADED),
    ],
)
def test_a_rows_error_is_classified_by_its_code(
    error: dict[str, Any], kind: FailureKind
) -> None:
    [(ref, answer)] = rows_of({"key": "r", "error": error})

    assert (ref, kind_of(answer)) == ("r", kind)


def test_a_row_holds_an_answer() -> None:
    [(ref, answer)] = rows_of({"key": "r", "response": candidate()})

    assert (ref, answer.output) == ("r", Output("hello", "stop"))


@pytest.mark.parametrize(
    "row",
    [
        None,
        [],
        {},
        {"key": 3, "response": {}},
        {"key": "not ours!", "response": {}},
        {"key": "r.1", "response": {}},
        {"key": "r.2.2", "response": {}},
        {"key": "r.x.2", "response": {}},
    ],
)
def test_a_row_that_names_no_item_of_ours_is_passed_over(row: Any) -> None:
    assert rows_of(row) == []


def test_a_row_without_answer_and_error_is_malformed() -> None:
    [(_, answer)] = rows_of({"key": "r"})

    assert kind_of(answer) is FailureKind.MALFORMED


def vector_row(key: str, number: float, tokens: Any = "2") -> dict[str, Any]:
    response = {"embedding": {"values": [number]}, "tokenCount": tokens}
    return {"key": key, "response": response}


def test_an_items_texts_come_back_as_one_answer_in_their_order() -> None:
    assert gemini_lines.keys_of("r", 2) == ["r.0.2", "r.1.2"]
    rows = rows_of(
        vector_row("r.1.2", 1.0), vector_row("s", 9.0), vector_row("r.0.2", 0.5, 3)
    )

    assert [ref for ref, _ in rows] == ["s", "r"]
    assert rows[0][1].output == Output(None, "stop", embedding=[9.0])
    assert rows[1][1].output == Output(None, "stop", embedding=[[0.5], [1.0]])
    assert rows[1][1].usage == Usage(5, 0, 0, 0)


def test_one_text_that_failed_fails_its_item() -> None:
    [(ref, answer)] = rows_of(
        vector_row("r.0.2", 0.5), {"key": "r.1.2", "error": {"code": 3}}
    )

    assert (ref, kind_of(answer)) == ("r", FailureKind.INVALID)


def test_an_item_whose_texts_are_not_all_there_has_no_answer() -> None:
    [(ref, answer)] = rows_of(vector_row("r.0.2", 0.5))

    assert (ref, kind_of(answer)) == ("r", FailureKind.MALFORMED)


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("output", "inlinedResponses"),
        ("response", "inlinedResponses"),
        ("output", "inlinedEmbedContentResponses"),
    ],
)
def test_inline_rows_are_nested_twice(place: str, name: str) -> None:
    rows = [{"metadata": {"key": "r"}, "response": candidate()}]
    holder = {name: {"inlinedResponses": rows}}
    job = {"response": holder} if place == "response" else {"metadata": {place: holder}}

    [(ref, answer)] = gemini_lines.read_inlined(job)

    assert (ref, answer.output) == ("r", Output("hello", "stop"))


@pytest.mark.parametrize("job", [{}, {"response": 3}, {"metadata": {"output": []}}])
def test_a_job_without_inline_rows_has_none(job: dict[str, Any]) -> None:
    assert list(gemini_lines.read_inlined(job)) == []
