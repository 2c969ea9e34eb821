"""Checks of an answer against what its item asked for."""

from typing import Any

import pytest

from batches.verification import (
    Check,
    Verification,
    check_answer,
    on_miss,
    wanted_of,
)
from routing.contracts import Output

SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer"}},
    "required": ["n"],
}
ASKS_SCHEMA = {
    "input": "x",
    "text": {"format": {"type": "json_schema", "name": "a", "schema": SCHEMA}},
}
UNIVERSAL = {"not_empty", "not_refused", "not_truncated"}
ASKS_OBJECT = {"input": "x", "text": {"format": {"type": "json_object"}}}


def answer(text: str | None, **fields: Any) -> Output:
    return Output(**({"text": text, "finish_reason": "stop"} | fields))


def vectors(embedding: Any) -> Output:
    return Output(text=None, finish_reason="stop", embedding=embedding)


def verdicts(found: Verification) -> list[tuple[str, bool]]:
    """Return the checks beyond those that every answer passes."""
    return [
        (check["name"], check["passed"])
        for check in found.checks
        if check["name"] not in UNIVERSAL or not check["passed"]
    ]


def failed(found: Verification) -> list[Check]:
    return [check for check in found.checks if not check["passed"]]


def test_passes_any_text_where_nothing_is_asked() -> None:
    found = check_answer({"input": "x"}, None, answer("Hello."))

    assert found == Verification(
        passed=True,
        checks=(
            {"name": "not_empty", "passed": True, "message": "The answer has text."},
            {"name": "not_refused", "passed": True, "message": "The model answered."},
            {
                "name": "not_truncated",
                "passed": True,
                "message": "The answer ended by itself.",
            },
        ),
        parsed_json=None,
    )


def test_takes_an_input_of_plain_text() -> None:
    assert check_answer("x", None, answer("Hello.")).passed is True


@pytest.mark.parametrize("text", [None, "", " \n\u00a0"])
def test_fails_an_empty_answer(text: str | None) -> None:
    found = check_answer({"input": "x"}, {"min_length": 1}, answer(text))

    assert found.passed is False
    assert verdicts(found) == [("not_empty", False)]


def test_takes_tool_calls_for_an_answer() -> None:
    calls = [{"id": "c", "name": "look", "arguments": "{}"}]

    found = check_answer(ASKS_SCHEMA, None, answer(None, tool_calls=calls))

    assert found.passed is True


@pytest.mark.parametrize(
    "output",
    [
        answer(None, finish_reason="content_filter"),
        answer("I cannot.", refusal="I cannot."),
        answer("", refusal="No."),
    ],
)
def test_fails_a_declined_answer_and_checks_it_no_further(output: Output) -> None:
    found = check_answer(ASKS_SCHEMA, {"min_length": 50}, output)

    assert found.passed is False
    assert [check["name"] for check in found.checks] == ["not_refused"]


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ('{"n": 1}', "The answer is JSON."),
        (' \n{"n": 1}\n', "The answer is JSON."),
        ('\ufeff{"n": 1}', "The answer is JSON."),
        ('```json\n{"n": 1}\n```', "Read from a code fence."),
        ('Sure!\n```\n{"n": 1}\n```\nAnything else?', "Read from a code fence."),
        ('The answer is {"n": 1}. Bye.', "Read from amid other text."),
        ('```{"n": 1}```', "Read from amid other text."),
    ],
)
def test_reads_json_through_fences_and_prose(text: str, how: str | None) -> None:
    found = check_answer(ASKS_SCHEMA, None, answer(text))

    assert found.passed is True
    assert found.parsed_json == {"n": 1}
    assert found.checks[3] == {"name": "json_parse", "passed": True, "message": how}


@pytest.mark.parametrize(
    "text",
    [
        "one",
        '{"n": 1} or {"n": 2}',
        '{"n": 1, "n": 2}',
        '{"n": NaN}',
        '{"n": "\\u0000"}',
        '{"n": ' + "[" * 40 + "]" * 40 + "}",
        '{"n": "\ud800"}',
    ],
)
def test_fails_what_is_not_one_json_value(text: str) -> None:
    found = check_answer(ASKS_SCHEMA, None, answer(text))

    assert verdicts(found) == [("json_parse", False)]
    assert found.parsed_json is None


