"""An item's ``input``: the Responses form, the chat form or plain text."""

from collections.abc import Callable, Mapping
from typing import Any

from batches.manifest import options
from batches.manifest.findings import Findings
from batches.manifest.messages import check_messages

EMBEDDING_INPUTS_MAX = 256

Check = Callable[[Findings, Any], None]


def check_input(found: Findings, value: Any) -> None:
    """Check an input against its operation's allow-list."""
    if type(value) is str:
        if found.text(value, "input"):
            found.texts.append(value)
        found.message_count += 1
        return
    if type(value) is not dict:
        found.wrong_type("input", "text, or an object with input or messages")
        return
    fields = _FIELDS[found.operation]
    for name, inner in value.items():
        check = fields.get(name)
        if check is None:
            _refuse(found, name)
        else:
            check(found, inner)
    _check_whole(found, value)


def input_object(value: Any) -> Mapping[str, Any]:
    """Return an accepted ``input`` as an object: plain text becomes its ``input``."""
    return {"input": value} if isinstance(value, str) else value


def _refuse(found: Findings, name: str) -> None:
    shown = name[:64]
    reason = options.UNSUPPORTED.get(name)
    if reason is not None:
        found.refuse(f"input.{name}", "unsupported_option", f"{name}: {reason}")
    elif any(name in fields for fields in _FIELDS.values()):
        found.refuse(
            f"input.{name}",
            "unsupported_option",
            f"{name} has no meaning for the operation {found.operation}.",
        )
    else:
        found.refuse(
            f"input.{shown}", "unknown_field", f"There is no field {shown!r} here."
        )


def _check_whole(found: Findings, value: dict[str, Any]) -> None:
    has_input, has_messages = "input" in value, "messages" in value
    if has_input and has_messages:
        found.refuse("input", "ambiguous", "Give either input or messages, not both.")
    elif not has_input and not has_messages:
        found.refuse(
            "input.input",
            "required",
            "Give input."
            if found.operation == "embeddings"
            else "Give input or messages.",
        )
    if "tool_choice" in value:
        _check_choice(found, value["tool_choice"], value.get("tools"))


def _check_choice(found: Findings, choice: Any, tools: Any) -> None:
    if type(tools) is not list:
        found.refuse("input.tool_choice", "not_allowed", "It needs tools beside it.")
    elif type(choice) is dict and not any(
        options.function_name(tool) == options.function_name(choice) for tool in tools
    ):
        found.refuse("input.tool_choice.name", "not_allowed", "No tool has this name.")


def _check_messages_or_text(found: Findings, value: Any) -> None:
    if type(value) is str:
        if found.text(value, "input.input"):
            found.texts.append(value)
        found.message_count += 1
    else:
        check_messages(found, value, "input.input")


def _check_chat(found: Findings, value: Any) -> None:
    check_messages(found, value, "input.messages")


def _check_embedding_texts(found: Findings, value: Any) -> None:
    if type(value) is not list:
        if found.text(value, "input.input"):
            found.texts.append(value)
        return
    if not 1 <= len(value) <= EMBEDDING_INPUTS_MAX:
        found.refuse(
            "input.input", "too_many", f"Give 1 to {EMBEDDING_INPUTS_MAX} texts."
        )
        return
    for index, text in enumerate(value):
        if found.text(text, f"input.input[{index}]"):
            found.texts.append(text)


_GENERATION: dict[str, Check] = {
    "input": _check_messages_or_text,
    "messages": _check_chat,
    "instructions": options.check_instructions,
    "max_output_tokens": options.check_max_output_tokens,
    "temperature": options.check_temperature,
    "top_p": options.check_top_p,
    "stop": options.check_stop,
    "text": options.check_text,
    "reasoning": options.check_reasoning,
    "tools": options.check_tools,
    "tool_choice": options.check_tool_choice,
}
_FIELDS: dict[str, dict[str, Check]] = {
    "responses": _GENERATION,
    "vision": _GENERATION,
    "embeddings": {
        "input": _check_embedding_texts,
        "dimensions": options.check_dimensions,
    },
}
