import base64
import json
import math
import struct
from collections.abc import Mapping
from typing import Any

import httpx2 as httpx
import openai
import pytest
from openai import OpenAI
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage

from tests.simulator.conftest import strict_client
from tests.support.simulator import SimulatorProcess

STORY = (
    "The council approved the new harbour bridge on Monday. "
    "The bridge will cost forty million and replace the old harbour ferry. "
    "Some shops sold ice cream. "
    "Engineers say the harbour bridge opens in three years. "
    "A dog slept."
)
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["email", "total", "due_date", "status", "tags"],
    "properties": {
        "email": {"type": "string"},
        "total": {"type": "number", "minimum": 0},
        "due_date": {"type": "string"},
        "status": {"type": "string", "enum": ["paid", "unpaid"]},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
    },
}
INVOICE = "Write to jane@example.com: $1,250.50 is unpaid and due 2026-12-01."


def similarity(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_a_summary_uses_sentences_of_the_text(client: OpenAI) -> None:
    answer = client.responses.create(
        model="gpt-5.4", input=f"Summarize in two sentences:\n{STORY}"
    )

    assert answer.status == "completed"
    assert "harbour bridge" in answer.output_text
    assert all(part in STORY for part in answer.output_text.split(". "))


def test_equal_inputs_get_equal_answers(client: OpenAI) -> None:
    one, two = (
        client.responses.create(model="gpt-5.4", input=STORY).output_text
        for _ in range(2)
    )

    assert one == two


def test_five_bullets_are_five_lines(client: OpenAI) -> None:
    answer = client.responses.create(
        model="gpt-5.4", instructions="Summarise in five bullets.", input=STORY
    )

    assert [line[:2] for line in answer.output_text.splitlines()] == ["- "] * 5


def test_a_label_is_chosen_by_keywords(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model="gpt-5.4",
        messages=[
            {"role": "system", "content": "Classify as billing, technical or other."},
            {"role": "user", "content": "My card was charged twice, refund please"},
        ],
    )

    assert answer.choices[0].message.content == "billing"


def test_a_schema_is_filled_from_the_text(client: OpenAI) -> None:
    answer = client.responses.create(
        model="gpt-5.4",
        input=INVOICE,
        text={
            "format": {
                "type": "json_schema",
                "name": "invoice",
                "schema": SCHEMA,
                "strict": True,
            }
        },
    )
    found = json.loads(answer.output_text)

    assert {key: found[key] for key in ("email", "total", "due_date", "status")} == {
        "email": "jane@example.com",
        "total": 1250.5,
        "due_date": "2026-12-01",
        "status": "unpaid",
    }
    assert len(found["tags"]) == 2


def test_chat_follows_a_schema_too(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model="gpt-5.4",
        messages=[{"role": "user", "content": INVOICE}],
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "invoice", "schema": SCHEMA, "strict": True},
        },
    )

    assert set(json.loads(answer.choices[0].message.content or "")) == set(
        SCHEMA["required"]
    )


def test_a_loose_strict_schema_is_refused(client: OpenAI) -> None:
    loose = {**SCHEMA, "required": ["email"]}
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(
            model="gpt-5.4",
            input=INVOICE,
            text={
                "format": {
                    "type": "json_schema",
                    "name": "invoice",
                    "schema": loose,
                    "strict": True,
                }
            },
        )

    assert refused.value.code == "invalid_json_schema"


def test_an_answer_cut_at_the_limit_is_incomplete(client: OpenAI) -> None:
    answer = client.responses.create(model="gpt-5.4", input=STORY, max_output_tokens=16)

    assert answer.status == "incomplete"
    assert answer.incomplete_details is not None
    assert answer.incomplete_details.reason == "max_output_tokens"
    assert answer.usage is not None
    assert answer.usage.output_tokens == 16


def test_chat_says_length_at_the_limit(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model="gpt-5.4",
        messages=[{"role": "user", "content": STORY}],
        max_completion_tokens=5,
    )

    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 5


def test_reasoning_is_part_of_the_output_tokens(client: OpenAI) -> None:
    answer = client.responses.create(
        model="gpt-5.4",
        input=STORY,
        reasoning={"effort": "high"},
        max_output_tokens=40,
    )

    assert answer.usage is not None
    assert answer.usage.output_tokens_details.reasoning_tokens == 20
    assert answer.usage.output_tokens == 40


def test_chat_stops_before_a_stop_sequence(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model="gpt-5.4",
        messages=[{"role": "user", "content": STORY}],
        stop=["bridge"],
    )

    assert "bridge" not in (answer.choices[0].message.content or "")
    assert answer.choices[0].finish_reason == "stop"


def test_a_required_tool_is_called_with_fitting_arguments(client: OpenAI) -> None:
    answer = client.responses.create(
        model="gpt-5.4",
        input=INVOICE,
        tool_choice="required",
        tools=[
            {
                "type": "function",
                "name": "file_invoice",
                "parameters": SCHEMA,
                "strict": True,
            }
        ],
    )
    [call] = answer.output

    assert isinstance(call, ResponseFunctionToolCall)
    assert call.name == "file_invoice"
    assert json.loads(call.arguments)["email"] == "jane@example.com"


