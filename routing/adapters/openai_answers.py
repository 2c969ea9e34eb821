"""Read replies in OpenAI's wire forms: Responses, chat completions and embeddings."""

import base64
import binascii
import struct
from typing import Any, Final

import orjson

from routing.adapters.replies import (
    BadShape,
    Json,
    answered,
    detail,
    failed,
    malformed,
    text_of,
    tool_call,
    usage_of,
    vector,
)
from routing.contracts import Answer, Output, Usage

_CHAT_FINISH: Final = {
    "stop": "stop",
    "eos": "stop",
    "length": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
_CHAT_ERRORS: Final = frozenset({"error", "insufficient_system_resource"})


def read_value(value: Json) -> Answer:
    """Read the body of one result line, whichever of the three forms it has."""
    try:
        raw: bytes | None = orjson.dumps(value)
    except orjson.JSONEncodeError:
        raw = None
    if "choices" in value:
        return read_chat(value, raw)
    if "output" in value:
        return read_response(value, raw)
    return read_embeddings(value, raw)


def read_response(value: Json, raw: bytes | None) -> Answer:
    """Read a ``/responses`` object."""
    status = value.get("status")
    if status == "failed":
        return failed(value, raw)
    if status not in ("completed", "incomplete", None):
        return malformed(200, raw)
    try:
        texts, refusals, calls = _output_items(value.get("output"))
    except BadShape:
        return malformed(200, raw)
    output = Output(
        text="".join(texts) if texts else None,
        finish_reason=_response_finish(value, refusals, calls),
        tool_calls=calls or None,
        refusal="".join(refusals) if refusals else None,
    )
    return answered(value, output, response_usage(value.get("usage")), raw)


def read_chat(value: Json, raw: bytes | None) -> Answer:
    """Read a ``/chat/completions`` object."""
    choices = value.get("choices")
    if not isinstance(choices, list) or not choices:
        return failed(value, raw) if value.get("error") else malformed(200, raw)
    choice = choices[0]
    finish = choice.get("finish_reason") if isinstance(choice, dict) else None
    if isinstance(finish, str) and finish in _CHAT_ERRORS:
        return failed(choice if choice.get("error") else value, raw)
    try:
        output = _chat_output(choice, finish)
    except BadShape:
        return malformed(200, raw)
    return answered(value, output, chat_usage(value.get("usage")), raw)


def read_embeddings(value: Json, raw: bytes | None) -> Answer:
    """Read an ``/embeddings`` list, in the order of ``index``.

    One vector is returned as itself, several as a list.
    """
    if value.get("error"):
        return failed(value, raw)
    try:
        vectors = _vectors(value.get("data"))
    except BadShape:
        return malformed(200, raw)
    output = Output(
        text=None,
        finish_reason="stop",
        embedding=vectors[0] if len(vectors) == 1 else vectors,
    )
    return answered(value, output, embeddings_usage(value.get("usage")), raw)


def _output_items(items: Any) -> tuple[list[str], list[str], list[Json]]:
    """Return texts, refusals and tool calls; other items (reasoning) are not ours."""
    if not isinstance(items, list):
        raise BadShape
    texts: list[str] = []
    refusals: list[str] = []
    calls: list[Json] = []
    for item in items:
        kind = item.get("type") if isinstance(item, dict) else None
        if kind == "message":
            _message_parts(item.get("content"), texts, refusals)
        elif kind == "function_call":
            calls.append(
                tool_call(item.get("call_id"), item.get("name"), item.get("arguments"))
            )
    return texts, refusals, calls


def _message_parts(content: Any, texts: list[str], refusals: list[str]) -> None:
    if not isinstance(content, list):
        raise BadShape
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "output_text":
            texts.append(text_of(part.get("text")))
        elif kind == "refusal":
            refusals.append(text_of(part.get("refusal")))


def _response_finish(value: Json, refusals: list[str], calls: list[Json]) -> str:
    if value.get("status") == "incomplete":
        details = value.get("incomplete_details")
        reason = details.get("reason") if isinstance(details, dict) else None
        return "content_filter" if reason == "content_filter" else "length"
    if refusals:
        return "content_filter"
    return "tool_calls" if calls else "stop"


def _chat_output(choice: Any, finish: Any) -> Output:
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict):
        raise BadShape
    calls = _chat_calls(message.get("tool_calls"))
    refusal = message.get("refusal")
    if refusal is not None:
        refusal = text_of(refusal) or None
    reason = _CHAT_FINISH.get(finish, "stop") if isinstance(finish, str) else "stop"
    return Output(
        text=_chat_text(message.get("content")),
        finish_reason="content_filter" if refusal else reason,
        tool_calls=calls or None,
        refusal=refusal,
    )


