"""Find a batch's rows by what became of them, the best row of all attempts, by key.

A retry runs only items that no earlier attempt delivered, so a delivered row is the
best one, and only for the others are the retries looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from batches.families import Attempts
from batches.models import Batch
from batches.selectors import Places, manifest_with_hidden_items, rows_at
from batches.states import RowStatus

# Names of checks are in the rows only; these rows have one that failed.
_FAILED_CHECK = "verification_failed"
# Of a name and a kind that are both common, a page is found so near.
_NEAR = 5_000
_LAST = 2**31 - 1
_EVERYWHERE = {"first": 0, "last": _LAST}


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Which rows to find; an empty one takes all.

    Attributes:
        name: a part of the customer's id of the item, in any case.
        status: what became of the item.
        has_failed_check: the last answer failed a check.
    """

    name: str = ""
    status: str = ""
    has_failed_check: bool = False


@dataclass(frozen=True, slots=True)
class FoundRows:
    """A page of rows in the order of the input, and whether there are rows beside it.

    Attributes:
        rows: number and JSON of each.
    """

    rows: list[tuple[int, bytes]]
    has_before: bool
    has_after: bool


# All rows: each item has one of the batch itself, and its best is found by key.
_FIRST_OF_ALL = """
WITH found AS (
  SELECT r.seq, best.batch_id
    FROM (SELECT r.seq FROM batches_resultrow r{items}
           WHERE r.batch_id = %(batch)s
             AND r.seq BETWEEN %(first)s AND %(last)s{conditions}
           ORDER BY r.seq {order} LIMIT %(limit)s) r
   CROSS JOIN LATERAL (
         SELECT a.batch_id FROM batches_resultrow a
          WHERE a.batch_id = ANY(%(family)s) AND a.seq = r.seq
          ORDER BY (a.status IN ('completed', 'review')) DESC, a.batch_id DESC
          LIMIT 1) best)
"""
_NAMED_ITEMS = """
            JOIN batches_item i
              ON i.manifest_id = %(manifest)s AND i.seq = r.seq
             AND i.seq BETWEEN %(first)s AND %(last)s
             AND strpos(lower(i.customer_item_id), lower(%(name)s)) > 0
"""
# Rows of a kind: the first of each attempt, and of these the first. All names are
# looked through once, because nobody knows how rare the name or the kind is.
_FIRST_OF_EACH = """
WITH named AS MATERIALIZED (
  SELECT seq FROM batches_item
   WHERE manifest_id = %(manifest)s AND seq BETWEEN %(first)s AND %(last)s
     AND strpos(lower(customer_item_id), lower(%(name)s)) > 0),
found AS (
  SELECT r.seq, attempt.id AS batch_id
    FROM unnest(%(family)s::bigint[]) attempt(id)
   CROSS JOIN LATERAL (
         SELECT r.seq FROM batches_resultrow r
          WHERE r.batch_id = attempt.id
            AND r.seq BETWEEN %(first)s AND %(last)s{conditions}
          ORDER BY 1 {order} LIMIT %(limit)s) r
   ORDER BY r.seq {order} LIMIT %(limit)s)
"""
# Names are met, and later rows left out, as sets: a planner that guesses the numbers of
# a new batch wrong would compare each with each.
_NAMED = """
         INTERSECT
         SELECT named.seq FROM named
"""
# What is not delivered is the best row of its item until a retry has one.
_WITHOUT_LATER = """
         EXCEPT
         SELECT later.seq FROM batches_resultrow later
          WHERE later.batch_id = ANY(%(retries)s) AND later.batch_id > attempt.id
            AND later.seq BETWEEN %(first)s AND %(last)s
"""
_PLACES = """
SELECT p.seq, p.segment_id, p."offset", p.head_length, p.length, p.batch_id
  FROM found JOIN batches_resultrow p USING (batch_id, seq)
 ORDER BY p.seq {order}
"""
_NOT_HIDDEN = """
   AND NOT EXISTS (
     SELECT 1 FROM batches_item i
      WHERE i.manifest_id = %(hidden)s AND i.seq = r.seq AND i.is_golden)
"""
# As the index of rows that are not completed says it, so that it is read.
_NOT_COMPLETED = " AND NOT r.status = 'completed'"
_DELIVERED = (RowStatus.COMPLETED, RowStatus.REVIEW)


