"""Manifests as people read them, and what is wrong with one beside its lines."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from batches.manifest.lines import split_lines
from batches.models import Manifest
from console.presenters.legible import legible

_LINE_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class LineProblem:
    """One thing that is wrong; ``where`` is a column or a field, or empty."""

    where: str
    message: str


@dataclass(frozen=True, slots=True)
class ProblemLine:
    """A line with what is wrong with it.

    Attributes:
        number: None for what is wrong with the whole.
        item: the customer's id, or empty.
        text: how the line begins; empty where it cannot be shown.
    """

    number: int | None
    item: str
    text: str
    problems: tuple[LineProblem, ...]


@dataclass(frozen=True, slots=True)
class KeptItems:
    """Items that need not be sent again: their file, and how many there are."""

    file_id: str
    name: str
    count: int


def kept_items(manifest: Manifest) -> KeptItems:
    """Show a manifest whose file was sent before."""
    file = manifest.file
    return KeptItems(file.public_id, legible(file.filename), manifest.item_count)


def pretty(manifest: Mapping[str, Any]) -> str:
    """Write a manifest with one field a line."""
    return json.dumps(manifest, indent=2, ensure_ascii=False)


def problem_lines(
    errors: Sequence[Mapping[str, Any]],
    source: Callable[[], Iterable[bytes]],
    columns_of: Callable[[str], Sequence[str]] = lambda _: (),
) -> tuple[ProblemLine, ...]:
    """Put problems, as the API lists them, beside the lines that they are about.

    Args:
        errors: in the order in which they were found.
        source: returns the bytes that the lines are in, read as far as is needed.
        columns_of: the columns of a table that a field was made of.
    """
    by_line: dict[int | None, list[Mapping[str, Any]]] = {}
    for error in errors:
        by_line.setdefault(error["line"], []).append(error)
    texts = _texts({number for number in by_line if number is not None}, source)
    return tuple(
        ProblemLine(
            number=number,
            item=next((one["customer_item_id"] or "" for one in found), ""),
            text="" if number is None else texts.get(number, ""),
            problems=tuple(
                LineProblem(_where(one["field"], columns_of), one["message"])
                for one in found
            ),
        )
        for number, found in by_line.items()
    )


def _where(field: str, columns_of: Callable[[str], Sequence[str]]) -> str:
    columns = columns_of(field)
    if not columns:
        return field
    return f"column{'s' if len(columns) > 1 else ''} {', '.join(columns)}"


def _texts(wanted: set[int], source: Callable[[], Iterable[bytes]]) -> dict[int, str]:
    found: dict[int, str] = {}
    if not wanted:
        return found
    last = max(wanted)
    for line in split_lines(source()):
        if line.number in wanted and line.data is not None:
            found[line.number] = _beginning(line.data)
        if line.number >= last:
            break
    return found


def _beginning(data: bytes) -> str:
    # A letter of UTF-8 has up to four bytes.
    text = data[: _LINE_SHOWN * 4 + 4].decode(errors="replace").strip()
    text = text.replace("\t", "    ")
    shown = "".join(
        one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text
    )
    return shown if len(shown) <= _LINE_SHOWN else f"{shown[: _LINE_SHOWN - 1]}…"
