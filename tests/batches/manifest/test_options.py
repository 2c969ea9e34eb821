"""The options beside an input."""

from typing import Any

import pytest

from batches.manifest.items import check_item
from batches.manifest.options import UNSUPPORTED
from tests.batches.manifest.helpers import asking, facts, problems

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
TOOL = {"type": "function", "name": "look", "parameters": SCHEMA, "strict": True}
MANY_TOOLS = [{"type": "function", "name": f"look{n}"} for n in range(129)]


def json_schema(**fields: Any) -> dict[str, Any]:
    form = {"type": "json_schema", "name": "answer", "schema": SCHEMA} | fields
    return {"format": form}


def test_takes_every_option() -> None:
    found = facts(
        asking(
            instructions="Be brief.",
            max_output_tokens=16,
            temperature=2,
            top_p=0.5,
            stop=["\n", "END"],
            text=json_schema(strict=True, description="An answer."),
            reasoning={"effort": "low"},
            tools=[TOOL],
            tool_choice={"type": "function", "name": "look"},
        )
    )

    assert found.max_output_tokens == 16
    assert found.needs_schema is True
    assert found.needs_tools is True


def test_takes_tools_in_the_nested_form_of_chat() -> None:
    nested = {"type": "function", "function": {"name": "look", "parameters": SCHEMA}}
    choice = {"type": "function", "function": {"name": "look"}}

    assert facts(asking(tools=[nested], tool_choice=choice)).needs_tools is True


def test_counts_the_schema_as_text() -> None:
    found = facts(asking(text=json_schema()))

    assert found.repeated_texts == (
        '{"properties":{"a":{"type":"string"}},"type":"object"}',
    )


@pytest.mark.parametrize(
    ("options", "field", "code"),
    [
        ({"max_output_tokens": 15}, "max_output_tokens", "out_of_range"),
        ({"max_output_tokens": 1_000_001}, "max_output_tokens", "out_of_range"),
        ({"max_output_tokens": 2**70}, "max_output_tokens", "out_of_range"),
        ({"max_output_tokens": True}, "max_output_tokens", "wrong_type"),
        ({"max_output_tokens": "200"}, "max_output_tokens", "wrong_type"),
        ({"max_output_tokens": 200.0}, "max_output_tokens", "wrong_type"),
        ({"max_output_tokens": None}, "max_output_tokens", "wrong_type"),
        ({"temperature": 2.1}, "temperature", "out_of_range"),
        ({"temperature": -0.1}, "temperature", "out_of_range"),
        ({"temperature": False}, "temperature", "wrong_type"),
        ({"temperature": float("nan")}, "temperature", "out_of_range"),
        ({"top_p": 1.5}, "top_p", "out_of_range"),
        ({"stop": []}, "stop", "too_many"),
        ({"stop": list("abcde")}, "stop", "too_many"),
        ({"stop": ""}, "stop", "wrong_type"),
        ({"stop": [1]}, "stop", "wrong_type"),
        ({"instructions": ""}, "instructions", "empty"),
        ({"text": "plain"}, "text", "wrong_type"),
        ({"text": {}}, "text.format", "wrong_type"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type", "not_allowed"),
        ({"text": json_schema(name="a b")}, "text.format.name", "invalid_name"),
        ({"text": json_schema(strict=1)}, "text.format.strict", "wrong_type"),
        ({"text": json_schema(schema=[])}, "text.format.schema", "wrong_type"),
        (
            {"text": json_schema(schema={"$ref": "https://example.com/x"})},
            "text.format.schema",
            "invalid_schema",
        ),
        ({"text": json_schema(extra=1)}, "text.format.extra", "unknown_field"),
        ({"reasoning": {"effort": "huge"}}, "reasoning.effort", "not_allowed"),
        ({"reasoning": {}}, "reasoning.effort", "not_allowed"),
        ({"tools": []}, "tools", "wrong_type"),
        ({"tools": [TOOL, TOOL]}, "tools", "duplicate"),
        ({"tools": MANY_TOOLS}, "tools", "too_many"),
        ({"tools": ["look"]}, "tools[0]", "wrong_type"),
        ({"tools": [TOOL | {"name": ""}]}, "tools[0].name", "invalid_name"),
        ({"tools": [TOOL | {"x": 1}]}, "tools[0].x", "unknown_field"),
        (
            {"tools": [{"type": "web_search"}]},
            "tools[0].type",
            "unsupported_option",
        ),
        ({"tool_choice": "auto"}, "tool_choice", "not_allowed"),
        (
            {"tools": [TOOL], "tool_choice": "maybe"},
            "tool_choice",
            "not_allowed",
        ),
        (
            {"tools": [TOOL], "tool_choice": {"type": "function", "name": "x"}},
            "tool_choice.name",
            "not_allowed",
        ),
        ({"sampler": 1}, "sampler", "unknown_field"),
    ],
)
def test_names_the_option_that_is_wrong(
    options: dict[str, Any], field: str, code: str
) -> None:
    assert problems(asking(**options)) == [(f"input.{field}", code)]


@pytest.mark.parametrize("name", sorted(UNSUPPORTED))
def test_refuses_by_name_what_cannot_be_priced(name: str) -> None:
    result = check_item(asking(**{name: 1}))

    assert isinstance(result, list)
    assert (result[0].field, result[0].code) == (f"input.{name}", "unsupported_option")
    assert result[0].message == f"{name}: {UNSUPPORTED[name]}"


@pytest.mark.parametrize(
    "name",
    [
        "stream",
        "n",
        "background",
        "store",
        "previous_response_id",
        "conversation",
        "logprobs",
        "audio",
        "modalities",
        "prompt",
        "service_tier",
        "user",
        "seed",
        "encoding_format",
    ],
)
def test_knows_the_options_that_customers_send_most(name: str) -> None:
    assert name in UNSUPPORTED
