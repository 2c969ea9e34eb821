"""JSON out of a model's answer: as it stands, out of its wrapping, or mended.

Pure and deterministic: no model is asked, so nothing is paid. A mend may add or remove
punctuation (quotes, commas, brackets, a wrapping), never a letter or digit: what it
would have to invent or drop makes the answer unreadable instead.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson
from json_repair.json_parser import JSONParser

from batchrouter.kit import strict_json

REPAIR_LENGTH_MAX = 20_000
# json-repair looks far ahead at every stray quote, so that a hostile text of 20,000
# characters takes it minutes. It may look at this many: half a second at worst.
_LOOKS_MAX = 150_000
_FENCE = "```"
_BRACKET = re.compile(r"[\[{\]}]")
_NO_NUMBER = re.compile(r"[:\[,]\s*[-+]?(?:NaN|Infinity)\b")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_WORD = re.compile(r"-?\d+(?:\.\d+)*(?:[eE][-+]?\d+\b)?|[^\W\d_]+")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?(?:[eE][-+]?\d{1,2})?\Z")


class _TooCostly(ValueError):
    """Mending would take longer than it may."""


class _Metered(JSONParser):
    """json-repair's parser, which stops when it has looked at too many characters."""

    looks = 0

    # Each method is the parser's own with its cost noted.

    def _look(self, count: int) -> None:
        self.looks += count
        if self.looks > _LOOKS_MAX:
            raise _TooCostly("too many characters were looked at")

    def get_char_at(self, count: int = 0) -> str | None:
        self._look(1)
        return super().get_char_at(count)

    def skip_to_character(self, character: str | list[str], idx: int = 0) -> int:
        found = super().skip_to_character(character, idx)
        self._look(1 + abs(found - idx) // 4)
        return found

    def scroll_whitespaces(self, idx: int = 0, *, backwards: bool = False) -> int:
        found = super().scroll_whitespaces(idx, backwards=backwards)
        self._look(1 + abs(found - idx) // 4)
        return found


class ReadJson(NamedTuple):
    """What was read.

    Attributes:
        value: the JSON; None where there is none.
        text: its text where the answer's own had to be changed.
        problem: why it is no JSON.
        how: what was done to read it.
    """

    value: Any
    text: str | None
    problem: str | None
    how: str


def read_json(text: str, *, may_repair: bool) -> ReadJson:
    """Read an answer as one JSON value.

    Args:
        text: the answer.
        may_repair: an answer that was cut off is read, but not mended: its end is
            missing, and a closing bracket would hide that.
    """
    whole = text.strip().removeprefix("\ufeff")
    value, problem = _read(whole)
    if problem is None:
        return ReadJson(value, None, None, "The answer is JSON.")
    for candidate, how in _unwrapped(whole):
        value, unread = _read(candidate)
        if unread is None:
            return ReadJson(value, candidate, None, how)
    mended = _mended(whole) if may_repair else None
    if mended is not None:
        how = "Mended without asking again: punctuation only."
        return ReadJson(mended[0], mended[1], None, how)
    return ReadJson(None, None, problem, problem)


def _read(text: str) -> tuple[Any, str | None]:
    try:
        return strict_json.loads(text.encode(errors="surrogatepass")), None
    except strict_json.StrictJsonError as error:
        return None, error.message


def _unwrapped(text: str) -> Iterator[tuple[str, str]]:
    inner = _fenced(text)
    if inner is not None:
        yield inner, "Read from a code fence."
    for opening, closing in ("{}", "[]"):
        first, last = text.find(opening), text.rfind(closing)
        if 0 <= first < last:
            yield text[first : last + 1], "Read from amid other text."


def _fenced(text: str) -> str | None:
    opening, closing = text.find(_FENCE), text.rfind(_FENCE)
    if not 0 <= opening < closing:
        return None
    # The first line of a fence may name the language.
    return text[opening + len(_FENCE) : closing].partition("\n")[2].strip()


def _mended(text: str) -> tuple[Any, str] | None:
    """Return what was meant and its text, when only punctuation is wrong."""
    for candidate in (_fenced(text), text):
        if candidate is None:
            continue
        start = re.search(r"[{\[]", candidate)
        if start is None:
            continue
        found = _repaired(candidate[start.start() :])
        if found is not None:
            return found
    return None


def _repaired(candidate: str) -> tuple[Any, str] | None:
    if len(candidate) > REPAIR_LENGTH_MAX or _is_too_deep(candidate):
        return None
    if _NO_NUMBER.search(candidate):
        return None
    try:
        value = _Metered(candidate, None, logging=False, strict=True).parse()
        written = orjson.dumps(value)
        value = strict_json.loads(written)
    except (ValueError, TypeError, RecursionError):
        return None
    if not isinstance(value, dict | list) or _words(candidate) != _said(value):
        return None
    return value, written.decode()


def _is_too_deep(text: str) -> bool:
    depth = 0
    for bracket in _BRACKET.findall(text):
        depth = depth + 1 if bracket in "[{" else max(depth - 1, 0)
        if depth > strict_json.MAX_DEPTH:
            return True
    return False


def _words(text: str) -> list[str]:
    """Return the words and numbers of a text, with its escapes read."""
    return _plain(_ESCAPE.sub(_unescaped, text))


def _unescaped(match: re.Match[str]) -> str:
    if match[1] is not None:
        return chr(int(match[1], 16))
    # A newline, a tab and their like.
    return " " if match[0][1] in "nrtbf" else match[0][1]


def _plain(text: str) -> list[str]:
    return [_as_compared(word) for word in _WORD.findall(text)]


def _as_compared(word: str) -> str:
    """Return a word so that True is true, and 1.50 is 1.5, but 007 is not 7."""
    return repr(float(word)) if _NUMBER.match(word) else word.casefold()


def _said(value: Any) -> list[str]:
    """Return the words and numbers of a value, in its order."""
    return [word for text in _texts(value) for word in _plain(text)]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif value is None:
        yield "null"
    else:
        yield value if isinstance(value, str) else str(value)
