"""Pure: lines of OpenAI's batch files (the batch guide, read 2026-11-29).

An output and an error file have the same lines. An input file tells what was asked, and
nothing of what was used.
"""

from datetime import datetime
from typing import Any, Final

from batches.imports.records import (
    ITEM_TOKENS_MAX,
    Json,
    Reading,
    Status,
    Use,
    believable,
    instant,
    key_of,
    model_name,
    usage_problem,
)
from batches.manifest.problems import Problem
from routing.adapters.openai_answers import (
    chat_usage,
    embeddings_usage,
    response_usage,
)

_NEVER_RUN: Final[dict[str, Status]] = {
    "batch_expired": "expired",
    "batch_cancelled": "canceled",
    "batch_canceled": "canceled",
}
_EMBEDDINGS_URL: Final = "/v1/embeddings"


def read_output_line(value: Json, *, latest: datetime) -> Reading:
    """Read a line of an output or error file."""
    custom_id, line_id = value.get("custom_id"), value.get("id")
    if not isinstance(custom_id, str):
        return Problem("custom_id", "missing", "The line has no custom_id.")
    response = value.get("response")
    key = key_of(b"openai", custom_id, str(_answer_id(response) or line_id))
    if not isinstance(response, dict):
        return _unanswered(key, value.get("error"))
    body = response.get("body")
    if response.get("status_code") != 200 or not isinstance(body, dict):
        return _use(key, "failed")
    return _answered(key, body, latest)


def read_input_line(value: Json, *, line: bytes) -> Reading:
    """Read a line of an input file: an item, its model and its operation."""
    body = value.get("body")
    if not isinstance(body, dict):
        return Problem("body", "missing", "The line has no body.")
    operation = "embeddings" if value.get("url") == _EMBEDDINGS_URL else "responses"
    return Use(
        key=key_of(b"openai-input", line),
        at=None,
        model=model_name(body.get("model")),
        mode="batch",
        operation=operation,
        status="unanswered",
        items=1,
        usage=None,
    )


def _answer_id(response: Any) -> Any:
    body = response.get("body") if isinstance(response, dict) else None
    return body.get("id") if isinstance(body, dict) else None


def _unanswered(key: bytes, error: Any) -> Use:
    code = error.get("code") if isinstance(error, dict) else None
    status = _NEVER_RUN.get(code, "failed") if isinstance(code, str) else "failed"
    return _use(key, status)


def _use(key: bytes, status: Status) -> Use:
    return Use(key, None, None, "batch", "responses", status, 1, None)


def _answered(key: bytes, body: dict[str, Any], latest: datetime) -> Reading:
    kind, operation = body.get("object"), "responses"
    usage = body.get("usage")
    at: datetime | Problem | None
    if kind == "response":
        if body.get("status") == "failed":
            return _use(key, "failed")
        at, found = (
            instant(body.get("created_at"), latest=latest),
            response_usage(usage),
        )
    elif kind == "chat.completion":
        at, found = instant(body.get("created"), latest=latest), chat_usage(usage)
    elif kind == "list":
        at, found, operation = None, embeddings_usage(usage), "embeddings"
    else:
        return Problem(
            "response.body.object",
            "body_unknown",
            "The body is no response, chat completion or list of embeddings.",
        )
    if isinstance(at, Problem):
        return at._replace(field="response.body.created_at")
    found = believable(found, ITEM_TOKENS_MAX)
    return Use(
        key=key,
        at=at,
        model=model_name(body.get("model")),
        mode="batch",
        operation=operation,
        status="completed",
        items=1,
        usage=found,
        problem=None if found else usage_problem("response.body.usage"),
        average_input_tokens=found.input_tokens if found else None,
    )
