"""Settled demand: daily sums from batches, and public rankings out of them.

No figure that fewer than three orgs stand behind is shown. Rows below that are folded
into ``other``; where ``other`` itself would be below it, the smallest shown rows join
it, or nothing is shown at all.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from datetime import date, timedelta
from decimal import Decimal

from django.contrib.postgres.aggregates import ArrayAgg
from django.db import connection
from django.db.models import QuerySet, Sum

from catalog.models import SettledDemand

ORGS_MIN = 3
WINDOW_DAYS = {"24h": 1, "7d": 7, "30d": 30, "90d": 90}
ROWS_MAX = 50


@dataclass(frozen=True, slots=True)
class Settled:
    """Settled work of one org on one UTC day.

    Attributes:
        kind: ``model`` or ``workflow``; batches hands in one of each where it applies.
        slug: of the model that did it, or of the workflow product.
        batches: 1 with the first fold of a batch for this key, else 0.
    """

    day: date
    kind: str
    slug: str
    provider: str
    operation: str
    org_id: int
    items: int
    tokens: int
    batches: int


@dataclass(frozen=True, slots=True)
class RankingRow:
    """One line of a ranking.

    Attributes:
        share: of the items of the window, 0 to 1, four places.
        change: items against the window before, such as 0.25 for a quarter more; None
            where that window had too few orgs to say.
    """

    slug: str
    items: int
    tokens: int
    batches: int
    share: Decimal
    change: Decimal | None


@dataclass(frozen=True, slots=True)
class Ranking:
    """A ranking of the days from ``start`` to ``end``, both included."""

    start: date
    end: date
    rows: list[RankingRow]
    other: RankingRow | None


_COLUMNS = ", ".join(column.name for column in fields(Settled))
_FOLD = f"""
INSERT INTO catalog_settleddemand AS s ({_COLUMNS})
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (day, kind, slug, provider, operation, org_id) DO UPDATE SET
    items = s.items + EXCLUDED.items,
    tokens = s.tokens + EXCLUDED.tokens,
    batches = s.batches + EXCLUDED.batches
"""  # noqa: S608 # the names of our own dataclass


def fold(settled: Settled) -> None:
    """Add settled work to its day. Call once, in the transaction that settles."""
    with connection.cursor() as cursor:
        cursor.execute(_FOLD, astuple(settled))


def ranking(
    *,
    kind: str,
    window: str,
    today: date,
    provider: str | None = None,
    operation: str | None = None,
) -> Ranking:
    """Rank models or workflow products by settled items.

    Args:
        kind: ``model`` or ``workflow``.
        window: a key of :data:`WINDOW_DAYS`; it ends with ``today``, which is part.
        today: the present UTC day.
        provider: only work that this provider did.
        operation: only this operation.
    """
    days = timedelta(days=WINDOW_DAYS[window])
    rows = SettledDemand.objects.filter(kind=kind)
    if provider is not None:
        rows = rows.filter(provider=provider)
    if operation is not None:
        rows = rows.filter(operation=operation)
    start = today - days + timedelta(days=1)
    shown, folded = _fold_small(_sums(rows, start, today))
    before = {
        sums.slug: sums.items
        for sums in _sums(rows, start - days, today - days)
        if len(sums.orgs) >= ORGS_MIN
    }
    total = sum(sums.items for sums in [*shown, *folded])
    return Ranking(
        start=start,
        end=today,
        rows=[_row(sums, total, before.get(sums.slug)) for sums in shown],
        other=_row(_merge(folded), total, None) if folded else None,
    )


@dataclass(frozen=True, slots=True)
class _Sums:
    slug: str
    items: int
    tokens: int
    batches: int
    orgs: frozenset[int]


def _sums(rows: QuerySet[SettledDemand], start: date, end: date) -> list[_Sums]:
    """Return the sums by slug, most items first."""
    grouped = (
        rows.filter(day__range=(start, end))
        .values("slug")
        .annotate(
            all_items=Sum("items"),
            all_tokens=Sum("tokens"),
            all_batches=Sum("batches"),
            orgs=ArrayAgg("org_id", distinct=True),
        )
        .order_by("-all_items", "slug")
    )
    return [
        _Sums(
            slug=row["slug"],
            items=int(row["all_items"]),
            tokens=int(row["all_tokens"]),
            batches=int(row["all_batches"]),
            orgs=frozenset(row["orgs"]),
        )
        for row in grouped
    ]


def _fold_small(sums: Sequence[_Sums]) -> tuple[list[_Sums], list[_Sums]]:
    """Split into what may be shown and what goes into ``other``."""
    shown = [row for row in sums if len(row.orgs) >= ORGS_MIN]
    folded = [row for row in sums if len(row.orgs) < ORGS_MIN] + shown[ROWS_MAX:]
    shown = shown[:ROWS_MAX]
    while folded and len(_merge(folded).orgs) < ORGS_MIN:
        if not shown:
            return [], []
        folded.append(shown.pop())
    return shown, folded


def _merge(rows: Sequence[_Sums]) -> _Sums:
    return _Sums(
        slug="other",
        items=sum(row.items for row in rows),
        tokens=sum(row.tokens for row in rows),
        batches=sum(row.batches for row in rows),
        orgs=frozenset[int]().union(*(row.orgs for row in rows)),
    )


def _row(sums: _Sums, total: int, before: int | None) -> RankingRow:
    return RankingRow(
        slug=sums.slug,
        items=sums.items,
        tokens=sums.tokens,
        batches=sums.batches,
        share=_ratio(sums.items, total),
        change=None if not before else _ratio(sums.items - before, before),
    )


def _ratio(part: int, whole: int) -> Decimal:
    """Divide to four places; nothing of nothing is 0."""
    if whole == 0:
        return Decimal("0.0000")
    return (Decimal(part) / whole).quantize(Decimal("0.0001"))