def find_rows(
    batch: Batch,
    wanted: RowFilter,
    attempts: Attempts | None,
    *,
    after: int = -1,
    before: int | None = None,
    limit: int,
    near: int = _NEAR,
) -> FoundRows:
    """Return a page of a batch's rows, in the order of its input.

    Args:
        batch: whose; rows that exist now.
        wanted: which of them.
        attempts: of the batch, for its merged view.
        after: the item number that the page comes after.
        before: the item number that it comes before, instead.
        limit: rows of the page.
        near: item numbers that a name and a kind are first looked for among.

    Raises:
        ContentDeleted: also when it is deleted at this moment.
    """
    reaches = (near, None) if wanted.name and _kind(wanted) else (None,)
    more: dict[str, Any] = {
        "name": wanted.name,
        "status": wanted.status,
        "failed_check": _FAILED_CHECK,
        "limit": limit + 1,
    }

    def find(among: Attempts | None) -> Places:
        values = _values(batch, among) | more
        sql = _page(
            wanted,
            has_retries=bool(values["retries"]),
            is_hiding=values["hidden"] is not None,
            is_backward=before is not None,
        )
        places: Places = []
        for reach in reaches:
            values["first"], values["last"] = _span(after, before, reach)
            with connection.cursor() as cursor:
                cursor.execute(sql, values)
                places = list(cursor.fetchall())
            if len(places) > limit:
                break
        return places

    found = rows_at(batch, find, attempts, with_raw=False)
    has_more = len(found) > limit
    shown = found[:limit]
    if before is None:
        return FoundRows(shown, has_before=after >= 0, has_after=has_more)
    return FoundRows(shown[::-1], has_before=has_more, has_after=True)


def _span(after: int, before: int | None, reach: int | None) -> tuple[int, int]:
    """Return the first and the last item number to look at."""
    if before is None:
        return after + 1, _LAST if reach is None else min(_LAST, after + reach)
    return 0 if reach is None else before - reach, before - 1


def _values(batch: Batch, attempts: Attempts | None) -> dict[str, Any]:
    """Return what the SQL of a batch's rows names."""
    family = [batch.pk] if attempts is None else list(attempts.public_ids)
    return {
        "batch": batch.pk,
        "family": family,
        "retries": [pk for pk in family if pk != batch.pk],
        "manifest": batch.manifest_id,
        "hidden": manifest_with_hidden_items(batch),
    }


def _page(
    wanted: RowFilter, *, has_retries: bool, is_hiding: bool, is_backward: bool
) -> str:
    kind, is_named = _kind(wanted), bool(wanted.name)
    hidden = _NOT_HIDDEN * is_hiding
    if kind:
        may_be_retried = has_retries and wanted.status not in _DELIVERED
        later = _WITHOUT_LATER * may_be_retried
        first, conditions = _FIRST_OF_EACH, kind + hidden + _NAMED * is_named + later
    else:
        first, conditions = _FIRST_OF_ALL, hidden
    parts = {"items": _NAMED_ITEMS * is_named, "conditions": conditions}
    for name, part in parts.items():
        first = first.replace(f"{{{name}}}", part)
    return (first + _PLACES).format(order="DESC" if is_backward else "ASC")


def _kind(wanted: RowFilter) -> str:
    """Return what the best row must be; empty where all are taken."""
    parts = []
    if wanted.status:
        parts.append(" AND r.status = %(status)s")
    if wanted.has_failed_check:
        parts.append(" AND (r.status = 'review' OR r.error_code = %(failed_check)s)")
    if parts and wanted.status != RowStatus.COMPLETED:
        parts.append(_NOT_COMPLETED)
    return "".join(parts)


