"""Messages and their parts: text in known roles, images by URL."""

import base64
import binascii
import re
from typing import Any
from urllib.parse import urlsplit

import orjson

from batches.manifest.findings import Findings, join

SYSTEM_ROLES = ("system", "developer")
ROLES = (*SYSTEM_ROLES, "user", "assistant", "tool")
DETAILS = ("auto", "low", "high")
URL_LENGTH_MAX = 2048
# What an image may weigh at most, in tokens, by its detail. These are bounds of ours,
# not a provider's page: a ceiling must hold whatever the size of the image, and usage
# settles the rest. High covers 1,536 patches at the factor of 2.46 (3,779) and the
# 4,784 of the largest images that Claude takes; low covers 256 patches at 2.46 (630).
IMAGE_TOKENS = {"low": 640, "auto": 4800, "high": 4800}

_TEXT_PARTS = ("text", "input_text", "output_text")
_PART_FIELDS = {
    **dict.fromkeys(_TEXT_PARTS, ("type", "text")),
    "input_image": ("type", "image_url", "detail"),
    "image_url": ("type", "image_url"),
}
_PARTS_REFUSED = {
    "input_file": "Files of a provider are not taken; put the text into the input.",
    "file": "Files of a provider are not taken; put the text into the input.",
    "input_audio": "Audio is not priced.",
    "audio": "Audio is not priced.",
    "refusal": "Give a refusal of an earlier turn as text.",
}
_MESSAGE_FIELDS = ("type", "role", "content", "tool_calls", "tool_call_id")
_ENTRY_FIELDS = {
    "function_call": ("call_id", "name", "arguments"),
    "function_call_output": ("call_id", "output"),
}
_DATA_URL = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,")
_TOOL_ID_LENGTH_MAX = 128
_UNSEEN = re.compile(r"[\s\x00-\x1f\x7f]")


def check_messages(found: Findings, messages: Any, path: str) -> None:
    """Check a list of messages and gather their texts."""
    if type(messages) is not list:
        found.wrong_type(path, "a list of messages")
        return
    asks = False
    for index, message in enumerate(messages):
        if type(message) is dict:
            role, content = message.get("role"), message.get("content")
            # What has no role is a function's call or result, or refused below.
            asks = asks or role in (None, "user", "tool")
            # Nearly every message: a known role, one text and nothing else.
            if len(message) == 2 and type(content) is str and content.strip():
                if role in ("user", "assistant"):
                    found.texts.append(content)
                    continue
                if role in SYSTEM_ROLES:
                    found.repeated.append(content)
                    continue
        _check_message(found, message, f"{path}[{index}]")
    found.message_count += len(messages)
    if not asks:
        found.refuse(path, "no_user_message", "Give at least one message of the user.")


def _check_message(found: Findings, message: Any, path: str) -> None:
    if type(message) is not dict:
        found.wrong_type(path, "a message with role and content")
        return
    kind = message.get("type", "message")
    if kind != "message":
        _check_entry(found, message, kind, path)
        return
    found.unknown(message, _MESSAGE_FIELDS, path)
    if not found.word(message.get("role"), ROLES, f"{path}.role"):
        return
    role = message["role"]
    _check_tool_fields(found, message, role, path)
    content = message.get("content")
    if content is None and role == "assistant" and "tool_calls" in message:
        return
    _check_content(found, content, role, f"{path}.content")


def _check_content(found: Findings, content: Any, role: str, path: str) -> None:
    if type(content) is not list:
        if found.text(content, path):
            texts = found.repeated if role in SYSTEM_ROLES else found.texts
            texts.append(content)
    elif not content:
        found.refuse(path, "empty", "Give at least one part.")
    else:
        for index, part in enumerate(content):
            _check_part(found, part, role, f"{path}[{index}]")


def _check_part(found: Findings, part: Any, role: str, path: str) -> None:
    kind = part.get("type") if type(part) is dict else None
    if type(kind) is not str:
        found.wrong_type(path, "a part with a type")
    elif kind in _PARTS_REFUSED:
        found.refuse(f"{path}.type", "unsupported_option", _PARTS_REFUSED[kind])
    elif kind not in _PART_FIELDS:
        found.word(kind, tuple(_PART_FIELDS), f"{path}.type")
    elif kind in _TEXT_PARTS:
        found.unknown(part, _PART_FIELDS[kind], path)
        if found.text(part.get("text"), f"{path}.text"):
            found.texts.append(part["text"])
    else:
        _check_image(found, part, role, path)


