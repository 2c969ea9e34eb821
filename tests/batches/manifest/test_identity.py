"""Which items are the same, and which are not."""

from typing import Any

import orjson
import pytest

from batches.manifest.items import ItemFacts, check_item

USER = {"role": "user", "content": "Say hello."}
SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
}
SWAPPED = {
    "type": "object",
    "properties": {"b": {"type": "string"}, "a": {"type": "string"}},
}


def item(text: bytes | None = None, **fields: Any) -> dict[str, Any]:
    """Return an item, or the one that this JSON says."""
    if text is not None:
        loaded: dict[str, Any] = orjson.loads(text)
        return loaded
    return {
        "customer_item_id": "a",
        "model": "gpt-5.4-mini",
        "input": {"messages": [USER], "temperature": 0.5, "max_output_tokens": 50},
        **fields,
    }


def asking(**fields: Any) -> dict[str, Any]:
    """Return an item with more in its input."""
    return item(input={"messages": [USER], "max_output_tokens": 50, **fields})


def formed(schema: dict[str, Any]) -> dict[str, Any]:
    """Return an item that wants an answer of this schema."""
    form = {"type": "json_schema", "name": "answer", "schema": schema}
    return asking(text={"format": form})


def tooled(parameters: dict[str, Any], *, nested: bool = False) -> dict[str, Any]:
    """Return an item with a function of these parameters."""
    function = {"name": "look", "parameters": parameters}
    tool = {"type": "function", "function": function}
    flat = {"type": "function", **function}
    return asking(tools=[tool if nested else flat])


def mark(asked: dict[str, Any]) -> bytes:
    """Return an item's fingerprint."""
    facts = check_item(asked)
    assert isinstance(facts, ItemFacts), facts
    return facts.fingerprint


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(item(customer_item_id="b"), id="another id"),
        pytest.param(item(metadata={"row": "7"}), id="metadata"),
        pytest.param(item(operation="responses"), id="the default named"),
        pytest.param(
            item(
                b'{ "input" : {"temperature":5e-1,\n"max_output_tokens":50,"messages":'
                b'[{"content":"Say\\u0020hello.","role":"user"}]},\t'
                b'"model":"gpt-5.4-mini","customer_item_id":"c"}'
            ),
            id="keys, white space, escapes and digits written otherwise",
        ),
    ],
)
def test_items_are_identical_that_ask_the_same(other: dict[str, Any]) -> None:
    assert mark(other) == mark(item())


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(item(operation="vision", input={"messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "Say hello."},
                {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}},
            ]}
        ]}), id="an image"),
        pytest.param(item(model="gpt-5.4"), id="the model"),
        pytest.param(item(model_options=["gpt-5.4"]), id="a further model"),
        pytest.param(item(verify={"min_length": 2}), id="a check"),
        pytest.param(item(verify={"on_fail": "review"}), id="what a miss means"),
        pytest.param(asking(temperature=0.5, top_p=1), id="an option"),
        pytest.param(asking(temperature=0.6), id="the temperature"),
        pytest.param(asking(), id="no temperature"),
        pytest.param(asking(temperature=0.5, max_output_tokens=51), id="the cap"),
        pytest.param(
            item(input={"messages": [{**USER, "content": "Say hello. "}],
                        "temperature": 0.5, "max_output_tokens": 50}),
            id="a space",
        ),
        pytest.param(
            item(input={"messages": [{**USER, "content": "say hello."}],
                        "temperature": 0.5, "max_output_tokens": 50}),
            id="a capital",
        ),
        pytest.param(
            item(input={"messages": [USER, USER],
                        "temperature": 0.5, "max_output_tokens": 50}),
            id="a message more",
        ),
    ],
)  # fmt: skip
def test_items_are_apart_where_the_answer_may_differ(other: dict[str, Any]) -> None:
    assert mark(other) != mark(item())


def test_models_in_another_order_are_another_wish() -> None:
    one = item(model="gpt-5.4", model_options=["gpt-5.4-mini"])
    other = item(model="gpt-5.4-mini", model_options=["gpt-5.4"])

    assert mark(one) != mark(other)


def test_a_letter_written_in_two_ways_is_two_texts() -> None:
    assert mark(item(input="caf\u00e9")) != mark(item(input="cafe\u0301"))


def test_fields_in_another_order_of_an_answers_schema_tell_items_apart() -> None:
    assert mark(formed(SCHEMA)) != mark(formed(SWAPPED))
    assert mark(formed(SCHEMA)) == mark(formed(dict(SCHEMA)))


@pytest.mark.parametrize("nested", [True, False])
def test_so_do_those_of_a_functions_parameters(nested: bool) -> None:
    one, other = tooled(SCHEMA, nested=nested), tooled(SWAPPED, nested=nested)

    assert mark(one) != mark(other)
    assert mark(one) == mark(tooled(dict(SCHEMA), nested=nested))


def test_those_of_a_schema_that_only_we_check_do_not() -> None:
    one = item(verify={"json_schema": SCHEMA})
    other = item(verify={"json_schema": SWAPPED})

    assert mark(one) == mark(other)