# Units count their own rows, and an item is delivered once. What is not delivered may
# be left in several attempts: the status that most rows have gets what the others
# leave of the whole, and only rows of the others are looked at.
_COUNTS = f"""
WITH counted AS (
  SELECT kind.status, sum(kind.number) AS number,
         coalesce(sum(kind.number) FILTER (WHERE u.batch_id = %(batch)s), 0) AS own,
         kind.status NOT IN ('completed', 'review') AS is_left
    FROM batches_workunit u
   CROSS JOIN LATERAL (
         VALUES ('completed', u.completed), ('review', u.review),
                ('failed', u.failed), ('expired', u.expired),
                ('canceled', u.canceled)) kind(status, number)
   WHERE u.batch_id = ANY(%(family)s)
   GROUP BY 1),
ranked AS (
  SELECT *, row_number() OVER (PARTITION BY is_left ORDER BY number DESC) AS rank
    FROM counted),
hidden AS (
  SELECT r.status, count(*) AS number
    FROM batches_item i
    JOIN batches_resultrow r ON r.batch_id = %(batch)s AND r.seq = i.seq
   WHERE i.manifest_id = %(hidden)s AND i.is_golden
   GROUP BY 1)
SELECT c.status, c.own - coalesce(h.number, 0),
       CASE WHEN NOT c.is_left OR cardinality(%(retries)s::bigint[]) = 0
            THEN c.number - coalesce(h.number, 0)
            WHEN c.rank > 1 AND c.number = 0 THEN 0
            WHEN c.rank > 1 THEN (
              SELECT count(*) FROM unnest(%(family)s::bigint[]) attempt(id)
               CROSS JOIN LATERAL (
                     SELECT r.seq FROM batches_resultrow r
                      WHERE r.batch_id = attempt.id AND r.status = c.status
                      {_NOT_COMPLETED}{_NOT_HIDDEN}{_WITHOUT_LATER}) r)
        END
  FROM ranked c LEFT JOIN hidden h USING (status)
"""  # noqa: S608 # constants of ours only


def count_rows(batch: Batch, attempts: Attempts | None) -> dict[str, int]:
    """Count a batch's rows by what became of their items in all attempts."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, _values(batch, attempts) | _EVERYWHERE)
        found = cursor.fetchall()
    counts = {status: number for status, _, number in found if number is not None}
    rest = sum(own for _, own, _ in found) - sum(counts.values())
    counts |= {status: rest for status, _, number in found if number is None}
    return {
        str(status): int(counts[status]) for status in RowStatus if counts.get(status)
    }


@dataclass(frozen=True, slots=True)
class Queue:
    """The delivered rows that a person may judge.

    Attributes:
        looked_at: of them, those with a verdict.
        next_seq: the next one without a verdict, from the start where the end is
            reached; None where all have one.
        previous_seq: the one before the place that was asked for.
    """

    total: int
    looked_at: int
    next_seq: int | None
    previous_seq: int | None


_QUEUE = """
SELECT count(*), count(v.seq),
       coalesce(min(r.seq) FILTER (WHERE v.seq IS NULL AND r.seq > %(after)s),
                min(r.seq) FILTER (WHERE v.seq IS NULL)),
       max(r.seq) FILTER (WHERE r.seq < %(before)s)
  FROM batches_resultrow r
  LEFT JOIN batches_itemverdict v
         ON v.batch_id = r.batch_id AND v.seq = r.seq AND v.is_current
 WHERE r.batch_id = ANY(%(family)s) AND r.status = ANY(%(statuses)s)
   AND (%(hidden)s::bigint IS NULL OR NOT EXISTS (
     SELECT 1 FROM batches_item i
      WHERE i.manifest_id = %(hidden)s AND i.seq = r.seq AND i.is_golden))
"""


def queue_of(
    batch: Batch,
    attempts: Attempts | None,
    statuses: Sequence[str],
    *,
    after: int = -1,
    before: int = 0,
) -> Queue:
    """Return how far the rows of some statuses were judged, and which one is next."""
    values: dict[str, Any] = {
        "hidden": manifest_with_hidden_items(batch),
        "family": [batch.pk] if attempts is None else list(attempts.public_ids),
        "statuses": [str(status) for status in statuses],
        "after": after,
        "before": before,
    }
    with connection.cursor() as cursor:
        cursor.execute(_QUEUE, values)
        return Queue(*cursor.fetchone())
