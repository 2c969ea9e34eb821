"""Bytes into lines: split on the byte newline only, in bounded memory."""

import os
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import orjson

LINE_BYTES_MAX = 1 << 20
_SLICE_BYTES = 1 << 20
_BOM = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """A line of a file.

    Attributes:
        number: 1 is the first.
        offset: where its text begins in the file, after a byte order mark.
        data: the text without its end (LF or CRLF); None when longer than allowed.
    """

    number: int
    offset: int
    data: bytes | None


def split_lines(source: Iterable[bytes]) -> Iterator[Line]:
    """Yield the lines of a stream; a last line needs no end."""
    tail = bytearray()
    offset = dropped = number = 0
    for chunk in _slices(source):
        begin = 0
        while (end := chunk.find(b"\n", begin)) >= 0:
            number += 1
            tail += chunk[begin:end]
            yield _line(number, offset, tail, dropped)
            offset += dropped + len(tail) + 1
            dropped, begin = 0, end + 1
            tail.clear()
        tail += chunk[begin:]
        if len(tail) > LINE_BYTES_MAX + 1:
            dropped += len(tail)
            tail.clear()
    if tail or dropped:
        yield _line(number + 1, offset, tail, dropped)


def _slices(source: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in source:
        for begin in range(0, len(chunk), _SLICE_BYTES):
            yield chunk[begin : begin + _SLICE_BYTES]


def _line(number: int, offset: int, tail: bytearray, dropped: int) -> Line:
    data = bytes(tail)
    if data.endswith(b"\r"):
        data = data[:-1]
    if dropped or len(data) > LINE_BYTES_MAX:
        return Line(number, offset, None)
    if number == 1 and data.startswith(_BOM):
        return Line(number, offset + len(_BOM), data[len(_BOM) :])
    return Line(number, offset, data)


def item_line(fd: int, offset: int, length: int) -> dict[str, Any]:
    """Read an accepted item back from its open file, whose position stays."""
    item: dict[str, Any] = orjson.loads(os.pread(fd, length, offset))
    return item
