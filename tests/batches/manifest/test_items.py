"""One item: its own fields, its id, its models, its verification."""

from typing import Any

import pytest

from batches.manifest.items import check_item
from tests.batches.manifest.helpers import asking, chat, facts, item, problems

USER = {"role": "user", "content": "Say hello."}


def test_takes_plain_text() -> None:
    found = facts(item())

    assert found.customer_item_id == "a"
    assert found.operation == "responses"
    assert found.models == ("gpt-5.4-mini",)
    assert found.texts == ("Say hello.",)
    assert found.message_count == 1
    assert found.max_output_tokens is None


def test_takes_responses_for_the_operation_when_none_is_named() -> None:
    assert facts(item(operation=None)).operation == "responses"


def test_puts_the_model_before_options_that_lack_it() -> None:
    found = facts(item(model="m", model_options=["x", "y"]))

    assert found.models == ("m", "x", "y")


def test_keeps_the_order_of_options_that_name_the_model() -> None:
    found = facts(item(model="m", model_options=["x", "m"]))

    assert found.models == ("x", "m")


@pytest.mark.parametrize(
    ("fields", "field", "code"),
    [
        ({"customer_item_id": None}, "customer_item_id", "required"),
        ({"customer_item_id": 7}, "customer_item_id", "wrong_type"),
        ({"customer_item_id": ""}, "customer_item_id", "invalid_id"),
        ({"customer_item_id": "x" * 129}, "customer_item_id", "invalid_id"),
        ({"customer_item_id": " a"}, "customer_item_id", "invalid_id"),
        ({"customer_item_id": "a\tb"}, "customer_item_id", "invalid_id"),
        ({"customer_item_id": "a\u200bb"}, "customer_item_id", "invalid_id"),
        ({"customer_item_id": "\ud800"}, "customer_item_id", "invalid_id"),
        ({"operation": "chat"}, "operation", "not_allowed"),
        ({"operation": 1}, "operation", "not_allowed"),
        ({"operation": ["responses"]}, "operation", "not_allowed"),
        ({"model": None}, "model", "required"),
        ({"model": "x" * 161}, "model", "too_long"),
        ({"model": "gpt 5"}, "model", "invalid_name"),
        ({"model": True}, "model", "wrong_type"),
        ({"model_options": []}, "model_options", "wrong_type"),
        ({"model_options": list("abcdefghi")}, "model_options", "wrong_type"),
        ({"model_options": ["a", "a"]}, "model_options", "duplicate"),
        ({"model_options": ["a", 1]}, "model_options[1]", "wrong_type"),
        ({"input": None}, "input", "required"),
        ({"input": ""}, "input", "empty"),
        ({"input": " \n"}, "input", "empty"),
        ({"input": ["a"]}, "input", "wrong_type"),
        ({"input": {}}, "input.input", "required"),
        ({"metadata": []}, "metadata", "wrong_type"),
        ({"metadata": {"k": 1}}, "metadata.k", "wrong_type"),
        ({"metadata": {"k": "v" * 513}}, "metadata.k", "too_long"),
        ({"metadata": {"k" * 65: "v"}}, "metadata", "too_long"),
        ({"metadata": {str(n): "v" for n in range(17)}}, "metadata", "too_many"),
        ({"verify": []}, "verify", "wrong_type"),
        ({"verify": {"min": 1}}, "verify.min", "unknown_field"),
        ({"verify": {"min_length": 0}}, "verify.min_length", "out_of_range"),
        ({"verify": {"min_length": 1_000_001}}, "verify.min_length", "out_of_range"),
        ({"verify": {"max_length": 0}}, "verify.max_length", "out_of_range"),
        (
            {"verify": {"min_length": 3, "max_length": 2}},
            "verify.max_length",
            "out_of_range",
        ),
        ({"verify": {"min_length": True}}, "verify.min_length", "wrong_type"),
        ({"verify": {"on_fail": "ignore"}}, "verify.on_fail", "not_allowed"),
        ({"verify": {"regex": "(?=a)"}}, "verify.regex", "invalid_regex"),
        ({"verify": {"regex": "a" * 513}}, "verify.regex", "invalid_regex"),
        (
            {"verify": {"json_schema": {"type": "x"}}},
            "verify.json_schema",
            "invalid_schema",
        ),
        ({"verify": {"json_schema": True}}, "verify.json_schema", "wrong_type"),
        ({"custom_id": "x"}, "custom_id", "unknown_field"),
    ],
)
def test_names_the_field_that_is_wrong(
    fields: dict[str, Any], field: str, code: str
) -> None:
    # None leaves a field out, see the helper.
    assert problems(item(**fields)) == [(field, code)]


@pytest.mark.parametrize("value", [None, 1, "text", [], True])
def test_refuses_a_line_that_is_no_object(value: Any) -> None:
    assert problems(value) == [("", "wrong_type")]


def test_says_which_field_was_probably_meant() -> None:
    result = check_item(item(body={}))

    assert isinstance(result, list)
    assert result[0].message == "There is no field 'body' here. Is input meant?"


def test_lists_all_problems_of_an_item_at_once() -> None:
    broken = asking(temperature=3, stream=True) | {"customer_item_id": "", "x": 1}

    assert problems(broken) == [
        ("x", "unknown_field"),
        ("customer_item_id", "invalid_id"),
        ("input.temperature", "out_of_range"),
        ("input.stream", "unsupported_option"),
    ]


def test_takes_every_check_of_an_answer() -> None:
    verify = {
        "json_schema": {"type": "object"},
        "min_length": 100_000,
        "max_length": 1_000_000,
        "regex": "^a+$",
        "on_fail": "review",
    }

    assert facts(item(verify=verify)).needs_schema is False


def test_refuses_to_verify_the_text_of_a_vector() -> None:
    vector = item(operation="embeddings", verify={"min_length": 1})

    assert problems(vector) == [("verify", "unsupported_option")]


def test_gives_equal_fingerprints_to_items_that_ask_the_same() -> None:
    one = facts(item(customer_item_id="a", metadata={"k": "v"}))
    other = facts(item(customer_item_id="b", input={"input": "Say hello."}))

    assert one.fingerprint == other.fingerprint
    assert len(one.fingerprint) == 16


def test_ignores_the_order_of_keys_in_a_fingerprint() -> None:
    one = chat(USER, temperature=1, top_p=1)
    other = chat(USER, top_p=1, temperature=1)

    assert facts(one).fingerprint == facts(other).fingerprint


@pytest.mark.parametrize(
    "other",
    [
        item(model="gpt-5.4"),
        item(model_options=["gpt-5.4-mini", "gpt-5.4"]),
        item(input="Say goodbye."),
        item(verify={"min_length": 1}),
        asking(max_output_tokens=16),
    ],
)
def test_tells_items_apart_that_ask_differently(other: dict[str, Any]) -> None:
    assert facts(item()).fingerprint != facts(other).fingerprint