def _check_image(found: Findings, part: dict[str, Any], role: str, path: str) -> None:
    field = f"{path}.image_url"
    if found.operation != "vision":
        found.refuse(
            field, "operation_mismatch", 'For images say "operation": "vision".'
        )
        return
    if role != "user":
        found.refuse(field, "not_allowed", "Images belong into messages of the user.")
    if "file_id" in part:
        found.refuse(
            f"{path}.file_id",
            "unsupported_option",
            "Files of a provider are not taken; give an https or data URL.",
        )
        return
    found.unknown(part, _PART_FIELDS[part["type"]], path)
    holder: Any = part
    if part["type"] == "image_url":
        holder, path = part.get("image_url"), field
        if type(holder) is not dict:
            found.wrong_type(field, "an object with url")
            return
        found.unknown(holder, ("url", "detail"), field)
        field = f"{field}.url"
    _check_image_url(found, holder.get(field.rpartition(".")[2]), field)
    detail = holder.get("detail", "auto")
    if found.word(detail, DETAILS, f"{path}.detail"):
        found.image_tokens += IMAGE_TOKENS[detail]
    found.image_count += 1


def _check_image_url(found: Findings, url: Any, field: str) -> None:
    if not found.text(url, field):
        return
    inline = _DATA_URL.match(url)
    if inline is not None:
        if not _is_base64(url[inline.end() :]):
            found.refuse(field, "invalid_image", "The image is not valid base64.")
    elif not is_https(url):
        found.refuse(
            field,
            "invalid_url",
            "Give an https URL, or data:image/png, jpeg, gif or webp in base64.",
        )


def _is_base64(text: str) -> bool:
    try:
        return bool(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return False


def is_https(url: str, *, schemes: tuple[str, ...] = ("https",)) -> bool:
    """Tell whether the text is an absolute URL of one of the schemes, with a host."""
    if len(url) > URL_LENGTH_MAX or _UNSEEN.search(url):
        return False
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return parts.scheme in schemes and has_host and "@" not in parts.netloc


def _check_entry(found: Findings, entry: dict[str, Any], kind: Any, path: str) -> None:
    """Check an entry of the Responses form: a call of a function, or its result."""
    fields = _ENTRY_FIELDS.get(kind) if type(kind) is str else None
    if fields is None:
        found.refuse(
            f"{path}.type",
            "unsupported_option",
            "Messages, function_call and function_call_output are taken here.",
        )
        return
    found.unknown(entry, ("type", *fields), path)
    for name in fields:
        if found.text(entry.get(name), f"{path}.{name}"):
            found.texts.append(entry[name])


def _check_tool_fields(
    found: Findings, message: dict[str, Any], role: str, path: str
) -> None:
    if role == "tool":
        found.text(
            message.get("tool_call_id"),
            f"{path}.tool_call_id",
            length_max=_TOOL_ID_LENGTH_MAX,
        )
    elif "tool_call_id" in message:
        found.refuse(
            f"{path}.tool_call_id", "not_allowed", "Only messages of a tool have it."
        )
    if "tool_calls" not in message:
        return
    if role != "assistant":
        found.refuse(
            f"{path}.tool_calls",
            "not_allowed",
            "Only messages of the assistant have it.",
        )
        return
    _check_tool_calls(found, message["tool_calls"], f"{path}.tool_calls")


def _check_tool_calls(found: Findings, calls: Any, path: str) -> None:
    if type(calls) is not list or not calls:
        found.wrong_type(path, "a list of tool calls")
        return
    for index, call in enumerate(calls):
        _check_tool_call(found, call, f"{path}[{index}]")


def _check_tool_call(found: Findings, call: Any, path: str) -> None:
    if type(call) is not dict:
        found.wrong_type(path, "a tool call")
        return
    found.unknown(call, ("id", "type", "function"), path)
    found.text(call.get("id"), f"{path}.id", length_max=_TOOL_ID_LENGTH_MAX)
    found.word(call.get("type"), ("function",), f"{path}.type")
    function = call.get("function")
    if type(function) is not dict:
        found.wrong_type(f"{path}.function", "an object with name and arguments")
        return
    found.unknown(function, ("name", "arguments"), f"{path}.function")
    for name in ("name", "arguments"):
        found.text(function.get(name), join(f"{path}.function", name))
    found.texts.append(orjson.dumps(call).decode())
