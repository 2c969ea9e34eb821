"""A table of comma- or tab-separated cells, read as a stream in bounded memory.

The lines are those of uploads (:mod:`batches.manifest.lines`). What is broken in a way
that leaves it open where a row ends, ends the reading: what follows would be guessed.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

from batches.imports.kinds import cells_of
from batches.manifest.lines import Line, split_lines
from batches.manifest.problems import Problem
from batches.manifest.reader import SourceBroken

COLUMNS_MAX: Final = 200
NAME_CHARS_MAX: Final = 64
# The standard library's own limit for a field; it holds for the whole process.
CELL_CHARS_MAX: Final = 131_072
_DELIMITERS: Final = (",", "\t", ";")
_TABLE_SUFFIXES: Final = (".csv", ".tsv")
_SENTENCE_ENDS: Final = (".", "?", "!", ":")
_ROWS_COMPARED: Final = 2
_BEGINNINGS: Final = {
    b"\xff\xfe": "The file is UTF-16: save it as UTF-8 (CSV UTF-8 in Excel).",
    b"\xfe\xff": "The file is UTF-16: save it as UTF-8 (CSV UTF-8 in Excel).",
    b"\x1f\x8b": "The file is compressed: unpack it first.",
    b"PK": "The file is a workbook or an archive: save the sheet as CSV UTF-8.",
    b"%PDF": "The file is a PDF: send a table as CSV UTF-8.",
}


class TableBroken(SourceBroken):
    """A table that cannot be read on, from the line where that begins."""


class Row(NamedTuple):
    """A row of a table; ``line`` is the first of its lines, 1 the first of the file."""

    line: int
    cells: list[str]


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose header was read.

    Attributes:
        columns: their names; a column without one is called by its place.
        rows: those with something in them, read as they are asked for.
    """

    columns: tuple[str, ...]
    delimiter: str
    rows: Iterator[Row]

    def ragged(self, row: Row) -> Problem | None:
        """Return what is wrong with a row's number of cells."""
        if len(row.cells) == len(self.columns):
            return None
        text = (
            f"This row has {len(row.cells)} cell{'' if len(row.cells) == 1 else 's'}, "
            f"the header has {len(self.columns)}. Put text with a "
            f"{_SIGNS[self.delimiter]} in it into double quotes, with no space before "
            "them."
        )
        return Problem("", "ragged_row", text)


_SIGNS: Final = {",": "comma", "\t": "tab", ";": "semicolon"}


def open_table(source: Iterable[bytes]) -> Table:
    """Read the header of a table.

    Raises:
        TableBroken: there is no usable header; later, from the rows.
    """
    lines = split_lines(source)
    first = next(lines, None)
    if first is None or first.data is None or not first.data.strip():
        if first is not None and first.data is None:
            raise _too_long(first.number)
        text = "There is no header: put the columns' names into the first line."
        raise TableBroken(Problem("", "no_header", text), None if first is None else 1)
    _refuse_beginning(first.data)
    delimiter = delimiter_of(_text(first))
    rows = _rows(_chain(first, lines), delimiter)
    columns = _columns(next(rows).cells)
    return Table(columns, delimiter, (row for row in rows if any(row.cells)))


def looks_like_table(head: bytes) -> bool:
    """Tell whether a file's beginning is a header and a row, not sentences."""
    rows = [
        cells_of(line, delimiter_of(line.decode(errors="replace")))
        for line in islice(head.splitlines(), _ROWS_COMPARED)
    ]
    if len(rows) < _ROWS_COMPARED:
        return False
    header, row = rows[0] or [], rows[1] or []
    return 1 < len(header) == len(row) and not any(
        name != name.lstrip(" ") or name.rstrip().endswith(_SENTENCE_ENDS)
        for name in header
    )


def named_like_table(filename: str) -> bool:
    """Tell whether a file's name is a table's."""
    return filename.lower().endswith(_TABLE_SUFFIXES)


def delimiter_of(header: str) -> str:
    """Return what parts the cells: what splits the header into the most."""
    return max(_DELIMITERS, key=lambda sign: _count(header, sign))


def _count(header: str, delimiter: str) -> int:
    try:
        return len(next(csv.reader([header], delimiter=delimiter), []))
    except csv.Error:
        return 0


