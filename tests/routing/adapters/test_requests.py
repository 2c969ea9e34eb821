from typing import Any

import orjson
import pytest

from routing.adapters.registry import direct_adapter, job_adapter
from routing.contracts import ItemRequest
from tests.routing.values import make_connection, make_item

IMAGE = "data:image/png;base64,AAAA"
SCHEMA = {"type": "object", "properties": {}, "additionalProperties": False}


def responses_body(item: ItemRequest) -> Any:
    sent = direct_adapter("openai").encode(item, make_connection())
    assert sent.url == "https://openai.example/v1/responses"
    return orjson.loads(sent.body)


def chat_body(item: ItemRequest, provider: str = "together") -> Any:
    sent = direct_adapter("openai_compatible").encode(item, make_connection(provider))
    assert sent.url == f"https://{provider}.example/v1/chat/completions"
    return orjson.loads(sent.body)


def of_input(**source: Any) -> ItemRequest:
    return make_item(input=source)


def test_plain_text_for_responses() -> None:
    assert responses_body(of_input(input="hi")) == {
        "model": "gpt-5.4-mini",
        "input": "hi",
        "store": False,
        "max_output_tokens": 64,
        "metadata": {"client_ref": "r_1"},
    }


def test_plain_text_for_chat() -> None:
    assert chat_body(of_input(input="hi")) == {
        "model": "gpt-5.4-mini",
        "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": 64,
    }


def test_responses_form_goes_to_responses_as_it_is() -> None:
    messages = [
        {"role": "developer", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "What is this?"},
                {"type": "input_image", "image_url": IMAGE, "detail": "low"},
            ],
        },
        {"role": "assistant", "content": [{"type": "output_text", "text": "A cat."}]},
    ]
    body = responses_body(of_input(input=messages, instructions="French."))

    assert body["input"] == messages
    assert body["instructions"] == "French."


def test_responses_form_becomes_chat() -> None:
    item = of_input(
        instructions="French.",
        input=[
            {"role": "developer", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "What is this?"},
                    {"type": "input_image", "image_url": IMAGE, "detail": "low"},
                ],
            },
            {"role": "assistant", "content": [{"type": "output_text", "text": "Cat."}]},
        ],
    )
    assert chat_body(item)["messages"] == [
        {"role": "system", "content": "French."},
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": IMAGE, "detail": "low"}},
            ],
        },
        {"role": "assistant", "content": "Cat."},
    ]


CHAT_TURNS = [
    {"role": "system", "content": "Use the tool."},
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "Weather?"},
            {"type": "image_url", "image_url": {"url": IMAGE}},
        ],
    },
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "weather", "arguments": '{"city":"Rome"}'},
            }
        ],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
    {"role": "assistant", "content": "It is sunny.", "name": "bot"},
]
RESPONSES_TURNS = [
    {"role": "system", "content": "Use the tool."},
    {
        "role": "user",
        "content": [
            {"type": "input_text", "text": "Weather?"},
            {"type": "input_image", "image_url": IMAGE},
        ],
    },
    {
        "type": "function_call",
        "call_id": "call_1",
        "name": "weather",
        "arguments": '{"city":"Rome"}',
    },
    {"type": "function_call_output", "call_id": "call_1", "output": "sunny"},
    {"role": "assistant", "content": "It is sunny."},
]


def test_chat_form_becomes_responses() -> None:
    assert responses_body(of_input(messages=CHAT_TURNS))["input"] == RESPONSES_TURNS


def test_chat_form_goes_to_chat_as_it_is() -> None:
    assert chat_body(of_input(messages=CHAT_TURNS))["messages"] == CHAT_TURNS


def test_tool_turns_of_responses_become_chat() -> None:
    turns = chat_body(of_input(input=RESPONSES_TURNS))["messages"]

    assert turns[2:4] == CHAT_TURNS[2:4]


def test_calls_of_one_turn_share_an_assistant_message() -> None:
    call = {"type": "function_call", "name": "f", "arguments": "{}"}
    item = of_input(input=[{**call, "call_id": "a"}, {**call, "call_id": "b"}])
    turns = chat_body(item)["messages"]

    assert len(turns) == 1
    assert [call["id"] for call in turns[0]["tool_calls"]] == ["a", "b"]


