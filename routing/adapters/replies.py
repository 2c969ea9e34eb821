"""What reading a reply takes on any wire: shapes that hold, figures that can be right.

Whatever the bytes are, reading them never raises: what is not of the documented shape
becomes ``FailureKind.MALFORMED``. Figures that cannot be right become no usage, and the
charge is then estimated within the ceiling.
"""

import math
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


class BadShape(Exception):
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
        raw = embeddable(value, body.strip())
    if status != 200:
        failure = statuses.failure_of(status, headers, body)
        return Answer(None, None, None, raw, failure, status)
    if type(value) is not dict:
        return malformed(status, raw)
    return reader(value, raw)


def malformed(status: int | None, raw: bytes | None) -> Answer:
    """Return the answer for a reply that cannot be read."""
    failure = Failure(FailureKind.MALFORMED, status)
    return Answer(None, None, None, raw, failure, status)


def answered(
    value: Json, output: Output, usage: Usage | None, raw: bytes | None
) -> Answer:
    """Return the answer for a reply that holds an output, naming its ``model``."""
    return Answer(output, usage, model_name(value.get("model")), raw, None, 200)


def failed(value: Json, raw: bytes | None) -> Answer:
    """Return the answer for a 200 reply that holds an error instead of an output."""
    failure = statuses.failure_of_words(statuses.error_words(value), 200)
    return Answer(None, None, model_name(value.get("model")), raw, failure, 200)


def model_name(name: Any) -> str | None:
    """Return a model's name where it may be shown, else None."""
    if isinstance(name, str) and 0 < len(name) <= MODEL_NAME_MAX and name.isprintable():
        return name
    return None


def text_of(value: Any) -> str:
    """Return the text, or raise BadShape."""
    if not isinstance(value, str):
        raise BadShape
    return value


def vector(numbers: Any) -> list[float]:
    """Return the numbers of an embedding, or raise BadShape."""
    if not isinstance(numbers, list) or not numbers:
        raise BadShape
    if not set(map(type, numbers)) <= {float, int}:
        raise BadShape
    # One infinity or NaN spoils the sum; no honest vector's sum overflows.
    if not math.isfinite(sum(numbers)):
        raise BadShape
    return numbers


def tool_call(call_id: Any, name: Any, arguments: Any) -> Json:
    """Return a call as rows show it, or raise BadShape.

    Args:
        call_id: the provider's name for the call.
        name: of the function.
        arguments: JSON text.
    """
    return {
        "id": text_of(call_id),
        "type": "function",
        "function": {"name": text_of(name), "arguments": text_of(arguments)},
    }


def detail(details: Any, name: str) -> Any:
    """Return a detail's count; what is not given is none."""
    found = details.get(name) if isinstance(details, dict) else None
    return 0 if found is None else found


def usage_of(
    given: Any, cached: Any, made: Any, reasoning: Any, written: Any = 0
) -> Usage | None:
    """Return the usage where every count can be right, else None.

    Args:
        given: all input, what was cached and what was written to the cache included.
        cached: of it, read from the cache.
        made: all output, reasoning included.
        reasoning: of it, never shown.
        written: of the input, written to the cache.
    """
    for count in (given, cached, made, reasoning, written):
        if type(count) is not int or not 0 <= count <= TOKENS_MAX:
            return None
    if cached + written > given or reasoning > made:
        return None
    return Usage(given, cached, made, reasoning, written)


def dumped(value: Any) -> bytes | None:
    """Return JSON that came inside a result line; None where it nests too deep."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return None


def embeddable(value: Any, body: bytes) -> bytes | None:
    """Return the body where it can be put into a row, which is JSON itself."""
    if body.count(b"[") + body.count(b"{") < _SAFE_BRACKETS:
        return body
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return None
    return body
