"""What an item becomes on Gemini's wire, and what it loses on the way."""

from typing import Any

import orjson
import pytest

from routing.adapters import gemini_requests
from routing.adapters.gemini import GeminiDirect
from routing.adapters.gemini_schema import taken
from routing.contracts import Connection, ItemRequest
from tests.routing.values import make_connection, make_item

PNG = "data:image/png;base64,iVBORw0K"


def item(model: str = "gemini-3.8-flash", **source: Any) -> ItemRequest:
    return make_item(provider_model=model, input=source, max_output_tokens=1000)


def body(model: str = "gemini-3.8-flash", **source: Any) -> dict[str, Any]:
    return gemini_requests.content_body(item(model, **source))


def config(model: str = "gemini-3.8-flash", **source: Any) -> dict[str, Any]:
    found: dict[str, Any] = body(model, input="hi", **source)["generationConfig"]
    return found


def dropped(found: ItemRequest) -> tuple[str, ...]:
    return GeminiDirect().dropped_fields(found, make_connection("gemini"))


def test_a_plain_text_is_one_user_content() -> None:
    assert body(input="hi") == {
        "contents": [{"parts": [{"text": "hi"}], "role": "user"}],
        "generationConfig": {"maxOutputTokens": 1000},
    }


def test_the_words_of_the_system_are_joined_beside_the_contents() -> None:
    found = body(
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "hi"},
            {"role": "developer", "content": "Be kind."},
            {"role": "assistant", "content": "hello"},
        ]
    )

    assert found["systemInstruction"] == {"parts": [{"text": "Be brief.\n\nBe kind."}]}
    assert found["contents"] == [
        {"parts": [{"text": "hi"}], "role": "user"},
        {"parts": [{"text": "hello"}], "role": "model"},
    ]


def test_words_of_the_system_alone_become_the_user_content() -> None:
    found = body(messages=[{"role": "system", "content": "Say hi."}])

    assert found["contents"] == [{"parts": [{"text": "Say hi."}], "role": "user"}]
    assert "systemInstruction" not in found


@pytest.mark.parametrize(
    ("url", "part"),
    [
        (PNG, {"inlineData": {"mimeType": "image/png", "data": "iVBORw0K"}}),
        (
            "https://i.example/a.jpg?x=1",
            {
                "fileData": {
                    "fileUri": "https://i.example/a.jpg?x=1",
                    "mimeType": "image/jpeg",
                }
            },
        ),
        ("https://i.example/a", {"fileData": {"fileUri": "https://i.example/a"}}),
    ],
    ids=["inline", "address", "address-without-ending"],
)
def test_an_image_goes_inline_or_by_address(url: str, part: dict[str, Any]) -> None:
    content = [{"type": "input_image", "image_url": url}]

    found = body(input=[{"role": "user", "content": content}])

    assert found["contents"] == [{"parts": [part], "role": "user"}]


def test_an_images_detail_is_named_as_dropped() -> None:
    content = [{"type": "input_image", "image_url": PNG, "detail": "high"}]
    source = item(input=[{"role": "user", "content": content}])

    assert dropped(source) == ("detail",)


def test_a_call_and_its_result_are_parts_under_the_functions_name() -> None:
    call = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
    result = {"type": "function_call_output", "call_id": "c1", "output": "4"}
    found = body(input=[{"role": "user", "content": "hi"}, call, result])

    assert found["contents"][1:] == [
        {"parts": [{"functionCall": {"name": "f", "args": {}}}], "role": "model"},
        {
            "parts": [{"functionResponse": {"name": "f", "response": {"output": "4"}}}],
            "role": "user",
        },
    ]


@pytest.mark.parametrize(
    ("choice", "calling"),
    [
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        (
            {"type": "function", "name": "f"},
            {"mode": "ANY", "allowedFunctionNames": ["f"]},
        ),
    ],
    ids=["auto", "none", "required", "named"],
)
def test_tools_are_declared_and_chosen(choice: Any, calling: dict[str, Any]) -> None:
    schema = {"type": "object", "properties": {}, "$schema": "x"}
    tool = {"type": "function", "name": "f", "description": "d", "parameters": schema}
    found = body(input="hi", tools=[tool], tool_choice=choice)

    declared = {
        "name": "f",
        "description": "d",
        "parametersJsonSchema": {"type": "object", "properties": {}},
    }
    assert found["tools"] == [{"functionDeclarations": [declared]}]
    assert found["toolConfig"] == {"functionCallingConfig": calling}