def test_names_where_the_schema_is_missed() -> None:
    found = check_answer(ASKS_SCHEMA, None, answer('{"n": "x"}'))

    assert failed(found) == [
        {
            "name": "format_schema",
            "passed": False,
            "message": 'n: "x" is not of type "integer"',
        }
    ]
    assert found.parsed_json == {"n": "x"}


def test_cuts_a_long_reason() -> None:
    found = check_answer(ASKS_SCHEMA, None, answer('{"n": "' + "x" * 5_000 + '"}'))

    message = failed(found)[0]["message"]
    assert len(message) == 300


def test_checks_equal_schemas_once() -> None:
    found = check_answer(ASKS_SCHEMA, {"json_schema": SCHEMA}, answer('{"n": 1}'))

    assert verdicts(found) == [
        ("json_parse", True),
        ("format_schema", True),
    ]


def test_checks_the_verifying_schema_where_text_was_asked() -> None:
    found = check_answer({"input": "x"}, {"json_schema": SCHEMA}, answer("{}"))

    assert verdicts(found) == [
        ("json_parse", True),
        ("json_schema", False),
    ]


@pytest.mark.parametrize(
    ("text", "passed"), [("{}", True), ("[]", False), ("1", False)]
)
def test_wants_an_object_where_an_object_was_asked(text: str, passed: bool) -> None:
    assert check_answer(ASKS_OBJECT, None, answer(text)).passed is passed


@pytest.mark.parametrize(("text", "passed"), [("four", True), ("abc", False)])
def test_counts_the_characters(text: str, passed: bool) -> None:
    found = check_answer({"input": "x"}, {"min_length": 4}, answer(text))

    assert found.passed is passed


@pytest.mark.parametrize(
    ("text", "passed"), [("id: 42", True), ("id: x", False), ("\ud800 42", True)]
)
def test_searches_for_the_pattern(text: str, passed: bool) -> None:
    found = check_answer({"input": "x"}, {"regex": r"\b\d+$"}, answer(text))

    assert verdicts(found) == [("regex", passed)]


def test_lists_every_check_that_fails() -> None:
    verify = {"min_length": 50, "regex": "z", "json_schema": SCHEMA}

    found = check_answer({"input": "x"}, verify, answer("short"))

    assert [check["name"] for check in failed(found)] == [
        "json_parse",
        "min_length",
        "regex",
    ]


@pytest.mark.parametrize(
    ("source", "embedding"),
    [
        ({"input": "a"}, [0.1, 0.2]),
        ({"input": "a"}, [[0.1, 0.2]]),
        ({"input": ["a"]}, [0.1, 0.2]),
        ({"input": ["a", "b"]}, [[0.1, 0.2], [0.3, 4]]),
        ({"input": "a", "dimensions": 2}, [0.1, 0.2]),
        ("a", [0.1]),
    ],
)
def test_takes_one_vector_for_each_text(source: Any, embedding: Any) -> None:
    assert check_answer(source, None, vectors(embedding)).passed is True


@pytest.mark.parametrize(
    ("source", "embedding", "name"),
    [
        ({"input": "a"}, [], "not_empty"),
        ({"input": ["a", "b"]}, [[0.1], []], "not_empty"),
        ({"input": ["a", "b"]}, [[0.1], 0.2], "not_empty"),
        ({"input": ["a", "b"]}, [[0.1]], "vector_count"),
        ({"input": "a"}, [[0.1], [0.2]], "vector_count"),
        ({"input": "a"}, [0.1, float("nan")], "finite"),
        ({"input": "a"}, [0.1, float("inf")], "finite"),
        ({"input": "a"}, [0.1, None], "finite"),
        ({"input": "a"}, [0.1, "0.2"], "finite"),
        ({"input": "a"}, [10**400], "finite"),
        ({"input": ["a", "b"]}, [[0.1], [0.1, 0.2]], "dimensions"),
        ({"input": "a", "dimensions": 3}, [0.1, 0.2], "dimensions"),
    ],
)
def test_names_what_is_wrong_with_vectors(
    source: Any, embedding: Any, name: str
) -> None:
    found = check_answer(source, None, vectors(embedding))

    assert [check["name"] for check in failed(found)] == [name]