def test_chat_calls_a_required_tool(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model="gpt-5.4",
        messages=[{"role": "user", "content": INVOICE}],
        tool_choice="required",
        tools=[{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}],
    )

    assert answer.choices[0].finish_reason == "tool_calls"
    [call] = answer.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert call.function.name == "f"


def test_an_image_gets_a_steady_caption(client: OpenAI) -> None:
    image = "data:image/png;base64," + base64.b64encode(b"pixels" * 20).decode()
    one, two = (
        client.responses.create(
            model="gpt-5.4",
            input=[
                {
                    "role": "user",
                    "content": [
                        {"type": "input_text", "text": "What is this?"},
                        {"type": "input_image", "image_url": image, "detail": "low"},
                    ],
                }
            ],
        )
        for _ in range(2)
    )

    assert one.output_text == two.output_text
    assert "The image shows" in one.output_text
    assert isinstance(one.output[0], ResponseOutputMessage)
    assert one.usage is not None
    assert one.usage.input_tokens > 70


def test_vectors_are_unit_length_and_near_for_near_texts(client: OpenAI) -> None:
    made = client.embeddings.create(
        model="text-embedding-3-small",
        input=["cats chase mice", "mice fear cats", "bond yields rose"],
        encoding_format="float",
    )
    cats, mice, bonds = (entry.embedding for entry in made.data)

    assert len(cats) == 1536
    assert math.isclose(similarity(cats, cats), 1.0, abs_tol=1e-4)
    assert similarity(cats, mice) > similarity(cats, bonds) + 0.2


def test_base64_holds_the_same_numbers(
    simulator: SimulatorProcess, client: OpenAI
) -> None:
    body = {"model": "text-embedding-3-small", "input": "one text", "dimensions": 8}
    plain = client.embeddings.create(
        model="text-embedding-3-small",
        input="one text",
        dimensions=8,
        encoding_format="float",
    )
    coded = httpx.post(
        simulator.url + "/v1/embeddings", json={**body, "encoding_format": "base64"}
    )
    raw = base64.b64decode(coded.json()["data"][0]["embedding"])

    assert list(struct.unpack("<8f", raw)) == pytest.approx(plain.data[0].embedding)


def test_models_are_listed_and_found(client: OpenAI) -> None:
    names = [model.id for model in client.models.list().data]

    assert "gpt-5.4" in names
    assert client.models.retrieve("openai/gpt-oss-120b").id == "openai/gpt-oss-120b"


@pytest.mark.parametrize(
    "provider",
    ["fireworks", "deepseek", "mistral", "openrouter", "openai"],
)
def test_every_prefix_answers_chat(simulator: SimulatorProcess, provider: str) -> None:
    with strict_client(f"{simulator.url}/{provider}/v1") as client:
        client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "hello"}]
        )

    assert [call["provider"] for call in simulator.stats()["calls"]] == [provider]


@pytest.mark.parametrize(
    ("path", "body", "param", "code"),
    [
        ("responses", {"input": "x"}, "model", "missing_required_parameter"),
        ("responses", {"model": "m"}, "input", "missing_required_parameter"),
        ("responses", {"model": 3, "input": "x"}, "model", "invalid_type"),
        (
            "responses",
            {"model": "m", "input": "x", "max_output_tokens": 15},
            "max_output_tokens",
            "integer_below_min_value",
        ),
        (
            "responses",
            {"model": "m", "input": "x", "seed": 1},
            "seed",
            "unknown_parameter",
        ),
        (
            "responses",
            {"model": "m", "input": "x", "temperature": "hot"},
            "temperature",
            "invalid_type",
        ),
        ("chat/completions", {"model": "m"}, "messages", "missing_required_parameter"),
        (
            "chat/completions",
            {"model": "m", "messages": [{"role": "boss", "content": "x"}]},
            "messages[0].role",
            "invalid_value",
        ),
        (
            "chat/completions",
            {"model": "m", "messages": [{"role": "user", "content": "x"}], "n": 2},
            "n",
            "unsupported_value",
        ),
        ("embeddings", {"model": "m", "input": []}, "input", "invalid_value"),
        (
            "embeddings",
            {"model": "m", "input": "x", "metadata": {}},
            "metadata",
            "unknown_parameter",
        ),
    ],
)
def test_a_wrong_body_is_refused_with_its_parameter(
    simulator: SimulatorProcess,
    path: str,
    body: Mapping[str, Any],
    param: str,
    code: str,
) -> None:
    answer = httpx.post(f"{simulator.url}/v1/{path}", json=body)
    error = answer.json()["error"]

    assert answer.status_code == 400
    assert (error["param"], error["code"]) == (param, code)
    assert simulator.stats()["accepted_total"] == 0


def test_an_unknown_path_answers_in_the_error_shape(
    simulator: SimulatorProcess,
) -> None:
    answer = httpx.get(simulator.url + "/v1/nothing")

    assert answer.status_code == 404
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert answer.headers["x-request-id"].startswith("req_")


def test_a_missing_model_is_not_found(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        client.responses.create(model="missing-model", input="x")

    assert refused.value.code == "model_not_found"


def test_a_wrong_key_is_refused_when_a_key_is_set() -> None:
    with (
        SimulatorProcess(api_key="right") as process,
        strict_client(process.url + "/v1") as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.models.list()
