"""An item's input: its forms, messages, parts and images."""

from typing import Any

import pytest

from batches.manifest.items import check_item
from tests.batches.manifest.helpers import (
    PIXEL,
    asking,
    chat,
    facts,
    item,
    problems,
    vision,
)

USER = {"role": "user", "content": "Hi."}
CALL = {
    "id": "c1",
    "type": "function",
    "function": {"name": "look", "arguments": "{}"},
}


def image(url: Any, **fields: Any) -> dict[str, Any]:
    return {"type": "input_image", "image_url": url, **fields}


def test_counts_system_texts_as_repeated() -> None:
    found = facts(chat({"role": "system", "content": "Be brief."}, USER))

    assert found.repeated_texts == ("Be brief.",)
    assert found.texts == ("Hi.",)
    assert found.message_count == 2


def test_counts_instructions_as_a_repeated_message() -> None:
    found = facts(asking(instructions="Be brief."))

    assert found.repeated_texts == ("Be brief.",)
    assert found.message_count == 2


def test_takes_parts_of_either_form() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "input_text", "text": "b"}]

    assert facts(chat({"role": "user", "content": parts})).texts == ("a", "b")


def test_takes_tool_calls_and_their_results_in_the_chat_form() -> None:
    found = facts(
        chat(
            USER,
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "c1", "content": "42"},
        )
    )

    assert found.message_count == 3
    assert found.texts[0] == "Hi."
    assert found.texts[2] == "42"


def test_takes_tool_calls_and_their_results_in_the_responses_form() -> None:
    entries = [
        {"type": "message", "role": "user", "content": "Hi."},
        {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "1", "output": "42"},
    ]

    assert facts(item(input={"input": entries})).message_count == 3


@pytest.mark.parametrize(
    ("message", "field", "code"),
    [
        ("Hi.", "", "wrong_type"),
        ({"role": "user"}, ".content", "wrong_type"),
        ({"role": "user", "content": ""}, ".content", "empty"),
        ({"role": "user", "content": []}, ".content", "empty"),
        ({"role": "user", "content": 1}, ".content", "wrong_type"),
        ({"role": "user", "content": ["a"]}, ".content[0]", "wrong_type"),
        (USER | {"name": "Bob"}, ".name", "unknown_field"),
        ({"role": "robot", "content": "a"}, ".role", "not_allowed"),
        ({"role": ["user"], "content": "a"}, ".role", "not_allowed"),
        ({"content": "a"}, ".role", "not_allowed"),
        (USER | {"tool_call_id": "c"}, ".tool_call_id", "not_allowed"),
        (USER | {"tool_calls": [CALL]}, ".tool_calls", "not_allowed"),
        ({"role": "tool", "content": "a"}, ".tool_call_id", "wrong_type"),
        ({"role": "assistant", "tool_calls": []}, ".tool_calls", "wrong_type"),
        ({"type": "item_reference", "id": "x"}, ".type", "unsupported_option"),
        ({"type": ["x"]}, ".type", "unsupported_option"),
        (
            {"role": "user", "content": [{"type": "input_file", "file_id": "f"}]},
            ".content[0].type",
            "unsupported_option",
        ),
        (
            {"role": "user", "content": [{"type": "input_audio"}]},
            ".content[0].type",
            "unsupported_option",
        ),
        (
            {"role": "user", "content": [{"type": "video"}]},
            ".content[0].type",
            "not_allowed",
        ),
        (
            {"role": "user", "content": [{"type": "text", "text": "a", "x": 1}]},
            ".content[0].x",
            "unknown_field",
        ),
    ],
)
def test_names_the_place_inside_the_messages(
    message: Any, field: str, code: str
) -> None:
    assert problems(chat(USER, message)) == [(f"input.messages[1]{field}", code)]


def test_refuses_messages_without_a_word_of_the_user() -> None:
    system = chat({"role": "system", "content": "Be brief."})

    assert problems(system) == [("input.messages", "no_user_message")]


def test_refuses_both_input_and_messages() -> None:
    both = asking(messages=[USER])

    assert problems(both) == [("input", "ambiguous")]


def test_bounds_images_by_their_detail() -> None:
    found = facts(
        vision(
            image("https://example.com/a.png"),
            image(PIXEL, detail="low"),
            {"type": "image_url", "image_url": {"url": PIXEL, "detail": "high"}},
        )
    )

    assert found.needs_vision is True
    assert found.image_tokens == 4800 + 640 + 4800


@pytest.mark.parametrize(
    ("part", "field", "code"),
    [
        (image("http://example.com/a.png"), "image_url", "invalid_url"),
        (image("https://"), "image_url", "invalid_url"),
        (image("https://u:p@example.com/"), "image_url", "invalid_url"),
        (image("https://exa mple.com/"), "image_url", "invalid_url"),
        (image("https://[::1"), "image_url", "invalid_url"),
        (image("file:///etc/passwd"), "image_url", "invalid_url"),
        (image("data:image/svg+xml;base64,AAAA"), "image_url", "invalid_url"),
        (image("data:image/png;base64,"), "image_url", "invalid_image"),
        (image("data:image/png;base64,!!!!"), "image_url", "invalid_image"),
        (image("data:image/png;base64,ä"), "image_url", "invalid_image"),
        (image(None), "image_url", "wrong_type"),
        (image(PIXEL, detail="huge"), "detail", "not_allowed"),
        (image(PIXEL, x=1), "x", "unknown_field"),
        ({"type": "input_image", "file_id": "f"}, "file_id", "unsupported_option"),
        ({"type": "image_url", "image_url": PIXEL}, "image_url", "wrong_type"),
        ({"type": "image_url", "image_url": {}}, "image_url.url", "wrong_type"),
    ],
)
def test_names_what_is_wrong_with_an_image(part: Any, field: str, code: str) -> None:
    place = f"input.input[0].content[0].{field}"

    assert problems(vision(part))[0] == (place, code)


def test_tells_an_image_in_responses_to_use_vision() -> None:
    message = {"role": "user", "content": [image(PIXEL)]}
    result = check_item(chat(message))

    assert isinstance(result, list)
    assert [problem._asdict() for problem in result] == [
        {
            "field": "input.messages[0].content[0].image_url",
            "code": "operation_mismatch",
            "message": 'For images say "operation": "vision".',
        }
    ]


def test_refuses_vision_without_an_image() -> None:
    assert problems(item(operation="vision")) == [("input", "image_required")]


def test_takes_up_to_256_texts_to_embed() -> None:
    found = facts(item(operation="embeddings", input={"input": ["a"] * 256}))

    assert len(found.texts) == 256
    assert found.message_count == 0


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"input": ["a"] * 257}, "input.input", "too_many"),
        ({"input": []}, "input.input", "too_many"),
        ({"input": ["a", ""]}, "input.input[1]", "empty"),
        ({"input": ["a", 5]}, "input.input[1]", "wrong_type"),
        ({"input": "a", "dimensions": 0}, "input.dimensions", "out_of_range"),
        ({"input": "a", "dimensions": 1.0}, "input.dimensions", "wrong_type"),
        ({"input": "a", "temperature": 1}, "input.temperature", "unsupported_option"),
        ({"messages": []}, "input.messages", "unsupported_option"),
        (
            {"input": "a", "encoding_format": "base64"},
            "input.encoding_format",
            "unsupported_option",
        ),
    ],
)
def test_names_what_is_wrong_with_an_embedding(
    body: dict[str, Any], field: str, code: str
) -> None:
    assert problems(item(operation="embeddings", input=body))[0] == (field, code)
