"""Read the rows of a Gemini batch, from its file or from the job itself.

A line holds one text to embed, so an item of several texts becomes several lines. Their
keys tell which item and which of its texts: ``<ref>.<place>.<count>``. Here they become
one answer again.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import orjson

from routing.adapters import gemini_answers, replies, statuses
from routing.adapters.replies import Json
from routing.adapters.result_lines import REF, Found
from routing.contracts import Answer, Output, Usage
from routing.failures import Failure, FailureKind

# Google's rpc codes, where they differ from HTTP statuses.
_BY_RPC_CODE: Final = {
    1: FailureKind.JOB_CANCELED,
    3: FailureKind.INVALID,
    4: FailureKind.JOB_EXPIRED,
    5: FailureKind.MODEL_MISSING,
    7: FailureKind.CREDENTIAL,
    8: FailureKind.RATE_LIMITED,
    9: FailureKind.INVALID,
    16: FailureKind.CREDENTIAL,
}


def keys_of(ref: str, count: int) -> list[str]:
    """Return the keys of an item's lines."""
    if count == 1:
        return [ref]
    return [f"{ref}.{place}.{count}" for place in range(count)]


def read_rows(rows: Iterable[bytes]) -> Iterator[Found]:
    """Yield (our ref, answer) for every row of a result file that can be read."""
    return _joined(map(_loaded, rows))


def read_inlined(job: Json) -> Iterator[Found]:
    """Yield (our ref, answer) for every row that stands in the job itself."""
    return _joined(_inlined(job))


def _loaded(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None


def _inlined(job: Json) -> Iterator[Any]:
    for holder in (job.get("response"), _inner(job.get("metadata"), "output")):
        for name in ("inlinedResponses", "inlinedEmbedContentResponses"):
            rows = _inner(_inner(holder, name), "inlinedResponses")
            if isinstance(rows, list):
                yield from rows
                return


def _joined(rows: Iterator[Any]) -> Iterator[Found]:
    """Yield the answers, those of one item's texts joined once all are there."""
    waiting: dict[str, dict[int, Answer]] = {}
    for row in rows:
        key = _key(row)
        if key is None:
            continue
        ref, place, count = key
        answer = _read(row)
        if count == 1:
            yield ref, answer
            continue
        answers = waiting.setdefault(ref, {})
        answers.setdefault(place, answer)
        if len(answers) == count:
            yield ref, _as_one([answers[place] for place in range(count)])
            del waiting[ref]
    for ref, answers in waiting.items():
        failed = next((one for one in answers.values() if one.failure), None)
        yield ref, failed or replies.malformed(None, None)


def _key(row: Any) -> tuple[str, int, int] | None:
    """Return an item's ref, which of its texts, and of how many; None for others'."""
    key = _inner(row, "key") or _inner(_inner(row, "metadata"), "key")
    if not isinstance(key, str):
        return None
    ref, *numbers = key.split(".")
    if REF.match(ref) is None:
        return None
    if not numbers:
        return ref, 0, 1
    if len(numbers) != 2 or not all(n.isascii() and n.isdigit() for n in numbers):
        return None
    place, count = (int(number[:9]) for number in numbers)
    return (ref, place, count) if place < count else None


def _read(row: Any) -> Answer:
    error, response = row.get("error"), row.get("response")
    if isinstance(error, dict) and error:
        return _failed(error)
    if not isinstance(response, dict):
        return replies.malformed(None, None)
    raw = replies.dumped(response)
    if "embedding" in response:
        return gemini_answers.read_embeddings(response, raw)
    return gemini_answers.read_content(response, raw)


def _failed(error: Json) -> Answer:
    code = error.get("code")
    raw = replies.dumped({"error": error})
    if type(code) is int and code in _BY_RPC_CODE:
        return Answer(None, None, None, raw, Failure(_BY_RPC_CODE[code]), None)
    if type(code) is int and 400 <= code <= 599:
        failure = statuses.failure_of(code, {}, raw or b"")
        return Answer(None, None, None, raw, failure, code)
    kind = FailureKind.OVERLOADED
    if error.get("status") == "CANCELLED":
        kind = FailureKind.JOB_CANCELED
    return Answer(None, None, None, raw, Failure(kind), None)


def _as_one(answers: list[Answer]) -> Answer:
    """Return the answer to an item whose texts were embedded one by one."""
    vectors: list[list[float]] = []
    for answer in answers:
        if answer.output is None:
            return answer
        vector: Any = answer.output.embedding
        if vector is None:
            return replies.malformed(200, None)
        vectors.append(vector)
    output = Output(text=None, finish_reason="stop", embedding=vectors)
    return Answer(output, _sum_of(answers), None, None, None, 200)


def _sum_of(answers: list[Answer]) -> Usage | None:
    tokens = 0
    for answer in answers:
        if answer.usage is None:
            return None
        tokens += answer.usage.input_tokens
    return Usage(tokens, 0, 0, 0)


def _inner(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None
