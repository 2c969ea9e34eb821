"""Pure: lines of Anthropic's message-batch results (API reference, 2026-11-29).

A message says no date: what is imported with a window counts on its last day.
"""

from typing import Any, Final

from batches.imports.records import (
    ITEM_TOKENS_MAX,
    Json,
    Reading,
    Status,
    Use,
    believable,
    key_of,
    model_name,
    usage_problem,
)
from batches.manifest.problems import Problem
from routing.adapters.replies import detail, usage_of
from routing.contracts import Usage

_ENDINGS: Final[dict[str, Status]] = {
    "errored": "failed",
    "canceled": "canceled",
    "expired": "expired",
}


def read_results_line(value: Json, *, line: bytes) -> Reading:
    """Read a line of a results file."""
    custom_id, result = value.get("custom_id"), value.get("result")
    if not isinstance(custom_id, str):
        return Problem("custom_id", "missing", "The line has no custom_id.")
    if not isinstance(result, dict):
        return Problem("result", "missing", "The line has no result.")
    kind, message = result.get("type"), result.get("message")
    if kind == "succeeded" and isinstance(message, dict):
        name = message.get("id")
        return _succeeded(
            key_of(b"anthropic", custom_id, name if isinstance(name, str) else line),
            message,
        )
    status = _ENDINGS.get(kind) if isinstance(kind, str) else None
    if status is None:
        return Problem("result.type", "result_unknown", "The result has no known type.")
    return Use(
        key_of(b"anthropic", line), None, None, "batch", "responses", status, 1, None
    )


def _succeeded(key: bytes, message: dict[str, Any]) -> Use:
    usage = believable(message_usage(message.get("usage")), ITEM_TOKENS_MAX)
    return Use(
        key=key,
        at=None,
        model=model_name(message.get("model")),
        mode="batch",
        operation="responses",
        status="completed",
        items=1,
        usage=usage,
        problem=None if usage else usage_problem("result.message.usage"),
        average_input_tokens=usage.input_tokens if usage else None,
    )


def message_usage(usage: Any) -> Usage | None:
    """Return a message's usage; Anthropic's input leaves the cache's part out."""
    if not isinstance(usage, dict):
        return None
    read = detail(usage, "cache_read_input_tokens")
    written = detail(usage, "cache_creation_input_tokens")
    new = usage.get("input_tokens")
    if not all(type(tokens) is int and tokens >= 0 for tokens in (new, read, written)):
        return None
    return usage_of(
        new + read + written,
        read,
        usage.get("output_tokens"),
        detail(usage.get("output_tokens_details"), "thinking_tokens"),
        written,
    )
