"""Bytes into lines."""

import os
from pathlib import Path

import pytest

from batches.manifest.lines import LINE_BYTES_MAX, Line, item_line, split_lines


def test_splits_on_the_newline_byte_only() -> None:
    data = "a\u2028b\u0085c\x0bd\ne".encode()

    assert [line.data for line in split_lines([data])] == [
        "a\u2028b\u0085c\x0bd".encode(),
        b"e",
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_finds_the_same_lines_however_the_bytes_arrive(size: int) -> None:
    data = b"one\r\n\ntwo\nthree"
    chunks = [data[begin : begin + size] for begin in range(0, len(data), size)]

    assert list(split_lines(chunks)) == [
        Line(1, 0, b"one"),
        Line(2, 5, b""),
        Line(3, 6, b"two"),
        Line(4, 10, b"three"),
    ]


def test_leaves_out_one_byte_order_mark_at_the_start() -> None:
    mark = b"\xef\xbb\xbf"

    assert list(split_lines([mark + b"a\n" + mark + b"b"])) == [
        Line(1, 3, b"a"),
        Line(2, 5, mark + b"b"),
    ]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_takes_a_line_of_exactly_one_mebibyte(end: bytes) -> None:
    (line,) = split_lines([b"x" * LINE_BYTES_MAX + end])

    assert line.data is not None
    assert len(line.data) == LINE_BYTES_MAX


@pytest.mark.parametrize("size", [LINE_BYTES_MAX + 1, 3 * LINE_BYTES_MAX + 7])
def test_drops_a_longer_line_and_goes_on_at_the_next(size: int) -> None:
    lines = list(split_lines([b"a\n" + b"x" * size, b"\nb"]))

    assert lines == [Line(1, 0, b"a"), Line(2, 2, None), Line(3, 3 + size, b"b")]


def test_drops_a_longer_line_at_the_end() -> None:
    (line,) = split_lines([b"x" * (2 * LINE_BYTES_MAX)])

    assert line == Line(1, 0, None)


def test_reads_an_item_back_by_its_place(tmp_path: Path) -> None:
    path = tmp_path / "items"
    path.write_bytes(b'{"a":1}\n{"b":2}\n')
    fd = os.open(path, os.O_RDONLY)
    try:
        assert item_line(fd, 8, 7) == {"b": 2}
    finally:
        os.close(fd)