def _chat_text(content: Any) -> str | None:
    """Return the text; chunks that hold thoughts are left out (Mistral)."""
    if content is None or isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise BadShape
    texts = [
        text_of(chunk.get("text"))
        for chunk in content
        if isinstance(chunk, dict) and chunk.get("type") == "text"
    ]
    return "".join(texts) if texts else None


def _chat_calls(calls: Any) -> list[Json]:
    if calls is None:
        return []
    if not isinstance(calls, list):
        raise BadShape
    found = []
    for call in calls:
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict):
            raise BadShape
        arguments = _arguments(function.get("arguments"))
        found.append(tool_call(call.get("id"), function.get("name"), arguments))
    return found


def _arguments(given: Any) -> Any:
    """Return the JSON text of a call's arguments, which Mistral may send as itself."""
    if not isinstance(given, dict):
        return given
    try:
        return orjson.dumps(given).decode()
    except orjson.JSONEncodeError as error:
        raise BadShape from error


def _vectors(data: Any) -> list[list[float]]:
    if not isinstance(data, list) or not data:
        raise BadShape
    placed: list[list[float] | None] = [None] * len(data)
    for position, entry in enumerate(data):
        if not isinstance(entry, dict):
            raise BadShape
        index = entry.get("index", position)
        if type(index) is not int or not 0 <= index < len(data):
            raise BadShape
        placed[index] = _vector(entry.get("embedding"))
    vectors = [vector for vector in placed if vector is not None]
    if len(vectors) != len(data):
        raise BadShape  # an index stands twice
    return vectors


def _vector(value: Any) -> list[float]:
    numbers = _unpacked(value) if isinstance(value, str) else value
    return vector(numbers)


def _unpacked(text: str) -> list[float]:
    """Read base64 of little-endian 32-bit floats."""
    try:
        data = base64.b64decode(text, validate=True)
        return list(struct.unpack(f"<{len(data) // 4}f", data))
    except (binascii.Error, struct.error, ValueError) as error:
        raise BadShape from error


def response_usage(usage: Any) -> Usage | None:
    """Read the usage of a Responses reply; None where it tells none."""
    if not isinstance(usage, dict):
        return None
    return usage_of(
        usage.get("input_tokens"),
        detail(usage.get("input_tokens_details"), "cached_tokens"),
        usage.get("output_tokens"),
        detail(usage.get("output_tokens_details"), "reasoning_tokens"),
        detail(usage.get("input_tokens_details"), "cache_write_tokens"),
    )


def chat_usage(usage: Any) -> Usage | None:
    """Read the usage of a chat completion; None where it tells none."""
    if not isinstance(usage, dict):
        return None
    # Mistral writes it without the s in places.
    details = usage.get("prompt_tokens_details", usage.get("prompt_token_details"))
    cached = detail(details, "cached_tokens")
    if cached == 0:
        # DeepSeek's and Mistral's words for it.
        cached = usage.get("prompt_cache_hit_tokens", usage.get("num_cached_tokens", 0))
    return usage_of(
        usage.get("prompt_tokens"),
        cached,
        usage.get("completion_tokens"),
        detail(usage.get("completion_tokens_details"), "reasoning_tokens"),
        detail(usage.get("prompt_tokens_details"), "cache_write_tokens"),
    )


def embeddings_usage(usage: Any) -> Usage | None:
    """Read the usage of embeddings; None where it tells none."""
    if not isinstance(usage, dict):
        return None
    return usage_of(usage.get("prompt_tokens"), 0, 0, 0)