def _refuse_beginning(data: bytes) -> None:
    for beginning, text in _BEGINNINGS.items():
        if data.startswith(beginning):
            raise TableBroken(Problem("", "not_utf8", text), 1)


def _columns(cells: list[str]) -> tuple[str, ...]:
    names = [
        cell.strip() or f"column {place}" for place, cell in enumerate(cells, start=1)
    ]
    if len(names) > COLUMNS_MAX:
        text = (
            f"The header has {len(names)} columns and {COLUMNS_MAX} are accepted: "
            "leave out those that no prompt needs."
        )
        raise TableBroken(Problem("", "too_many_columns", text), 1)
    if not any(cell.strip() for cell in cells) or all(map(_is_number, cells)):
        text = (
            "The first line has no columns' names: put a header with a name for each "
            "column above the rows."
        )
        raise TableBroken(Problem("", "no_header", text), 1)
    for place, name in enumerate(names, start=1):
        _check_name(name, place, names)
    return tuple(names)


def _check_name(name: str, place: int, names: list[str]) -> None:
    if len(name) > NAME_CHARS_MAX:
        text = (
            f"The name of column {place} has {len(name)} characters and "
            f"{NAME_CHARS_MAX} are accepted: is the header missing?"
        )
        raise TableBroken(Problem("", "name_too_long", text), 1)
    if not name.isprintable() or "{" in name or "}" in name:
        text = (
            f"The name of column {place} has line breaks, invisible characters or "
            "braces in it: rename it."
        )
        raise TableBroken(Problem("", "invalid_name", text), 1)
    earlier = names.index(name) + 1
    if earlier != place:
        text = f"Columns {earlier} and {place} are both called {name!r}: rename one."
        raise TableBroken(Problem(name, "duplicate_column", text), 1)


def _is_number(cell: str) -> bool:
    return cell.strip().replace(".", "", 1).lstrip("-").isdecimal()


def _rows(lines: Iterator[Line], delimiter: str) -> Iterator[Row]:
    counted = _Lines(lines)
    reader = csv.reader(counted, delimiter=delimiter, strict=True)
    while True:
        start = counted.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _broken(error, start, counted.number) from error
        yield Row(start, cells)


class _Lines:
    """Lines as text for the standard library's reader, and how many it took."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self.number = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number = line.number
        return _text(line) + "\n"


def _chain(first: Line, rest: Iterator[Line]) -> Iterator[Line]:
    yield first
    yield from rest


def _text(line: Line) -> str:
    if line.data is None:
        raise _too_long(line.number)
    if b"\0" in line.data:
        text = "The line has a NUL character: save the file as plain UTF-8 text."
        raise TableBroken(Problem("", "nul", text), line.number)
    try:
        return line.data.decode()
    except UnicodeDecodeError as error:
        text = (
            f"Byte {error.start + 1} of the line is not UTF-8: save the file as UTF-8 "
            "(CSV UTF-8 in Excel)."
        )
        raise TableBroken(Problem("", "not_utf8", text), line.number) from error


def _too_long(number: int) -> TableBroken:
    return TableBroken(
        Problem("", "line_too_long", "A line may have 1 MiB at most."), number
    )


def _broken(error: csv.Error, start: int, reached: int) -> TableBroken:
    """Say in plain words what the standard library found."""
    words = str(error)
    if "field larger" in words:
        text = (
            f"A cell has over {CELL_CHARS_MAX:,} characters: shorten it, or close the "
            "double quote that opens it."
        )
        return TableBroken(Problem("", "cell_too_long", text), start)
    if "unexpected end" in words:
        text = (
            "A double quote opens a cell here and nothing closes it: close it, or "
            "leave it out."
        )
        return TableBroken(Problem("", "unclosed_quote", text), start)
    if "new-line character" in words:
        text = "The line ends with CR alone: save the file with LF or CRLF line ends."
        return TableBroken(Problem("", "line_end", text), reached)
    text = (
        "After the double quote that closes a cell comes neither its end nor a second "
        "quote: write a quote within a cell as two."
    )
    return TableBroken(Problem("", "stray_quote", text), reached)
