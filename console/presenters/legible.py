"""Text of customers and models, made fit to be read: folded, cut, nothing hidden."""

import re
from dataclasses import dataclass
from typing import Any

import orjson

# What is shown of one text; the files have all of it.
CHARS_MAX = 60_000
_FOLDED_FROM_CHARS = 1_500
_FOLDED_FROM_LINES = 24
_PREVIEW_CHARS = 160
# Characters that draw nothing get their picture; tabs and line ends are kept.
_CONTROLS = {
    code: 0x2400 + code for code in range(0x20) if code not in {0x09, 0x0A, 0x0D}
} | {0x7F: 0x2421}
# What turns the direction of the text around it is shown by its number.
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Text:
    """A text for the eye.

    Attributes:
        preview: its beginning, on one line.
        is_long: it is folded until somebody wants it.
        is_cut: there is more than is shown.
        length: characters of all of it.
    """

    body: str
    preview: str
    is_long: bool
    is_cut: bool
    length: int


def text_of(value: str) -> Text:
    """Return a text as it is shown."""
    body = legible(value[:CHARS_MAX])
    is_long = len(body) > _FOLDED_FROM_CHARS or body.count("\n") > _FOLDED_FROM_LINES
    return Text(
        body=body,
        preview=preview_of(value),
        is_long=is_long,
        is_cut=len(value) > CHARS_MAX,
        length=len(value),
    )


def json_of(value: Any) -> Text:
    """Return a value as indented JSON."""
    return text_of(indented(value))


def indented(value: Any) -> str:
    """Write a value as indented JSON."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def preview_of(value: str) -> str:
    """Return the beginning of a text on one line."""
    start = " ".join(value[: 4 * _PREVIEW_CHARS].split())
    shown = legible(start[:_PREVIEW_CHARS])
    return shown + "…" if len(start) > _PREVIEW_CHARS else shown


def plain(value: str) -> str:
    """Return a text without what draws nothing or turns the text around it."""
    return _TURNS.sub("", value.translate(dict.fromkeys(_CONTROLS)))


def legible(value: str) -> str:
    """Return a text in which every character can be seen and none turns the others."""
    seen = value.translate(_CONTROLS)
    return _TURNS.sub(lambda found: f"<U+{ord(found[0]):04X}>", seen)
