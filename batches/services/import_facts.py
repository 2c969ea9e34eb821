"""Facts of imported lines: priced at list, counted once, summed by day."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, time
from typing import Any, Final

from django.db import connection

from batches.imports.reading import ReadLine
from batches.imports.records import Use
from batches.manifest.problems import ERRORS_SHOWN, Problem
from batches.models import Import, ImportedDay
from batchrouter.kit.money import TOKENS_PER_PRICE, ceil_div
from catalog.list_prices import ListPrice, ListPrices
from routing.contracts import Usage

UNPRICED_MODELS_SHOWN: Final = 20
_OTHER_MODELS: Final = "(others)"
_UNNAMED: Final = "(unnamed)"


@dataclass(frozen=True, slots=True)
class Priced:
    """What a use cost at list: its exact parts, and their sum rounded up once."""

    input_numerator: int
    output_numerator: int
    cost_nanousd: int


@dataclass(frozen=True, slots=True)
class DayKey:
    """What sums of a day are kept apart by."""

    day: date
    model: str
    mode: str
    operation: str


@dataclass(slots=True)
class Sums:
    """Columns of :class:`batches.models.ImportedDay`."""

    items: int = 0
    priced_items: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    input_numerator: int = 0
    output_numerator: int = 0
    cost_nanousd: int = 0

    def add(self, use: Use, priced: Priced | None) -> None:
        """Add one use; tokens and cost only where it has both."""
        items = use.items or 0
        self.items += items
        if priced is None or use.usage is None:
            return
        self.priced_items += items
        self.input_tokens += use.usage.input_tokens
        self.cached_tokens += use.usage.cached_tokens
        self.output_tokens += use.usage.output_tokens
        self.input_numerator += priced.input_numerator
        self.output_numerator += priced.output_numerator
        self.cost_nanousd += priced.cost_nanousd


@dataclass(slots=True)
class Chunk:
    """What some lines of a file came to."""

    days: dict[DayKey, Sums] = field(default_factory=lambda: defaultdict(Sums))
    counts: Counter[str] = field(default_factory=Counter)
    unpriced: Counter[str] = field(default_factory=Counter)


class FactReader:
    """Turns an import's lines into sums, by the provider's price book."""

    def __init__(self, row: Import) -> None:
        self._row = row
        self._prices = ListPrices(row.provider)
        # A file that says no dates was made at the end of its window at the latest.
        last = row.window_to or row.created_at.date()
        self._undated = datetime.combine(last, time.min, tzinfo=UTC)

    def in_window(self, use: Use) -> bool:
        """Tell whether a use falls into the window that was asked for."""
        first, last = self._row.window_from, self._row.window_to
        if use.at is None or first is None or last is None:
            return True
        return first <= use.at.date() <= last

    def sum_up(self, uses: Iterable[Use]) -> Chunk:
        """Price and sum uses that count for the first time."""
        chunk = Chunk()
        for use in uses:
            self._add(chunk, use)
        return chunk

    def _add(self, chunk: Chunk, use: Use) -> None:
        # A bucket that does not say its requests counts as itself.
        items = 1 if use.items is None else use.items
        chunk.counts["items"] += items
        chunk.counts[use.status] += items
        if use.status != "completed":
            return
        at = use.at or self._undated
        found = self._price(use, at)
        priced = None
        if found is not None and use.usage is not None:
            priced = price_use(use.usage, found, use.average_input_tokens)
        model = self._prices.model(use.model or "") or ""
        key = DayKey(at.date(), model, use.mode, use.operation)
        chunk.days[key].add(use, priced)
        self._count(chunk, use, found, items)

    def _price(self, use: Use, at: datetime) -> ListPrice | None:
        """Return the list price; where the mode is a guess, of the other one too."""
        if use.model is None:
            return None
        found = self._prices.find(use.model, use.mode, at)
        if found is None and use.mode_is_assumed:
            return self._prices.find(use.model, "direct", at)
        return found

    def _count(
        self, chunk: Chunk, use: Use, found: ListPrice | None, items: int
    ) -> None:
        counts = chunk.counts
        counts["buckets"] += use.is_bucket
        counts["undated"] += items * (use.at is None)
        counts["assumed_batch"] += items * use.mode_is_assumed
        if use.usage is None:
            counts["without_usage"] += items
        elif found is None:
            counts["unpriced"] += items
            chunk.unpriced[use.model or _UNNAMED] += items
        else:
            basis = "in_force" if found.was_in_force else "earliest_known"
            counts[basis] += items


def price_use(usage: Usage, found: ListPrice, average_input: int | None) -> Priced:
    """Price a use at list: a cache's writes as input, a bucket by its average call."""
    price = found.price
    tier = price.tier_for(average_input or 0)
    fresh = usage.input_tokens - usage.cached_tokens
    given = fresh * tier.input + usage.cached_tokens * tier.cached_input
    made = usage.output_tokens * tier.output
    return Priced(
        input_numerator=given,
        output_numerator=made,
        cost_nanousd=ceil_div(given + made, TOKENS_PER_PRICE),
    )