def test_fails_an_answer_that_was_cut_off() -> None:
    found = check_answer({"input": "x"}, None, answer("Hel", finish_reason="length"))

    assert failed(found) == [
        {
            "name": "not_truncated",
            "passed": False,
            "message": "The answer reached its output cap and was cut off.",
        }
    ]


def test_does_not_mend_json_that_was_cut_off() -> None:
    found = check_answer(ASKS_SCHEMA, None, answer('{"n": 1', finish_reason="length"))

    assert found.failed_names == {"not_truncated", "json_parse"}


def test_mends_json_before_its_schema_is_checked() -> None:
    found = check_answer(ASKS_SCHEMA, None, answer('{"n": 1,'))

    assert (found.passed, found.is_repaired) == (True, True)
    assert found.repaired_text == '{"n":1}'


def test_a_mended_answer_that_misses_its_schema_still_fails() -> None:
    found = check_answer(ASKS_SCHEMA, None, answer('{"m": 1,'))

    assert (found.passed, found.is_repaired) == (False, False)
    assert found.failed_names == {"format_schema"}


@pytest.mark.parametrize(("text", "passed"), [("abc", True), ("four", False)])
def test_counts_the_characters_at_most(text: str, passed: bool) -> None:
    found = check_answer({"input": "x"}, {"max_length": 3}, answer(text))

    assert verdicts(found) == [("max_length", passed)]


def test_every_check_has_a_sentence() -> None:
    verify = {"min_length": 1, "max_length": 50, "regex": "1", "json_schema": SCHEMA}
    found = check_answer(ASKS_OBJECT, verify, answer('{"n": 1}'))

    assert found.passed is True
    assert all(check["message"].endswith(".") for check in found.checks)
    assert len(found.checks) == 8


WORKFLOW = {"checks": [], "json_schema": SCHEMA, "on_fail": "fallback"}


def test_a_workflow_checks_its_schema_where_the_item_has_none() -> None:
    wanted = wanted_of(None, WORKFLOW)

    found = check_answer({"input": "x"}, wanted, answer('{"m": 1}'))

    assert found.failed_names == {"workflow_schema"}
    assert on_miss(found, wanted) == "fallback"


@pytest.mark.parametrize(
    ("source", "verify"),
    [
        ({"input": "x"}, {"json_schema": {"type": "object"}}),
        (
            {
                "input": "x",
                "text": {
                    "format": {
                        "type": "json_schema",
                        "name": "a",
                        "schema": {"type": "object"},
                    }
                },
            },
            None,
        ),
    ],
)
def test_an_items_own_schema_replaces_its_workflows(
    source: dict[str, Any], verify: dict[str, Any] | None
) -> None:
    wanted = wanted_of(verify, WORKFLOW)

    assert check_answer(source, wanted, answer('{"m": 1}')).passed is True


def test_an_items_own_wish_wins_over_its_workflows() -> None:
    assert wanted_of({"on_fail": "review"}, WORKFLOW)["on_fail"] == "review"


@pytest.mark.parametrize(
    ("output", "wish"),
    [
        (answer("Hel", finish_reason="length"), "review"),
        (answer("", refusal="No."), "review"),
        (answer("", finish_reason="length"), "retry"),
        (answer(""), "retry"),
        (answer("no JSON"), "retry"),
    ],
)
def test_what_another_try_cannot_mend_goes_to_review(output: Output, wish: str) -> None:
    found = check_answer(ASKS_SCHEMA, None, output)

    assert on_miss(found, {}) == wish
    assert on_miss(found, {"on_fail": "fallback"}) == "fallback"