FLAT_TOOL = {"type": "function", "name": "f", "parameters": SCHEMA, "strict": False}
NESTED_TOOL = {
    "type": "function",
    "function": {"name": "f", "parameters": SCHEMA, "strict": False},
}


@pytest.mark.parametrize("tool", [FLAT_TOOL, NESTED_TOOL])
def test_tools_of_either_form_reach_both(tool: dict[str, Any]) -> None:
    choice = {"type": "function", "name": "f"}
    item = of_input(input="hi", tools=[tool], tool_choice=choice)

    assert responses_body(item)["tools"] == [FLAT_TOOL]
    assert responses_body(item)["tool_choice"] == choice
    assert chat_body(item)["tools"] == [NESTED_TOOL]
    assert chat_body(item)["tool_choice"] == {
        "type": "function",
        "function": {"name": "f"},
    }


def test_a_chat_tool_stays_loose_under_responses() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": SCHEMA}}
    body = responses_body(of_input(input="hi", tools=[tool]))

    assert body["tools"] == [FLAT_TOOL]


def test_a_schema_is_asked_for_in_each_form() -> None:
    text = {
        "format": {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True}
    }
    item = of_input(input="hi", text=text)

    assert responses_body(item)["text"] == text
    assert chat_body(item)["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "n", "schema": SCHEMA, "strict": True},
    }


def test_plain_text_format_is_chats_default() -> None:
    item = of_input(input="hi", text={"format": {"type": "text"}})

    assert "response_format" not in chat_body(item)


def test_reasoning_effort_in_each_form() -> None:
    item = of_input(input="hi", reasoning={"effort": "low", "summary": "auto"})
    chat = direct_adapter("openai_compatible")

    assert responses_body(item)["reasoning"] == {"effort": "low", "summary": "auto"}
    assert chat_body(item)["reasoning_effort"] == "low"
    assert chat.dropped_fields(item, make_connection()) == ("reasoning.summary",)


def test_sampling_is_passed_on() -> None:
    item = of_input(input="hi", temperature=0, top_p=0.9)
    for body in (responses_body(item), chat_body(item)):
        assert (body["temperature"], body["top_p"]) == (0, 0.9)


def test_stop_is_known_to_chat_only_and_its_loss_is_named() -> None:
    item = of_input(input="hi", stop=["END"])

    assert chat_body(item)["stop"] == ["END"]
    assert "stop" not in responses_body(item)
    assert direct_adapter("openai").dropped_fields(item, make_connection()) == ("stop",)
    assert (
        direct_adapter("openai_compatible").dropped_fields(item, make_connection())
        == ()
    )


def test_groq_has_its_own_word_for_the_cap() -> None:
    assert chat_body(of_input(input="hi"), "groq")["max_completion_tokens"] == 64


@pytest.mark.parametrize(
    ("adapter", "provider", "word"),
    [
        ("openai", "openai", "dimensions"),
        ("openai_compatible", "together", "dimensions"),
        ("openai_compatible", "mistral", "output_dimension"),
    ],
)
def test_embeddings(adapter: str, provider: str, word: str) -> None:
    item = make_item(
        operation="embeddings",
        provider_model="text-embedding-3-small",
        input={"input": ["a", "b"], "dimensions": 8},
        max_output_tokens=None,
    )
    sent = direct_adapter(adapter).encode(item, make_connection(provider))

    assert sent.url == f"https://{provider}.example/v1/embeddings"
    assert orjson.loads(sent.body) == {
        "model": "text-embedding-3-small",
        "input": ["a", "b"],
        word: 8,
    }


def test_a_batch_line_is_addressed_as_documented() -> None:
    line = orjson.loads(
        job_adapter("openai").encode_line(of_input(input="hi"), make_connection())
    )

    assert line == {
        "custom_id": "r_1",
        "method": "POST",
        "url": "/v1/responses",
        "body": {
            "model": "gpt-5.4-mini",
            "input": "hi",
            "store": False,
            "max_output_tokens": 64,
        },
    }
