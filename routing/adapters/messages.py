"""Translate conversations, tools and formats between the Responses and chat forms.

A customer may write either form; a provider understands one of them. Values that have
another shape than the documented one pass through unchanged: the provider refuses them.
"""

from collections.abc import Iterable, Mapping
from typing import Any

Json = dict[str, Any]


def responses_input(source: Mapping[str, Any]) -> Any:
    """Return the Responses ``input`` of an item in either form, or plain text."""
    if "messages" in source:
        return [
            item for message in source["messages"] for item in _responses_items(message)
        ]
    given = source.get("input")
    if not isinstance(given, list):
        return given
    return [
        _responses_message(entry) if isinstance(entry, dict) else entry
        for entry in given
    ]


def chat_messages(source: Mapping[str, Any]) -> list[Any]:
    """Return chat ``messages`` of an item in either form, or plain text.

    ``developer`` becomes ``system``: compatible servers know only that word.
    """
    messages: list[Any] = []
    if source.get("instructions"):
        messages.append({"role": "system", "content": source["instructions"]})
    if "messages" in source:
        messages += (_chat_message(message) for message in source["messages"])
        return messages
    given = source.get("input")
    if isinstance(given, list):
        for entry in given:
            _append_chat(messages, entry)
    else:
        messages.append({"role": "user", "content": given})
    return messages


def responses_tools(tools: Iterable[Any]) -> list[Any]:
    """Return tools in the flat form of Responses."""
    return [_flat_tool(tool) for tool in tools]


def chat_tools(tools: Iterable[Any]) -> list[Any]:
    """Return tools in the nested form of chat."""
    return [_nested_tool(tool) for tool in tools]


def responses_tool_choice(choice: Any) -> Any:
    """Return a tool choice in the flat form of Responses."""
    if isinstance(choice, dict) and isinstance(choice.get("function"), dict):
        return {"type": "function", "name": choice["function"].get("name")}
    return choice


def chat_tool_choice(choice: Any) -> Any:
    """Return a tool choice in the nested form of chat."""
    if isinstance(choice, dict) and "name" in choice:
        return {"type": "function", "function": {"name": choice["name"]}}
    return choice


def chat_response_format(text: Any) -> Json | None:
    """Return chat's ``response_format`` for a Responses ``text`` object.

    None stands for plain text, which is chat's default.
    """
    wanted = text.get("format") if isinstance(text, dict) else None
    if not isinstance(wanted, dict) or wanted.get("type") == "text":
        return None
    if wanted.get("type") != "json_schema":
        return wanted
    inner = {key: value for key, value in wanted.items() if key != "type"}
    return {"type": "json_schema", "json_schema": inner}


def _responses_items(message: Any) -> list[Any]:
    """Turn one chat message into the one or more items that Responses has for it."""
    if not isinstance(message, dict):
        return [message]
    if message.get("role") == "tool":
        return [
            {
                "type": "function_call_output",
                "call_id": message.get("tool_call_id"),
                "output": _plain_text(message.get("content")),
            }
        ]
    items: list[Any] = []
    if message.get("content"):
        items.append(_responses_message(message))
    for call in message.get("tool_calls") or ():
        function = call.get("function", {})
        items.append(
            {
                "type": "function_call",
                "call_id": call.get("id"),
                "name": function.get("name"),
                "arguments": function.get("arguments"),
            }
        )
    return items


def _responses_message(message: Json) -> Json:
    content = message.get("content")
    if message.keys() == {"role", "content"} and isinstance(content, str):
        return message
    if "role" not in message:
        return message
    if isinstance(content, list):
        is_answer = message["role"] == "assistant"
        content = [_responses_part(part, is_answer=is_answer) for part in content]
    return {"role": message["role"], "content": content}


def _responses_part(part: Any, *, is_answer: bool) -> Any:
    if not isinstance(part, dict):
        return part
    if part.get("type") == "text":
        kind = "output_text" if is_answer else "input_text"
        return {"type": kind, "text": part.get("text")}
    if part.get("type") == "image_url" and isinstance(part.get("image_url"), dict):
        image = part["image_url"]
        found = {"type": "input_image", "image_url": image.get("url")}
        return found | {"detail": image["detail"]} if "detail" in image else found
    return part


def _append_chat(messages: list[Any], entry: Any) -> None:
    """Add one Responses item; calls of one turn share an assistant message."""
    if not isinstance(entry, dict):
        messages.append(entry)
    elif entry.get("type") == "function_call":
        call = {
            "id": entry.get("call_id"),
            "type": "function",
            "function": {
                "name": entry.get("name"),
                "arguments": entry.get("arguments"),
            },
        }
        if messages and messages[-1].get("role") == "assistant":
            last = messages[-1]
            messages[-1] = {**last, "tool_calls": [*last.get("tool_calls", ()), call]}
        else:
            messages.append(
                {"role": "assistant", "content": None, "tool_calls": [call]}
            )
    elif entry.get("type") == "function_call_output":
        messages.append(
            {
                "role": "tool",
                "tool_call_id": entry.get("call_id"),
                "content": entry.get("output"),
            }
        )
    else:
        messages.append(_chat_message(entry))


def _chat_message(message: Any) -> Any:
    if not isinstance(message, dict):
        return message
    found = {key: value for key, value in message.items() if key != "type"}
    if found.get("role") == "developer":
        found["role"] = "system"
    content = found.get("content")
    if isinstance(content, list):
        parts = [_chat_part(part) for part in content]
        only = parts[0] if len(parts) == 1 else None
        # Older servers take only text here; one text part means the same.
        is_text = isinstance(only, dict) and only.get("type") == "text"
        found["content"] = only["text"] if is_text and only else parts
    return found


def _chat_part(part: Any) -> Any:
    if not isinstance(part, dict):
        return part
    if part.get("type") in {"input_text", "output_text"}:
        return {"type": "text", "text": part.get("text")}
    if part.get("type") == "input_image":
        image = {"url": part.get("image_url")}
        if "detail" in part:
            image["detail"] = part["detail"]
        return {"type": "image_url", "image_url": image}
    return part


def _plain_text(content: Any) -> Any:
    if not isinstance(content, list):
        return content
    texts = [part.get("text", "") for part in content if isinstance(part, dict)]
    return "".join(text for text in texts if isinstance(text, str))


def _flat_tool(tool: Any) -> Any:
    if not isinstance(tool, dict) or not isinstance(tool.get("function"), dict):
        return tool
    # Responses takes a missing ``strict`` for true, chat for false.
    return {"type": "function", "strict": False, **tool["function"]}


def _nested_tool(tool: Any) -> Any:
    if not isinstance(tool, dict) or "function" in tool or "name" not in tool:
        return tool
    inner = {key: value for key, value in tool.items() if key != "type"}
    return {"type": "function", "function": inner}
