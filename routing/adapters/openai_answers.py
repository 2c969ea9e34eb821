"""Read replies in OpenAI's wire forms: Responses, chat completions and embeddings.

Whatever the bytes are, reading them never raises: what is not of the documented shape
becomes ``FailureKind.MALFORMED``. Figures that cannot be right become no usage, and the
charge is then estimated within the ceiling.
"""

import base64
import binascii
import math
import struct
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from routing.adapters import statuses
from routing.contracts import Answer, Output, Usage
from routing.failures import Failure, FailureKind

Json = dict[str, Any]
Reader = Callable[[Json, bytes | None], Answer]

TOKENS_MAX: Final = 10**9
MODEL_NAME_MAX: Final = 160
# orjson writes at most 254 levels; a reply with fewer brackets cannot reach that.
_SAFE_BRACKETS: Final = 200

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


class _BadShape(Exception):
    """The reply is JSON, but not of the documented shape."""


def read_reply(
    reader: Reader, status: int, headers: Mapping[str, str], body: bytes
) -> Answer:
    """Read one HTTP reply to one item."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value, raw = None, None
    else:
        raw = _embeddable(value, body.strip())
    if status != 200:
        failure = statuses.failure_of(status, headers, body)
        return Answer(None, None, None, raw, failure, status)
    if type(value) is not dict:
        return malformed(status, raw)
    return reader(value, raw)


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


def malformed(status: int | None, raw: bytes | None) -> Answer:
    """Return the answer for a reply that cannot be read."""
    failure = Failure(FailureKind.MALFORMED, status)
    return Answer(None, None, None, raw, failure, status)


def read_response(value: Json, raw: bytes | None) -> Answer:
    """Read a ``/responses`` object."""
    status = value.get("status")
    if status == "failed":
        return _failed(value, raw)
    if status not in ("completed", "incomplete", None):
        return malformed(200, raw)
    try:
        texts, refusals, calls = _output_items(value.get("output"))
    except _BadShape:
        return malformed(200, raw)
    output = Output(
        text="".join(texts) if texts else None,
        finish_reason=_response_finish(value, refusals, calls),
        tool_calls=calls or None,
        refusal="".join(refusals) if refusals else None,
    )
    return _answered(value, output, _response_usage(value.get("usage")), raw)


def read_chat(value: Json, raw: bytes | None) -> Answer:
    """Read a ``/chat/completions`` object."""
    choices = value.get("choices")
    if not isinstance(choices, list) or not choices:
        return _failed(value, raw) if value.get("error") else malformed(200, raw)
    choice = choices[0]
    finish = choice.get("finish_reason") if isinstance(choice, dict) else None
    if isinstance(finish, str) and finish in _CHAT_ERRORS:
        return _failed(choice if choice.get("error") else value, raw)
    try:
        output = _chat_output(choice, finish)
    except _BadShape:
        return malformed(200, raw)
    return _answered(value, output, _chat_usage(value.get("usage")), raw)


def read_embeddings(value: Json, raw: bytes | None) -> Answer:
    """Read an ``/embeddings`` list, in the order of ``index``.

    One vector is returned as itself, several as a list.
    """
    if value.get("error"):
        return _failed(value, raw)
    try:
        vectors = _vectors(value.get("data"))
    except _BadShape:
        return malformed(200, raw)
    output = Output(
        text=None,
        finish_reason="stop",
        embedding=vectors[0] if len(vectors) == 1 else vectors,
    )
    return _answered(value, output, _embeddings_usage(value.get("usage")), raw)


def _embeddable(value: Any, body: bytes) -> bytes | None:
    """Return the body where it can be put into a row, which is JSON itself."""
    if body.count(b"[") + body.count(b"{") < _SAFE_BRACKETS:
        return body
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return None
    return body


def _answered(
    value: Json, output: Output, usage: Usage | None, raw: bytes | None
) -> Answer:
    return Answer(output, usage, _model_name(value.get("model")), raw, None, 200)


def _failed(value: Json, raw: bytes | None) -> Answer:
    failure = statuses.failure_of_words(statuses.error_words(value), 200)
    return Answer(None, None, _model_name(value.get("model")), raw, failure, 200)


def _model_name(name: Any) -> str | None:
    if isinstance(name, str) and 0 < len(name) <= MODEL_NAME_MAX and name.isprintable():
        return name
    return None


def _output_items(items: Any) -> tuple[list[str], list[str], list[Json]]:
    """Return texts, refusals and tool calls; other items (reasoning) are not ours."""
    if not isinstance(items, list):
        raise _BadShape
    texts: list[str] = []
    refusals: list[str] = []
    calls: list[Json] = []
    for item in items:
        kind = item.get("type") if isinstance(item, dict) else None
        if kind == "message":
            _message_parts(item.get("content"), texts, refusals)
        elif kind == "function_call":
            calls.append(
                _call(item.get("call_id"), item.get("name"), item.get("arguments"))
            )
    return texts, refusals, calls


def _message_parts(content: Any, texts: list[str], refusals: list[str]) -> None:
    if not isinstance(content, list):
        raise _BadShape
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "output_text":
            texts.append(_text(part.get("text")))
        elif kind == "refusal":
            refusals.append(_text(part.get("refusal")))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _BadShape
    return value


def _call(call_id: Any, name: Any, arguments: Any) -> Json:
    return {
        "id": _text(call_id),
        "type": "function",
        "function": {"name": _text(name), "arguments": _text(arguments)},
    }


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
        raise _BadShape
    calls = _chat_calls(message.get("tool_calls"))
    refusal = message.get("refusal")
    if refusal is not None:
        refusal = _text(refusal) or None
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
        raise _BadShape
    texts = [
        _text(chunk.get("text"))
        for chunk in content
        if isinstance(chunk, dict) and chunk.get("type") == "text"
    ]
    return "".join(texts) if texts else None


def _chat_calls(calls: Any) -> list[Json]:
    if calls is None:
        return []
    if not isinstance(calls, list):
        raise _BadShape
    found = []
    for call in calls:
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict):
            raise _BadShape
        found.append(
            _call(call.get("id"), function.get("name"), function.get("arguments"))
        )
    return found


def _vectors(data: Any) -> list[list[float]]:
    if not isinstance(data, list) or not data:
        raise _BadShape
    placed: list[list[float] | None] = [None] * len(data)
    for position, entry in enumerate(data):
        if not isinstance(entry, dict):
            raise _BadShape
        index = entry.get("index", position)
        if type(index) is not int or not 0 <= index < len(data):
            raise _BadShape
        placed[index] = _vector(entry.get("embedding"))
    vectors = [vector for vector in placed if vector is not None]
    if len(vectors) != len(data):
        raise _BadShape  # an index stands twice
    return vectors


def _vector(value: Any) -> list[float]:
    numbers = _unpacked(value) if isinstance(value, str) else value
    if not isinstance(numbers, list) or not numbers:
        raise _BadShape
    if not set(map(type, numbers)) <= {float, int}:
        raise _BadShape
    # One infinity or NaN spoils the sum; no honest vector's sum overflows.
    if not math.isfinite(sum(numbers)):
        raise _BadShape
    return numbers


def _unpacked(text: str) -> list[float]:
    """Read base64 of little-endian 32-bit floats."""
    try:
        data = base64.b64decode(text, validate=True)
        return list(struct.unpack(f"<{len(data) // 4}f", data))
    except (binascii.Error, struct.error, ValueError) as error:
        raise _BadShape from error


def _response_usage(usage: Any) -> Usage | None:
    if not isinstance(usage, dict):
        return None
    return _usage(
        usage.get("input_tokens"),
        _detail(usage.get("input_tokens_details"), "cached_tokens"),
        usage.get("output_tokens"),
        _detail(usage.get("output_tokens_details"), "reasoning_tokens"),
    )


def _chat_usage(usage: Any) -> Usage | None:
    if not isinstance(usage, dict):
        return None
    cached = _detail(usage.get("prompt_tokens_details"), "cached_tokens")
    if cached == 0:
        # DeepSeek's and Mistral's words for it.
        cached = usage.get("prompt_cache_hit_tokens", usage.get("num_cached_tokens", 0))
    return _usage(
        usage.get("prompt_tokens"),
        cached,
        usage.get("completion_tokens"),
        _detail(usage.get("completion_tokens_details"), "reasoning_tokens"),
    )


def _embeddings_usage(usage: Any) -> Usage | None:
    if not isinstance(usage, dict):
        return None
    return _usage(usage.get("prompt_tokens"), 0, 0, 0)


def _detail(details: Any, name: str) -> Any:
    """Return a detail's count; what is not given is none."""
    found = details.get(name) if isinstance(details, dict) else None
    return 0 if found is None else found


def _usage(given: Any, cached: Any, made: Any, reasoning: Any) -> Usage | None:
    """Return the usage where every count can be right, else None."""
    for count in (given, cached, made, reasoning):
        if type(count) is not int or not 0 <= count <= TOKENS_MAX:
            return None
    if cached > given or reasoning > made:
        return None
    return Usage(given, cached, made, reasoning)
