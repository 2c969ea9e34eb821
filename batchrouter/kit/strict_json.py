"""The one reader of JSON from outside: what parsers read differently is refused.

orjson refuses broken syntax, NaN, Infinity, lone surrogates, BOMs and text that is not
UTF-8. NUL characters and deep nesting are looked for next. What orjson then writes back
the same but for spaces has every key and number as it was read, and is taken. The rest
gets a second pass by the standard library, which refuses what orjson lets through:
duplicate keys and numbers that do not fit.
"""

import json
import math
from typing import Any

import orjson

MAX_DEPTH = 32
_INT_MIN, _INT_MAX = -(2**63), 2**63 - 1
_INT_DIGITS_MAX = 19


class StrictJsonError(ValueError):
    """The bytes are not JSON that we accept; ``code`` says why in one word."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def loads(data: bytes, *, max_depth: int = MAX_DEPTH) -> Any:
    """Read one JSON document.

    Raises:
        StrictJsonError: with code ``json_syntax``, ``json_duplicate_key``,
            ``json_number``, ``json_nul`` or ``json_depth``.
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise _refusal(error) from error
    if data.count(b"{") + data.count(b"[") > max_depth:
        _check_depth(value, max_depth)
    if b"\\u0000" in data and _has_nul(value):
        raise StrictJsonError(
            "json_nul", "The NUL character (\\u0000) is not accepted in text."
        )
    if _writes_back(value, data):
        return value
    return _DECODER.decode(data.decode())


def _writes_back(value: Any, data: bytes) -> bool:
    try:
        written = orjson.dumps(value, option=orjson.OPT_STRICT_INTEGER)
    except TypeError:  # an integer of more than 53 bits
        return False
    return written == data or written.replace(b" ", b"") == data.replace(b" ", b"")


def _refusal(error: orjson.JSONDecodeError) -> StrictJsonError:
    reason = error.msg
    if "depth limit" in reason:
        return StrictJsonError("json_depth", "JSON is nested too deep.")
    if "infinity" in reason:
        return StrictJsonError("json_number", "A number is too large.")
    if "not valid UTF-8" in reason:
        return StrictJsonError("json_syntax", "The text is not valid UTF-8.")
    text = f"This is not valid JSON: {reason} (column {error.colno})."
    return StrictJsonError("json_syntax", text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise StrictJsonError(
                    "json_duplicate_key", f"The key {key[:64]!r} stands twice."
                )
            seen.add(key)
    return found


def _int(text: str) -> int:
    if len(text) > _INT_DIGITS_MAX + 1 or not _INT_MIN <= int(text) <= _INT_MAX:
        raise StrictJsonError("json_number", "A whole number does not fit in 64 bits.")
    return int(text)


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise StrictJsonError("json_number", "A number is too large.")
    return number


def _constant(text: str) -> float:
    raise StrictJsonError("json_number", f"{text} is not JSON.")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_int,
    parse_float=_float,
    parse_constant=_constant,
)


def _check_depth(value: Any, max_depth: int) -> None:
    level = [value]
    for _ in range(max_depth):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return
    raise StrictJsonError("json_depth", f"JSON is nested deeper than {max_depth}.")


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any("\0" in key or _has_nul(inner) for key, inner in value.items())
    return isinstance(value, list) and any(_has_nul(inner) for inner in value)
