"""A table before it becomes items."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from batches.manifest.mapping import ColumnMapping, ItemOf, made_items
from batches.manifest.problems import Problem
from batches.manifest.tables import Row, Table
from console.presenters.manifests import pretty
from console.sheets import Sheet

_COLUMNS_SHOWN: Final = 12
_CELL_SHOWN: Final = 60
_ITEM_SHOWN: Final = 4_000


@dataclass(frozen=True, slots=True)
class SheetView:
    """The first rows of a table.

    Attributes:
        columns: those shown, with what puts them into a prompt.
        rows: their lines and cells, shortened.
        more_count: columns that are not shown.
    """

    filename: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    more_count: int


def sheet_view(sheet: Sheet) -> SheetView:
    """Show a table's first rows and columns."""
    columns, rows = sheet.columns, sheet.rows
    return SheetView(
        filename=sheet.filename,
        columns=tuple((name, f"{{{{{name}}}}}") for name in columns[:_COLUMNS_SHOWN]),
        rows=tuple(
            (row.line, tuple(map(_shown, row.cells[:_COLUMNS_SHOWN]))) for row in rows
        ),
        more_count=max(0, len(columns) - _COLUMNS_SHOWN),
    )


def first_item(
    columns: tuple[str, ...],
    rows: Sequence[Row],
    mapping: ColumnMapping,
    item_of: ItemOf,
) -> str:
    """Write the item that the first row becomes, or why it becomes none."""
    table = Table(columns, ",", iter(rows[:1]))
    line, made = next(made_items(table, mapping, item_of))
    if isinstance(made, Problem):
        return f"Line {line}: {made.message}"
    text = pretty(dict(_in_order(made)))
    return text if len(text) <= _ITEM_SHOWN else f"{text[:_ITEM_SHOWN]}…"


def _in_order(item: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    head = ("customer_item_id", "operation", "model", "input")
    for name in (*head, *item.keys() - {*head}):
        if name in item:
            yield name, item[name]


def _shown(cell: str) -> str:
    text = " ".join(cell.split())
    return text if len(text) <= _CELL_SHOWN else f"{text[: _CELL_SHOWN - 1]}…"
