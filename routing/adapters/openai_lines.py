"""Read the result files of an OpenAI batch, whatever they hold, in bounded memory."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson

from routing.adapters import openai_answers, statuses
from routing.contracts import Answer
from routing.failures import Failure, FailureKind

LINE_BYTES_MAX: Final = 16 * 1024 * 1024

_REF = re.compile(r"\A[A-Za-z0-9_-]{1,64}\Z")
# What a line says of an item that was never run (providers.md 1.1).
_NEVER_RUN: Final = {
    "batch_expired": FailureKind.JOB_EXPIRED,
    "batch_cancelled": FailureKind.JOB_CANCELED,
    "request_timeout": FailureKind.TIMED_OUT,
}


def read_file(path: Path) -> Iterator[tuple[str, Answer]]:
    """Yield (our ref, answer) for every line that can be read."""
    with path.open("rb") as source:
        for line in _whole_lines(source):
            found = read_line(line)
            if found is not None:
                yield found


def read_line(line: bytes) -> tuple[str, Answer] | None:
    """Read one line; None where it names no item of ours."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    ref = value.get("custom_id") if isinstance(value, dict) else None
    if not isinstance(ref, str) or _REF.match(ref) is None:
        return None
    response = value.get("response")
    if isinstance(response, dict):
        return ref, _read_response(response)
    return ref, _never_run(value)


def _read_response(response: dict[str, Any]) -> Answer:
    status, body = response.get("status_code"), response.get("body")
    if type(status) is not int or not 100 <= status <= 599:
        return openai_answers.malformed(None, None)
    if status == 200 and isinstance(body, dict):
        return openai_answers.read_value(body)
    if status == 200:
        return openai_answers.malformed(200, None)
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
    failure = statuses.failure_of_words(words, None)
    return Answer(None, None, None, None, failure, None)


def _whole_lines(source: BinaryIO) -> Iterator[bytes]:
    """Yield the lines that end in a newline; one that is too long is passed over."""
    while line := source.readline(LINE_BYTES_MAX):
        if line.endswith(b"\n"):
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = source.readline(LINE_BYTES_MAX)
