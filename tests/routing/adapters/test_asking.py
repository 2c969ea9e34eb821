"""An item's input as turns of parts, whichever form the customer wrote."""

from typing import Any

import pytest

from routing.adapters.asking import (
    PLAIN,
    Asked,
    CallPart,
    Form,
    ImagePart,
    ResultPart,
    TextPart,
    Tool,
    ToolChoice,
    Turn,
    embedding_texts,
    read,
)
from tests.routing.values import make_item

IMAGE = "data:image/png;base64,AAAA"
HI = Turn("user", (TextPart("hi"),))


def asked(**source: Any) -> Asked:
    return read(make_item(input=source))


def test_plain_text_is_one_turn_of_the_user() -> None:
    assert asked(input="hi") == Asked("", (HI,), PLAIN, (), None, (), None, None, None)


@pytest.mark.parametrize("form", ["input", "messages"])
def test_the_system_is_gathered_from_everywhere(form: str) -> None:
    entries = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "hi"},
        {"role": "system", "content": "In French."},
    ]
    found = asked(instructions="Answer.", **{form: entries})

    assert found.system == "Answer.\n\nBe brief.\n\nIn French."
    assert found.turns == (HI,)


@pytest.mark.parametrize("form", ["input", "messages"])
def test_neighbours_of_one_side_become_one_turn(form: str) -> None:
    entries = [
        {"role": "user", "content": "a"},
        {"role": "user", "content": "b"},
        {"role": "assistant", "content": "c"},
        {"role": "user", "content": "d"},
    ]

    assert asked(**{form: entries}).turns == (
        Turn("user", (TextPart("a"), TextPart("b"))),
        Turn("assistant", (TextPart("c"),)),
        Turn("user", (TextPart("d"),)),
    )


def test_blank_texts_and_empty_turns_are_left_out() -> None:
    entries = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": " \n"},
        {"role": "user", "content": [{"type": "input_text", "text": ""}]},
    ]

    assert asked(input=entries).turns == (HI,)


def test_an_image_is_the_same_in_both_forms() -> None:
    chat = {"type": "image_url", "image_url": {"url": IMAGE, "detail": "low"}}
    responses = {"type": "input_image", "image_url": IMAGE, "detail": "low"}
    found = asked(messages=[{"role": "user", "content": [chat]}])

    assert found == asked(input=[{"role": "user", "content": [responses]}])
    assert found.turns == (Turn("user", (ImagePart(IMAGE, "low"),)),)


def test_a_data_url_falls_into_its_type_and_its_base64() -> None:
    assert ImagePart(IMAGE).inline == ("image/png", "AAAA")
    assert ImagePart("https://a.example/b.png").inline is None


def test_calls_and_their_results_are_the_same_in_both_forms() -> None:
    call = {"id": "c1", "type": "function"}
    call["function"] = {"name": "add", "arguments": '{"a":1}'}  # type: ignore[assignment] # nested on purpose
    chat = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "2"},
    ]
    responses = [
        {"role": "user", "content": "hi"},
        {
            "type": "function_call",
            "call_id": "c1",
            "name": "add",
            "arguments": '{"a":1}',
        },
        {"type": "function_call_output", "call_id": "c1", "output": "2"},
    ]

    assert asked(messages=chat) == asked(input=responses)
    assert asked(messages=chat).turns == (
        HI,
        Turn("assistant", (CallPart("c1", "add", {"a": 1}),)),
        Turn("user", (ResultPart("c1", "add", "2"),)),
    )


def test_arguments_that_are_no_object_are_kept_in_one() -> None:
    entries = [
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "oops"}
    ]
    (turn,) = asked(input=entries).turns

    assert turn.parts == (CallPart("c", "f", {"arguments": "oops"}),)


def test_tools_and_choices_are_the_same_in_both_forms() -> None:
    inner = {"name": "f", "description": "d", "parameters": {"type": "object"}}
    nested = asked(
        messages=[{"role": "user", "content": "hi"}],
        tools=[{"type": "function", "function": inner}],
        tool_choice={"type": "function", "function": {"name": "f"}},
    )
    flat = asked(
        input="hi",
        tools=[{"type": "function", **inner}],
        tool_choice={"type": "function", "name": "f"},
    )

    assert flat == nested
    assert flat.tools == (Tool("f", "d", {"type": "object"}, strict=False),)
    assert flat.tool_choice == ToolChoice("named", "f")


@pytest.mark.parametrize("mode", ["auto", "none", "required"])
def test_a_choice_may_be_a_word(mode: Any) -> None:
    assert asked(input="hi", tool_choice=mode).tool_choice == ToolChoice(mode)


def test_the_form_of_the_answer_is_read() -> None:
    schema = {"type": "object"}
    given = {"type": "json_schema", "name": "n", "schema": schema, "strict": True}

    assert asked(input="hi", text={"format": given}).form == Form(
        "json_schema", "n", schema, strict=True
    )
    loose = asked(input="hi", text={"format": {"type": "json_object"}})
    assert loose.form == Form("json_object")
    assert asked(input="hi", text={"format": {"type": "text"}}).form == PLAIN


def test_limits_and_efforts_are_read() -> None:
    found = asked(
        input="hi",
        stop="END",
        temperature=0.5,
        top_p=0.9,
        reasoning={"effort": "high"},
    )

    assert (found.stop, found.temperature, found.top_p, found.effort) == (
        ("END",),
        0.5,
        0.9,
        "high",
    )
    assert asked(input="hi", stop=["a", "b"]).stop == ("a", "b")


def test_embeddings_are_one_text_or_many() -> None:
    one = make_item(operation="embeddings", input={"input": "a"})
    many = make_item(operation="embeddings", input={"input": ["a", "b"]})

    assert (embedding_texts(one), embedding_texts(many)) == (["a"], ["a", "b"])
