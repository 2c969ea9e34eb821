"""Read the result files of an OpenAI batch, whatever they hold, in bounded memory."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson

from routing.adapters import openai_answers, replies, result_lines, statuses
from routing.contracts import Answer
from routing.failures import Failure, FailureKind

# What a line says of an item that was never run (providers.md 1.1).
_NEVER_RUN: Final = {
    "batch_expired": FailureKind.JOB_EXPIRED,
    "batch_cancelled": FailureKind.JOB_CANCELED,
    "request_timeout": FailureKind.TIMED_OUT,
}
_STATUS = re.compile(r"[45][0-9]{2}")


def read_file(path: Path) -> Iterator[tuple[str, Answer]]:
    """Yield (our ref, answer) for every line that can be read."""
    return result_lines.read_file(path, read_line)


def read_line(line: bytes) -> tuple[str, Answer] | None:
    """Read one line; None where it names no item of ours."""
    found = result_lines.object_in(line)
    if found is None:
        return None
    ref, value = found
    response = value.get("response")
    if isinstance(response, dict):
        return ref, _read_response(response)
    return ref, _never_run(value)


def _read_response(response: dict[str, Any]) -> Answer:
    if "choices" in response:
        # Fireworks' rows hold the reply itself.
        return openai_answers.read_value(response)
    status, body = response.get("status_code"), response.get("body")
    if type(status) is not int or not 100 <= status <= 599:
        return replies.malformed(None, None)
    if status == 200 and isinstance(body, dict):
        return openai_answers.read_value(body)
    if status == 200:
        return replies.malformed(200, None)
    try:
        raw = None if body is None else orjson.dumps(body)
    except orjson.JSONEncodeError:
        raw = None
    failure = statuses.failure_of(status, {}, raw or b"")
    return Answer(None, None, None, raw, failure, status)


def _never_run(value: dict[str, Any]) -> Answer:
    words = statuses.error_words(value)
    for word, kind in _NEVER_RUN.items():
        if word in words:
            return Answer(None, None, None, None, Failure(kind), None)
    status = _status_in(value)
    if status is not None and not words - {str(status)}:
        failure = statuses.failure_of(status, {}, b"")
    else:
        failure = statuses.failure_of_words(words, status)
    return Answer(None, None, None, None, failure, status)


def _status_in(value: dict[str, Any]) -> int | None:
    """Return the HTTP status that an error names as its code, a number or digits."""
    error = value.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    text = str(code) if type(code) is int else code
    if not isinstance(text, str) or not _STATUS.fullmatch(text):
        return None
    return int(text)
