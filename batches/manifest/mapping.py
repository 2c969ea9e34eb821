"""Rows of a table into items: which column goes where.

Pure. A template's ``{{column}}`` is replaced by the row's cell, once and as it stands:
there are no expressions, and braces within a cell mean nothing.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from batches.manifest.body import input_object
from batches.manifest.problems import Problem
from batches.manifest.reader import Made
from batches.manifest.tables import Row, Table
from batchrouter.kit import strict_json

_PLACE: Final = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")

ItemOf = Callable[[str], Mapping[str, Any]]


def placeholders(template: str) -> tuple[str, ...]:
    """Return the columns that a template names, each once, in order."""
    return tuple(dict.fromkeys(_PLACE.findall(template)))


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Which column goes where; an empty name is none.

    Attributes:
        id_column: gives ``customer_item_id``; without it, rows are named by line.
        template: the text of the input, with placeholders.
        instructions: the same, for all rows; empty leaves the item's own.
        model_column: gives each row's model.
        expected_column: gives the known answers; an empty cell is an ordinary row.
        match: how answers are compared with the known ones.
        metadata_columns: come back with the results.
    """

    template: str
    id_column: str = ""
    instructions: str = ""
    model_column: str = ""
    expected_column: str = ""
    match: str = "exact"
    metadata_columns: tuple[str, ...] = ()

    def columns_of(self, field: str) -> tuple[str, ...]:
        """Return the columns that a field of an item was made of."""
        if field.startswith("metadata."):
            return (field.removeprefix("metadata."),)
        found = {
            "customer_item_id": (self.id_column,),
            "model": (self.model_column,),
            "input": placeholders(self.template),
            "input.input": placeholders(self.template),
            "input.instructions": placeholders(self.instructions),
            "golden.expected": (self.expected_column,),
        }.get(field, ())
        return tuple(name for name in found if name)


def made_items(table: Table, mapping: ColumnMapping, item_of: ItemOf) -> Iterator[Made]:
    """Yield an item for each row, with the line it begins on.

    Args:
        table: its rows are read as they are asked for.
        mapping: names columns of the table only.
        item_of: returns the item that a row is put into, by its model.

    Raises:
        TableBroken: under way.
    """
    place_of = {name: place for place, name in enumerate(table.columns)}
    items: dict[str, Mapping[str, Any]] = {}
    for row in table.rows:
        problem = table.ragged(row)
        if problem is not None:
            yield row.line, problem
            continue
        cells = {name: row.cells[place] for name, place in place_of.items()}
        model = cells.get(mapping.model_column, "").strip()
        if model not in items:
            items[model] = item_of(model)
        yield row.line, _item(row, cells, mapping, items[model])


def _item(
    row: Row, cells: Mapping[str, str], mapping: ColumnMapping, item: Mapping[str, Any]
) -> dict[str, Any] | Problem:
    if mapping.id_column and not cells[mapping.id_column].strip():
        text = "The id is empty: fill the cell, or let the lines number the items."
        return Problem("customer_item_id", "required", text)
    body = {**input_object(item["input"]), "input": _filled(mapping.template, cells)}
    if mapping.instructions:
        body["instructions"] = _filled(mapping.instructions, cells)
    made = {
        **item,
        "customer_item_id": cells[mapping.id_column]
        if mapping.id_column
        else f"line-{row.line}",
        "input": body,
    }
    metadata = {name: cells[name] for name in mapping.metadata_columns if cells[name]}
    if metadata:
        made["metadata"] = metadata
    expected = cells.get(mapping.expected_column, "")
    if not expected.strip():
        return made
    if mapping.match != "json":
        made["golden"] = {"expected": expected, "match": mapping.match}
        return made
    try:
        value = strict_json.loads(expected.encode())
    except strict_json.StrictJsonError as error:
        return Problem("golden.expected", error.code, error.message)
    made["golden"] = {"expected": value, "match": mapping.match}
    return made


def _filled(template: str, cells: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda place: cells[place[1]], template)