def test_a_schema_asks_for_json_of_its_form() -> None:
    wanted = {"type": "json_schema", "name": "n", "schema": {"type": "object"}}

    assert config(text={"format": wanted}) == {
        "maxOutputTokens": 1000,
        "responseMimeType": "application/json",
        "responseJsonSchema": {"type": "object"},
    }


def test_a_json_object_asks_for_json_alone() -> None:
    assert config(text={"format": {"type": "json_object"}}) == {
        "maxOutputTokens": 1000,
        "responseMimeType": "application/json",
    }


def test_stops_and_sampling_have_names_of_their_own() -> None:
    assert config(stop="END", temperature=0.5, top_p=0.9) == {
        "maxOutputTokens": 1000,
        "stopSequences": ["END"],
        "temperature": 0.5,
        "topP": 0.9,
    }


@pytest.mark.parametrize(
    ("model", "effort", "thinking"),
    [
        ("gemini-3.8-flash", "minimal", {"thinkingLevel": "LOW"}),
        ("gemini-3.8-flash", "medium", {"thinkingLevel": "MEDIUM"}),
        ("gemini-4-argon", "max", {"thinkingLevel": "HIGH"}),
        ("gemini-2.5-flash", "none", {"thinkingBudget": 0}),
        ("gemini-2.5-flash", "low", {"thinkingBudget": 200}),
        ("gemini-2.5-pro", "high", {"thinkingBudget": 600}),
    ],
)
def test_an_effort_is_a_level_or_a_budget(
    model: str, effort: str, thinking: dict[str, Any]
) -> None:
    assert config(model, reasoning={"effort": effort})["thinkingConfig"] == thinking


@pytest.mark.parametrize(
    ("model", "effort"),
    [
        ("gemini-3.8-flash", "none"),
        ("gemini-2.5-pro", "none"),
        # A fifth of 1,000 tokens is less than this model's least budget.
        ("gemini-2.5-flash-lite", "low"),
    ],
)
def test_an_effort_that_a_model_cannot_make_is_named_as_dropped(
    model: str, effort: str
) -> None:
    source = item(model, input="hi", reasoning={"effort": effort})

    assert dropped(source) == ("reasoning",)
    assert "thinkingConfig" not in config(model, reasoning={"effort": effort})


def test_a_schema_keeps_what_gemini_takes() -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "kind": {"const": "a"},
            "many": {"type": "array", "items": {"type": "string", "minLength": 2}},
            "other": {"$ref": "#/definitions/t", "description": "gone"},
            "either": {"anyOf": [{"type": "string", "pattern": "x"}]},
        },
        "required": ["kind"],
        "additionalProperties": False,
        "definitions": {"t": {"type": "number", "multipleOf": 2, "minimum": 0}},
    }

    assert taken(schema) == {
        "type": "object",
        "properties": {
            "kind": {"enum": ["a"]},
            "many": {"type": "array", "items": {"type": "string"}},
            "other": {"$ref": "#/$defs/t"},
            "either": {"anyOf": [{"type": "string"}]},
        },
        "required": ["kind"],
        "additionalProperties": False,
        "$defs": {"t": {"type": "number", "minimum": 0}},
    }


def test_a_reference_at_the_root_keeps_its_definitions() -> None:
    schema = {"$ref": "#/$defs/t", "$defs": {"t": {"type": "string"}}, "title": "x"}

    assert taken(schema) == {"$ref": "#/$defs/t", "$defs": {"t": {"type": "string"}}}


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({}, "/v1/models/gemini-3.8-flash:generateContent"),
        (
            {"api_version": "v1beta"},
            "/v1beta/models/gemini-3.8-flash:generateContent",
        ),
    ],
    ids=["default", "v1beta"],
)
def test_the_version_of_the_api_is_an_option(
    options: dict[str, str], path: str
) -> None:
    connection = Connection(
        "gemini", "https://g.example", "k", is_sandbox=False, options=options
    )

    assert GeminiDirect().encode(item(input="hi"), connection).url == (
        "https://g.example" + path
    )


def test_texts_to_embed_are_requests_that_each_name_the_model() -> None:
    source = make_item(
        operation="embeddings",
        provider_model="gemini-embedding-001",
        input={"input": ["a", "b"], "dimensions": 8},
    )
    sent = GeminiDirect().encode(source, make_connection("gemini", "https://g.example"))

    assert sent.url == (
        "https://g.example/v1/models/gemini-embedding-001:batchEmbedContents"
    )
    assert orjson.loads(sent.body)["requests"] == [
        {
            "content": {"parts": [{"text": text}], "role": "user"},
            "outputDimensionality": 8,
            "model": "models/gemini-embedding-001",
        }
        for text in ("a", "b")
    ]
