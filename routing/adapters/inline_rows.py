"""Split one large JSON object whose array of rows may be longer than memory is wide.

OpenRouter answers the question after a batch with all of its results. The rows go into
a file, one a line, and the rest of the object is returned.
"""

import mmap
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson

# Strings are passed over whole, so that brackets in them do not count.
_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{}]', re.DOTALL)
_HEAD_BYTES_MAX: Final = 1024 * 1024

# Where the array of rows begins and ends, and where each of its objects does.
_Span = tuple[int, int]


def split(source: Path, key: str, rows: Path) -> dict[str, Any] | None:
    """Write the objects of the top-level array ``key`` as lines.

    Args:
        source: a file with one JSON object.
        key: of the array.
        rows: gets the lines; empty where the array is or is not there.

    Returns:
        The object with an empty array in its place; None where it is no JSON object.
    """
    with source.open("rb") as file, rows.open("wb") as lines:
        if not source.stat().st_size:
            return None
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
            array = _copy_rows(text, f'"{key}"'.encode(), lines)
            head = text[: array[0]] + b"[]" + text[array[1] :] if array else text[:]
    if len(head) > _HEAD_BYTES_MAX:
        return None
    try:
        value = orjson.loads(head)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _copy_rows(text: mmap.mmap, key: bytes, lines: BinaryIO) -> _Span | None:
    """Copy the rows and return where their array is; None where there is none."""
    tokens = _TOKEN.finditer(text)
    begin = _begin_of(text, tokens, key)
    if begin is None:
        return None
    depth, opened = 0, 0
    for token in tokens:
        mark = token[0]
        if mark in b"[{":
            opened = token.start() if not depth else opened
            depth += 1
        elif mark in b"]}":
            depth -= 1
            if depth < 0:
                return begin, token.end()
            if not depth and mark == b"}":
                # A newline can only stand between values: in strings it is escaped.
                lines.write(text[opened : token.end()].replace(b"\n", b" ") + b"\n")
    return None


def _begin_of(
    text: mmap.mmap, tokens: Iterator[re.Match[bytes]], key: bytes
) -> int | None:
    """Return where the array of a top-level key begins, its bracket just taken."""
    depth, is_named = 0, False
    for token in tokens:
        mark = token[0]
        if mark == b"[" and depth == 1 and is_named:
            return token.start()
        if mark in b"[{":
            depth += 1
        elif mark in b"]}":
            depth -= 1
        is_named = (
            depth == 1
            and mark == key
            and text[token.end() : token.end() + 8].lstrip()[:1] == b":"
        )
    return None
