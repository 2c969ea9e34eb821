"""Settled demand: daily sums from batches, and public rankings out of them.

No figure that fewer than three orgs stand behind is shown. Rows below that are folded
into ``other``; where ``other`` itself would be below it, the smallest shown rows join
it, or nothing is shown at all.

A day's row keeps its first three orgs. That is enough: a row with three is above the
line by itself, and one with fewer names all of its orgs, so a union of rows is below
the line only if it is so in truth.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from django.db import connection

ORGS_MIN = 3
WINDOW_DAYS = {"24h": 1, "7d": 7, "30d": 30, "90d": 90}
ROWS_MAX = 50
# A provider or an operation that is not asked for.
ANY = ""


@dataclass(frozen=True, slots=True)
class Settled:
    """Work of one batch that was settled, of one kind.

    Attributes:
        kind: ``model`` or ``workflow``.
        slug: of the model that did it, or of the workflow product.
    """

    kind: str
    slug: str
    provider: str
    operation: str
    items: int
    tokens: int


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


_FOLD = f"""
INSERT INTO catalog_settleddemand AS s
       (day, kind, slug, provider, operation, org_ids, items, tokens, batches)
VALUES (%s, %s, %s, %s, %s, ARRAY[%s::bigint], %s, %s, 1)
ON CONFLICT (kind, provider, operation, day, slug) DO UPDATE SET
    items = s.items + EXCLUDED.items,
    tokens = s.tokens + EXCLUDED.tokens,
    batches = s.batches + 1,
    org_ids = CASE WHEN cardinality(s.org_ids) >= {ORGS_MIN}
                     OR s.org_ids @> EXCLUDED.org_ids
                   THEN s.org_ids ELSE s.org_ids || EXCLUDED.org_ids END
"""  # noqa: S608 # a number of ours only


def fold(works: Iterable[Settled], *, org_id: int, day: date) -> None:
    """Add all settled work of one batch to its UTC day.

    Call once a batch, in the transaction that settles. Rows are written in one order,
    so that two batches that end together never wait for each other in a circle.
    """
    sums: dict[tuple[str, str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for work in works:
        for provider in (work.provider, ANY):
            for operation in (work.operation, ANY):
                counts = sums[work.kind, work.slug, provider, operation]
                counts[0] += work.items
                counts[1] += work.tokens
    with connection.cursor() as cursor:
        cursor.executemany(
            _FOLD,
            [(day, *key, org_id, *counts) for key, counts in sorted(sums.items())],
        )


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
    start = today - days + timedelta(days=1)
    asked = {"kind": kind, "provider": provider or ANY, "operation": operation or ANY}
    found = _sums(asked, begin=start - days, start=start, end=today)
    shown, folded = _fold_small([sums for sums in found if sums.is_present])
    before = {
        sums.slug: sums.items
        for sums in found
        if not sums.is_present and sums.has_enough_orgs
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
    """Sums by slug, over the window or over the one before it.

    Attributes:
        is_present: over the window itself.
        is_common: one day alone has enough orgs.
        orgs: all of them where no day has enough, else none.
    """

    slug: str
    is_present: bool
    items: int
    tokens: int
    batches: int
    is_common: bool
    orgs: frozenset[int] = frozenset()

    @property
    def has_enough_orgs(self) -> bool:
        """Whether its figures may be shown."""
        return self.is_common or len(self.orgs) >= ORGS_MIN


# One pass over both windows, by the index alone: see its columns.
_DAYS = """
SELECT slug, day >= %(start)s AS is_present, items, tokens, batches, org_ids
  FROM catalog_settleddemand
 WHERE kind = %(kind)s AND provider = %(provider)s AND operation = %(operation)s
   AND day BETWEEN %(begin)s AND %(end)s
"""
_SUMS = f"""
SELECT slug, is_present, sum(items), sum(tokens), sum(batches),
       max(cardinality(org_ids)) >= {ORGS_MIN}
  FROM ({_DAYS}) AS days GROUP BY slug, is_present ORDER BY 3 DESC, 1
"""  # noqa: S608 # constants of ours only
_ORGS = f"""
SELECT slug, is_present, array_agg(DISTINCT org_id)
  FROM ({_DAYS}) AS days, unnest(org_ids) AS org_id
 WHERE slug = ANY(%(rare)s) GROUP BY slug, is_present
"""  # noqa: S608 # constants of ours only


def _sums(
    asked: Mapping[str, str], *, begin: date, start: date, end: date
) -> list[_Sums]:
    """Return the sums of both windows, most items first."""
    values: dict[str, str | date | list[str]] = {
        **asked,
        "begin": begin,
        "start": start,
        "end": end,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SUMS, values)
        found = [
            _Sums(
                slug, is_present, int(items), int(tokens), int(batches), bool(is_common)
            )
            for slug, is_present, items, tokens, batches, is_common in cursor.fetchall()
        ]
        rare = {sums.slug for sums in found if not sums.is_common}
        if not rare:
            return found
        cursor.execute(_ORGS, values | {"rare": sorted(rare)})
        orgs = {(slug, is_now): frozenset(ids) for slug, is_now, ids in cursor}
    return [
        sums
        if sums.is_common
        else replace(sums, orgs=orgs.get((sums.slug, sums.is_present), frozenset()))
        for sums in found
    ]


def _fold_small(sums: Sequence[_Sums]) -> tuple[list[_Sums], list[_Sums]]:
    """Split into what may be shown and what goes into ``other``."""
    shown = [row for row in sums if row.has_enough_orgs]
    folded = [row for row in sums if not row.has_enough_orgs] + shown[ROWS_MAX:]
    shown = shown[:ROWS_MAX]
    while folded and not _merge(folded).has_enough_orgs:
        if not shown:
            return [], []
        folded.append(shown.pop())
    return shown, folded


def _merge(rows: Sequence[_Sums]) -> _Sums:
    return _Sums(
        slug="other",
        is_present=True,
        items=sum(row.items for row in rows),
        tokens=sum(row.tokens for row in rows),
        batches=sum(row.batches for row in rows),
        is_common=any(row.is_common for row in rows),
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
