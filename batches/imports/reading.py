"""The facts of a file, one line after another, in bounded memory."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from batches.imports import (
    anthropic_files,
    kinds,
    openai_files,
    usage_exports,
)
from batches.imports.kinds import Kind
from batches.imports.records import Reading
from batches.manifest.lines import Line, split_lines
from batches.manifest.problems import Problem
from batchrouter.kit import strict_json

_DEPTH_MAX: Final = 64
# A clock at the provider may be ahead of ours.
_CLOCK_SLACK: Final = timedelta(days=1)
_TOO_LONG: Final = Problem("", "line_too_long", "A line may have 1 MiB at most.")
_NO_OBJECT: Final = Problem("", "wrong_type", "The line is no JSON object.")
_NO_RESULTS: Final = Problem("results", "missing", "There are no results here.")

Rows = Callable[[Mapping[str, Any], datetime], Reading]


@dataclass(frozen=True, slots=True)
class ReadLine:
    """What a line gave.

    Attributes:
        number: of the line, or of the result in a JSON document; 1 is the first.
        offset: how many bytes of the file are read after it; 0 in a document.
        reading: a fact, why it is none, or nothing.
        place: the path of a result in its line or document.
    """

    number: int
    offset: int
    reading: Reading
    place: str = ""


def read_lines(
    kind: Kind, chunks: Iterable[bytes], *, now: datetime, after: int = 0
) -> Iterator[ReadLine]:
    """Yield what each line of a file gives.

    Args:
        kind: as :mod:`batches.imports.kinds` found it.
        chunks: the file's bytes.
        now: nothing can have happened later.
        after: the number of the last line that was read before; its followers come.
    """
    lines = split_lines(chunks)
    if kind in {Kind.OPENAI_USAGE_CSV, Kind.ANTHROPIC_USAGE_CSV}:
        yield from _table(kind, lines, now, after)
        return
    for line in lines:
        if line.number <= after:
            continue
        end = line.offset + len(line.data or b"")
        for place, reading in _json_line(kind, line, now):
            yield ReadLine(line.number, end, reading, place)


def read_document(kind: Kind, data: bytes, *, now: datetime) -> Iterator[ReadLine]:
    """Yield what each result of a JSON document gives.

    Raises:
        StrictJsonError: the document cannot be read.
    """
    rows = _ROWS[kind]
    document = kinds.load_document(data)
    for number, (place, row) in enumerate(usage_exports.rows_of(document), start=1):
        yield ReadLine(number, 0, rows(row, now), place)


def _json_line(kind: Kind, line: Line, now: datetime) -> Iterator[tuple[str, Reading]]:
    if line.data is None:
        yield "", _TOO_LONG
        return
    if not line.data.strip():
        return
    try:
        value = strict_json.loads(line.data, max_depth=_DEPTH_MAX)
    except strict_json.StrictJsonError as error:
        yield "", Problem("", error.code, error.message)
        return
    if not isinstance(value, dict):
        yield "", _NO_OBJECT
    elif kind in _ROWS:
        yield from _results(_ROWS[kind], value, now)
    else:
        yield "", _item(kind, value, line.data, now)


def _results(
    rows: Rows, value: dict[str, Any], now: datetime
) -> Iterator[tuple[str, Reading]]:
    found = False
    for place, row in usage_exports.rows_of(value):
        found = True
        yield place, rows(row, now)
    if not found and not isinstance(value.get("data", value.get("results")), list):
        yield "", _NO_RESULTS


def _item(kind: Kind, value: dict[str, Any], data: bytes, now: datetime) -> Reading:
    if kind is Kind.OPENAI_BATCH_INPUT:
        return openai_files.read_input_line(value, line=data)
    if kind is Kind.ANTHROPIC_BATCH_RESULTS:
        return anthropic_files.read_results_line(value, line=data)
    return openai_files.read_output_line(value, latest=now + _CLOCK_SLACK)


def _openai_row(row: Mapping[str, Any], now: datetime) -> Reading:
    return usage_exports.read_openai(row, now=now)


def _anthropic_row(row: Mapping[str, Any], now: datetime) -> Reading:
    return usage_exports.read_anthropic(row, now=now)


def _anthropic_csv_row(row: Mapping[str, Any], now: datetime) -> Reading:
    return usage_exports.read_anthropic_csv(row, now=now)


_ROWS: Final[Mapping[Kind, Rows]] = {
    Kind.OPENAI_USAGE_JSON: _openai_row,
    Kind.ANTHROPIC_USAGE_JSON: _anthropic_row,
}
_TABLE_ROWS: Final[Mapping[Kind, Rows]] = {
    Kind.OPENAI_USAGE_CSV: _openai_row,
    Kind.ANTHROPIC_USAGE_CSV: _anthropic_csv_row,
}


def _table(
    kind: Kind, lines: Iterator[Line], now: datetime, after: int
) -> Iterator[ReadLine]:
    rows = _TABLE_ROWS[kind]
    columns: list[str] = []
    delimiter = ","
    for line in lines:
        if line.data is not None and not line.data.strip():
            continue
        if line.data is not None and not columns:
            delimiter = kinds.delimiter_of(line.data)
            columns = kinds.columns_of(line.data) or []
            continue
        if line.number <= after:
            continue
        end = line.offset + len(line.data or b"")
        yield ReadLine(line.number, end, _row(rows, line, columns, delimiter, now))


def _row(
    rows: Rows, line: Line, columns: list[str], delimiter: str, now: datetime
) -> Reading:
    if line.data is None:
        return _TOO_LONG
    cells = kinds.cells_of(line.data, delimiter)
    if cells is None:
        return Problem("", "row_unreadable", "The row's quotes or text are broken.")
    if len(cells) != len(columns):
        return Problem(
            "",
            "row_length",
            f"The row has {len(cells)} cells, the table {len(columns)} columns.",
        )
    row = dict(zip(columns, cells, strict=True))
    # A NUL would not pass into the database.
    if any("\0" in cell for cell in cells):
        return Problem("", "row_unreadable", "The row holds a NUL character.")
    return rows(row, now)
