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
from dataclasses import dataclass
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
    asked = (kind, provider or ANY, operation or ANY)
    shown, folded = _fold_small(_sums((*asked, start, today)))
    before = {
        sums.slug: sums.items
        for sums in _sums((*asked, start - days, today - days))
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
    """Sums by slug; ``orgs`` are all of them, or three and more."""

    slug: str
    items: int
    tokens: int
    batches: int
    orgs: frozenset[int]


_WINDOW = """
 WHERE kind = %s AND provider = %s AND operation = %s AND day BETWEEN %s AND %s
"""
_SUMS = f"""
SELECT slug, sum(items), sum(tokens), sum(batches)
  FROM catalog_settleddemand {_WINDOW} GROUP BY slug ORDER BY 2 DESC, 1
"""  # noqa: S608 # constants of ours only
_ORGS = f"""
SELECT slug, array_agg(DISTINCT org_id)
  FROM catalog_settleddemand, unnest(org_ids) AS org_id {_WINDOW} GROUP BY slug
"""  # noqa: S608 # constants of ours only


def _sums(asked: Sequence[str | date]) -> list[_Sums]:
    """Return the sums by slug, most items first."""
    with connection.cursor() as cursor:
        cursor.execute(_ORGS, asked)
        orgs: Mapping[str, list[int]] = dict(cursor.fetchall())
        cursor.execute(_SUMS, asked)
        return [
            _Sums(
                slug,
                int(items),
                int(tokens),
                int(batches),
                frozenset(orgs.get(slug, ())),
            )
            for slug, items, tokens, batches in cursor.fetchall()
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