_NEW_KEYS = """
INSERT INTO batches_importedkey (org_id, key, imported_id)
SELECT %s, key, %s FROM unnest(%s::uuid[]) AS key
ON CONFLICT DO NOTHING RETURNING key
"""


def first_uses(row: Import, uses: Sequence[Use]) -> list[Use]:
    """Return the uses that never counted before, each once, and remember them."""
    by_key = {uuid.UUID(bytes=use.key): use for use in reversed(uses)}
    with connection.cursor() as cursor:
        # In one order, so that two imports never wait for each other in a circle.
        cursor.execute(_NEW_KEYS, [row.org_id, row.pk, sorted(by_key)])
        return [by_key[key] for (key,) in cursor.fetchall()]


_SUMS = [column.name for column in fields(Sums)]
_KEYS = [column.name for column in fields(DayKey)]
_FOLD = f"""
INSERT INTO {ImportedDay._meta.db_table} AS d
    (imported_id, {", ".join(_KEYS)}, {", ".join(_SUMS)})
VALUES ({", ".join(["%s"] * (1 + len(_KEYS) + len(_SUMS)))})
ON CONFLICT (imported_id, {", ".join(_KEYS)}) DO UPDATE
   SET {", ".join(f"{name} = d.{name} + EXCLUDED.{name}" for name in _SUMS)}
"""  # noqa: S608 # the names of our own dataclasses


def fold(row: Import, chunk: Chunk) -> None:
    """Add a chunk's sums to the import's days and its own counts."""
    with connection.cursor() as cursor:
        cursor.executemany(
            _FOLD,
            [
                [
                    row.pk,
                    *(getattr(key, name) for name in _KEYS),
                    *(getattr(sums, name) for name in _SUMS),
                ]
                for key, sums in chunk.days.items()
            ],
        )
    add_counts(row, chunk.counts)
    for model, items in chunk.unpriced.items():
        is_shown = model in row.unpriced_models
        if not is_shown and len(row.unpriced_models) >= UNPRICED_MODELS_SHOWN:
            row.unpriced_models[_OTHER_MODELS] = (
                row.unpriced_models.get(_OTHER_MODELS, 0) + items
            )
        else:
            row.unpriced_models[model] = row.unpriced_models.get(model, 0) + items


def add_counts(row: Import, counts: Counter[str]) -> None:
    """Add to the counts of the row, which the caller saves."""
    for name, number in counts.items():
        if number:
            row.counts[name] = row.counts.get(name, 0) + number


def note_problem(row: Import, line: ReadLine, problem: Problem) -> None:
    """Count a problem on the row, and keep it while there is room."""
    row.error_count += 1
    if len(row.errors) >= ERRORS_SHOWN:
        return
    path = ".".join(part for part in (line.place, problem.field) if part)
    row.errors.append(error_json(line.number, path, problem))


def error_json(line: int, path: str, problem: Problem) -> dict[str, Any]:
    """Return a line's problem as the API shows it."""
    return {
        "line": line,
        "field": path,
        "code": problem.code,
        "message": problem.message,
    }
