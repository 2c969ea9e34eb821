"""Items of every kind as bodies of Messages requests."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from routing.adapters.anthropic import AnthropicDirect
from routing.adapters.anthropic_schema import closed
from routing.contracts import Connection, ItemRequest
from tests.routing.values import make_connection, make_item

IMAGE = "data:image/png;base64,AAAA"
HAIKU_4 = "claude-haiku-4-5"
HAIKU_5 = "claude-haiku-5-5"
SONNET = "claude-sonnet-5-5"
ADAPTER = AnthropicDirect()
NEWER = make_connection("anthropic", "https://anthropic.example")
OLDER = replace(NEWER, options={"api_version": "2023-06-01"})
TOOL = {"type": "function", "name": "f", "parameters": {"type": "object"}}


def item_of(model: str = HAIKU_5, cap: int = 64, **source: Any) -> ItemRequest:
    source.setdefault("input", "hi")
    if "messages" in source:
        del source["input"]
    return make_item(provider_model=model, input=source, max_output_tokens=cap)


def body_of(item: ItemRequest, connection: Connection = NEWER) -> Any:
    return orjson.loads(ADAPTER.encode(item, connection).body)


def dropped(item: ItemRequest, connection: Connection = NEWER) -> tuple[str, ...]:
    return ADAPTER.dropped_fields(item, connection)


def test_plain_text() -> None:
    assert body_of(item_of()) == {
        "model": HAIKU_5,
        "max_tokens": 64,
        "messages": [{"role": "user", "content": "hi"}],
    }


def test_the_older_version_has_its_own_header_for_the_key() -> None:
    headers = dict(ADAPTER.encode(item_of(), OLDER).headers)

    assert headers["anthropic-version"] == "2023-06-01"
    assert headers["x-api-key"] == "sk-secret"
    assert "Authorization" not in headers


def test_the_system_stands_beside_the_messages() -> None:
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "hi"},
    ]
    body = body_of(item_of(instructions="Answer.", messages=messages))

    assert body["system"] == "Answer.\n\nBe brief."
    assert body["messages"] == [{"role": "user", "content": "hi"}]


def test_images_go_as_their_bytes_or_their_address() -> None:
    parts = [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "image_url": IMAGE},
        {"type": "input_image", "image_url": "https://a.example/b.png"},
    ]
    body = body_of(item_of(input=[{"role": "user", "content": parts}]))

    assert body["messages"][0]["content"] == [
        {"type": "text", "text": "What is this?"},
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"},
        },
        {"type": "image", "source": {"type": "url", "url": "https://a.example/b.png"}},
    ]


@pytest.mark.parametrize(("detail", "lost"), [("low", ("detail",)), ("auto", ())])
def test_the_detail_of_an_image_has_no_equivalent(
    detail: str, lost: tuple[str, ...]
) -> None:
    part = {"type": "input_image", "image_url": IMAGE, "detail": detail}

    assert dropped(item_of(input=[{"role": "user", "content": [part]}])) == lost


def test_results_of_tools_come_first_in_their_turn() -> None:
    entries = [
        {"role": "user", "content": "hi"},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"role": "user", "content": "and?"},
        {"type": "function_call_output", "call_id": "c", "output": "2"},
    ]

    assert body_of(item_of(input=entries))["messages"][1:] == [
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {}}],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c", "content": "2"},
                {"type": "text", "text": "and?"},
            ],
        },
    ]


def test_tools_are_translated() -> None:
    strict = TOOL | {"name": "g", "description": "d", "strict": True}
    body = body_of(item_of(tools=[TOOL, strict]))

    assert body["tools"] == [
        {"name": "f", "input_schema": {"type": "object"}},
        {
            "name": "g",
            "description": "d",
            "strict": True,
            "input_schema": {"type": "object", "additionalProperties": False},
        },
    ]
    assert "tool_choice" not in body


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        ({"type": "function", "name": "f"}, {"type": "tool", "name": "f"}),
    ],
    ids=["auto", "none", "required", "named"],
)
def test_choices_are_translated(choice: Any, sent: dict[str, str]) -> None:
    item = item_of(tools=[TOOL], tool_choice=choice)

    assert body_of(item)["tool_choice"] == sent
    assert dropped(item) == ()


def test_a_model_that_refuses_to_be_made_to_call_is_asked_to() -> None:
    item = item_of(model=SONNET, tools=[TOOL], tool_choice="required")

    assert "tool_choice" not in body_of(item)
    assert dropped(item) == ("tool_choice",)


def test_a_json_schema_is_sent_closed() -> None:
    form = {"type": "json_schema", "name": "n", "schema": {"type": "object"}}

    assert body_of(item_of(text={"format": form}))["output_config"] == {
        "format": {
            "type": "json_schema",
            "schema": {"type": "object", "additionalProperties": False},
        }
    }


def test_any_json_object_is_asked_for_in_words() -> None:
    body = body_of(item_of(instructions="S.", text={"format": {"type": "json_object"}}))

    assert body["system"] == "S.\n\nAnswer with one JSON object and nothing else."
    assert "output_config" not in body


def test_stops_are_sequences() -> None:
    assert body_of(item_of(stop="END"))["stop_sequences"] == ["END"]


@pytest.mark.parametrize(
    ("model", "cap", "effort", "thinking", "config"),
    [
        (HAIKU_5, 64, "high", {"type": "adaptive"}, {"effort": "high"}),
        (HAIKU_5, 64, "minimal", {"type": "adaptive"}, {"effort": "low"}),
        (HAIKU_5, 64, "none", {"type": "disabled"}, None),
        (HAIKU_4, 8000, "high", {"type": "enabled", "budget_tokens": 4800}, None),
        (HAIKU_4, 8000, "low", {"type": "enabled", "budget_tokens": 1600}, None),
        (HAIKU_4, 64, "none", {"type": "disabled"}, None),
    ],
)
def test_an_effort_becomes_thinking(
    model: str, cap: int, effort: str, thinking: Any, config: Any
) -> None:
    item = item_of(model, cap, reasoning={"effort": effort})
    body = body_of(item)

    assert (body["thinking"], body.get("output_config")) == (thinking, config)
    assert dropped(item) == ()


@pytest.mark.parametrize(
    ("model", "effort"),
    [(HAIKU_4, "high"), (SONNET, "none")],
    ids=["no room to think", "always thinks"],
)
def test_an_effort_that_cannot_be_had_is_named(model: str, effort: str) -> None:
    item = item_of(model, 1000, reasoning={"effort": effort})

    assert "thinking" not in body_of(item)
    assert dropped(item) == ("reasoning",)


def test_thinking_gives_way_to_a_demanded_call() -> None:
    item = item_of(tools=[TOOL], tool_choice="required", reasoning={"effort": "high"})

    assert "thinking" not in body_of(item)
    assert dropped(item) == ("reasoning",)


@pytest.mark.parametrize(
    ("connection", "supports", "source", "sent", "lost"),
    [
        (NEWER, True, {"temperature": 0.5}, {}, ("temperature",)),
        (OLDER, True, {"temperature": 1.5}, {"temperature": 1.0}, ()),
        (OLDER, False, {"temperature": 0.5}, {}, ("temperature",)),
        (OLDER, True, {"top_p": 0.5}, {"top_p": 0.5}, ()),
        (
            OLDER,
            True,
            {"temperature": 0.5, "top_p": 0.5},
            {"temperature": 0.5},
            ("top_p",),
        ),
        (
            OLDER,
            True,
            {"temperature": 0.5, "reasoning": {"effort": "low"}},
            {},
            ("temperature",),
        ),
    ],
    ids=["newer", "clamped", "refused", "top_p", "one of two", "thinking"],
)
def test_sampling_is_sent_where_it_is_taken(
    connection: Connection,
    supports: bool,
    source: dict[str, Any],
    sent: dict[str, float],
    lost: tuple[str, ...],
) -> None:
    item = item_of(**source)._replace(supports_sampling=supports)
    body = body_of(item, connection)

    names = ("temperature", "top_p")
    assert {name: body[name] for name in names if name in body} == sent
    assert dropped(item, connection) == lost


def test_a_schema_is_closed_all_the_way_down() -> None:
    inner = {"type": "object", "properties": {"n": {"type": "number", "minimum": 1}}}
    schema = {
        "type": "object",
        "properties": {"list": {"type": "array", "items": inner, "minItems": 3}},
        "$defs": {"d": {"oneOf": [inner, {"type": "string", "maxLength": 5}]}},
        "required": ["list"],
    }
    closed_inner = {
        "type": "object",
        "properties": {"n": {"type": "number"}},
        "additionalProperties": False,
    }

    assert closed(schema) == {
        "type": "object",
        "properties": {"list": {"type": "array", "items": closed_inner}},
        "$defs": {"d": {"anyOf": [closed_inner, {"type": "string"}]}},
        "required": ["list"],
        "additionalProperties": False,
    }


def test_a_property_may_be_named_like_a_keyword() -> None:
    schema = {"type": "object", "properties": {"minimum": {"type": "number"}}}

    assert closed(schema)["properties"] == {"minimum": {"type": "number"}}
