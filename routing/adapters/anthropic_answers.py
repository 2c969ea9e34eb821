"""Read Anthropic's messages and the rows of its batches (providers.md 1.2 and 2.2)."""

from typing import Any, Final

import orjson

from routing.adapters import replies, result_lines, statuses
from routing.adapters.replies import BadShape, Json, detail, text_of, tool_call
from routing.contracts import Answer, Output, Usage
from routing.failures import Failure, FailureKind

_FINISH: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
# What a row says of a request that was never run.
_NEVER_RUN: Final = {
    "expired": FailureKind.JOB_EXPIRED,
    "canceled": FailureKind.JOB_CANCELED,
}


def read_message(value: Json, raw: bytes | None) -> Answer:
    """Read a message; its thoughts are left out."""
    if value.get("type") == "error":
        return replies.failed(value, raw)
    try:
        output = _output(value)
    except BadShape:
        return replies.malformed(200, raw)
    return replies.answered(value, output, _usage(value.get("usage")), raw)


def read_line(line: bytes) -> tuple[str, Answer] | None:
    """Read one row of a batch; None where it names no item of ours."""
    found = result_lines.object_in(line)
    if found is None:
        return None
    ref, value = found
    result = value.get("result")
    if not isinstance(result, dict):
        return ref, replies.malformed(None, None)
    return ref, _read_result(result)


def _read_result(result: Json) -> Answer:
    kind = result.get("type")
    if kind == "succeeded":
        message = result.get("message")
        if not isinstance(message, dict):
            return replies.malformed(200, None)
        return read_message(message, replies.dumped(message))
    if kind == "errored":
        # The error of the row is a whole error body: {"type":"error","error":{…}}.
        error = result.get("error")
        failure = statuses.failure_of_words(statuses.error_words(error), None)
        return Answer(None, None, None, replies.dumped(error), failure, None)
    if isinstance(kind, str) and kind in _NEVER_RUN:
        return Answer(None, None, None, None, Failure(_NEVER_RUN[kind]), None)
    return replies.malformed(None, replies.dumped(result))


def _output(value: Json) -> Output:
    content = value.get("content")
    if not isinstance(content, list):
        raise BadShape
    texts: list[str] = []
    calls: list[Json] = []
    for block in content:
        kind = block.get("type") if isinstance(block, dict) else None
        if kind == "text":
            texts.append(text_of(block.get("text")))
        elif kind == "tool_use":
            calls.append(_call(block))
    reason = value.get("stop_reason")
    finish = _FINISH.get(reason, "stop") if isinstance(reason, str) else "stop"
    return Output(
        text="".join(texts) if texts else None,
        finish_reason=finish,
        tool_calls=calls or None,
        refusal=_refusal(value) if finish == "content_filter" else None,
    )


def _call(block: Json) -> Json:
    given = block.get("input")
    if not isinstance(given, dict):
        raise BadShape
    try:
        arguments = orjson.dumps(given).decode()
    except orjson.JSONEncodeError as error:
        raise BadShape from error
    return tool_call(block.get("id"), block.get("name"), arguments)


def _refusal(value: Json) -> str | None:
    """Return the provider's word on a refusal: its explanation, or the category."""
    details = value.get("stop_details")
    if not isinstance(details, dict):
        return None
    for name in ("explanation", "category"):
        found = details.get(name)
        if isinstance(found, str) and found:
            return found
    return None


def _usage(usage: Any) -> Usage | None:
    """Return the usage; ``input_tokens`` leaves out what the cache read and wrote."""
    if not isinstance(usage, dict):
        return None
    read = detail(usage, "cache_read_input_tokens")
    written = detail(usage, "cache_creation_input_tokens")
    new = usage.get("input_tokens")
    if not all(type(count) is int and count >= 0 for count in (new, read, written)):
        return None
    return replies.usage_of(
        new + read + written,
        read,
        usage.get("output_tokens"),
        detail(usage.get("output_tokens_details"), "thinking_tokens"),
        written,
    )
