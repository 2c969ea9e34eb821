"""Imports of past jobs as their pages show them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from batches.imports.kinds import TITLES
from batches.models import Import
from batches.states import IMPORT_OPEN, ImportState
from console.presenters.report_findings import PROVIDER_NAMES

Json = Mapping[str, Any]

_COUNT_WORDS: Final = {
    "items": "Items and requests",
    "completed": "Answered",
    "failed": "Failed",
    "canceled": "Canceled",
    "expired": "Expired",
    "unanswered": "Only asked",
    "duplicates": "Counted before",
    "outside_window": "On other days",
    "undated": "Without a date",
    "without_usage": "Without usage",
    "unpriced": "Without a list price",
    "in_force": "At the price of their day",
    "earliest_known": "At the earliest known price",
    "assumed_batch": "Taken as batch",
}
# How a line is mended, by the code of its problem.
_MENDS: Final = {
    "usage_not_believable": "Export the file again; if it stays so, ask the provider.",
    "bucket_not_over": "Export the day again when it is over.",
    "date_unreadable": "Write seconds since 1970, or a day such as 2026-10-31.",
    "date_not_believable": "Mend the date, or leave the line out.",
    "line_too_long": "Leave the line out, or cut its text.",
    "row_length": "Quote cells that hold the delimiter, and export again.",
    "row_unreadable": "Save the table as UTF-8 with whole quotes.",
    "body_unknown": "Only answers of responses, chat completions and embeddings count.",
    "result_unknown": "Import the results file as the provider wrote it.",
    "missing": "Import the file as the provider wrote it.",
    "model_missing": "Export with the model of each line.",
}
_MEND: Final = "Mend the line and import the file again: what counted stays counted."


@dataclass(frozen=True, slots=True)
class Sums:
    """What an import's days come to; amounts in nano-dollars at list price."""

    items: int
    tokens: int
    cost_nanousd: int
    first: date | None
    last: date | None


NO_SUMS: Final = Sums(0, 0, 0, None, None)


@dataclass(frozen=True, slots=True)
class ImportLine:
    """An import in the list."""

    public_id: str
    filename: str
    provider: str
    kind: str
    state: str
    items: int
    tokens: int
    cost_nanousd: int
    error_count: int
    first: date | None
    last: date | None
    created_at: datetime


def import_line(row: Import, sums: Sums) -> ImportLine:
    """Show an import in the list."""
    return ImportLine(
        public_id=row.public_id,
        filename=row.file.filename,
        provider=PROVIDER_NAMES[row.provider],
        kind=_kind(row),
        state=row.state,
        items=int(row.counts.get("items", 0)),
        tokens=sums.tokens,
        cost_nanousd=sums.cost_nanousd,
        error_count=row.error_count,
        first=sums.first,
        last=sums.last,
        created_at=row.created_at,
    )


def _kind(row: Import) -> str:
    """Return the kind without its article."""
    return TITLES[row.kind].partition(" ")[2]


@dataclass(frozen=True, slots=True)
class Live:
    """What moves while an import is read."""

    public_id: str
    state: str
    is_open: bool
    bytes_read: int
    bytes_total: int
    percent: str
    lines_read: int
    items: int
    error_count: int
    failure: str


def live(row: Import, body: Json) -> Live:
    """Show what moves; ``body`` is ``batches.import_rendering.import_json``."""
    progress, failure = body["progress"], body["failure"]
    return Live(
        public_id=row.public_id,
        state=row.state,
        is_open=row.state in IMPORT_OPEN,
        bytes_read=min(progress["bytes_read"], progress["bytes_total"]),
        bytes_total=progress["bytes_total"],
        percent=f"{progress['percent']:.0f} %",
        lines_read=progress["lines_read"],
        items=body["counts"]["items"],
        error_count=row.error_count,
        failure="" if failure is None else failure["message"],
    )


@dataclass(frozen=True, slots=True)
class ModelSums:
    """What an import says of one model, mode and operation.

    Attributes:
        model: the catalog's slug; empty where the price book does not know it.
        here_nanousd: about what the cheapest open lane of the model would be charged
            now, fee included; None where none is open.
    """

    model: str
    mode: str
    operation: str
    items: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost_nanousd: int
    here_nanousd: int | None
    lane: str


@dataclass(frozen=True, slots=True)
class LineProblem:
    """A line that could not be taken as it stands."""

    line: int
    field: str
    what: str
    mend: str


@dataclass(frozen=True, slots=True)
class ImportPage:
    """One import: what it is, what came of it, and what is wrong with it.

    Attributes:
        here_nanousd: of the models that have an open lane; beside ``there_nanousd``,
            the list price of the same.
    """

    line: ImportLine
    provider_key: str
    sha256: str
    window: str
    can_delete: bool
    counts: tuple[tuple[str, int], ...]
    models: tuple[ModelSums, ...]
    there_nanousd: int
    here_nanousd: int
    unpriced: tuple[tuple[str, int], ...]
    problems: tuple[LineProblem, ...]
    problems_left: int
    completed_at: datetime | None
    is_completed: bool


def import_page(row: Import, sums: Sums, models: Sequence[ModelSums]) -> ImportPage:
    """Show one import."""
    compared = [one for one in models if one.here_nanousd is not None]
    return ImportPage(
        line=import_line(row, sums),
        provider_key=row.provider,
        sha256=row.sha256,
        window=f"{row.window_from} to {row.window_to}" if row.window_from else "",
        can_delete=row.state not in IMPORT_OPEN,
        counts=tuple(
            (words, row.counts[name])
            for name, words in _COUNT_WORDS.items()
            if row.counts.get(name)
        ),
        models=tuple(models),
        there_nanousd=sum(one.cost_nanousd for one in compared),
        here_nanousd=sum(one.here_nanousd or 0 for one in compared),
        unpriced=tuple(sorted(row.unpriced_models.items())),
        problems=tuple(_problems(row.errors)),
        problems_left=row.error_count - len(row.errors),
        completed_at=row.completed_at,
        is_completed=row.state == ImportState.COMPLETED,
    )


def _problems(errors: Iterable[Json]) -> Iterable[LineProblem]:
    return (
        LineProblem(
            one["line"], one["field"], one["message"], _MENDS.get(one["code"], _MEND)
        )
        for one in errors
    )
