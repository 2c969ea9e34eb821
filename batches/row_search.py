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
from batches.selectors import (
    Places,
    manifest_with_hidden_items,
    rows_at,
)

# Names of checks are in the rows only; these rows have one that failed.
_FAILED_CHECK = "verification_failed"


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


_OF_BATCH = """
  FROM batches_resultrow own
  LEFT JOIN LATERAL (
       SELECT * FROM batches_resultrow a
        WHERE a.batch_id = ANY(%(retries)s) AND a.seq = own.seq
          AND own.status NOT IN ('completed', 'review')
        ORDER BY (a.status IN ('completed', 'review')) DESC, a.batch_id DESC
        LIMIT 1) later ON true
 WHERE own.batch_id = %(batch)s
   AND (%(hidden)s::bigint IS NULL OR NOT EXISTS (
     SELECT 1 FROM batches_item i
      WHERE i.manifest_id = %(hidden)s AND i.seq = own.seq AND i.is_golden))
"""
_PLACES = """
SELECT own.seq, coalesce(later.segment_id, own.segment_id),
       coalesce(later."offset", own."offset"),
       coalesce(later.head_length, own.head_length),
       coalesce(later.length, own.length), coalesce(later.batch_id, own.batch_id)
"""
_COUNTS = f"""
SELECT coalesce(later.status, own.status), count(*) {_OF_BATCH} GROUP BY 1
"""
# Read once, before the rows: a hundred thousand ids are looked through in a moment.
_NAMED = """
WITH named AS MATERIALIZED (
  SELECT seq FROM batches_item
   WHERE manifest_id = %(manifest)s
     AND strpos(lower(customer_item_id), lower(%(name)s)) > 0)
"""


def find_rows(
    batch: Batch,
    wanted: RowFilter,
    attempts: Attempts | None,
    *,
    after: int = -1,
    before: int | None = None,
    limit: int,
) -> FoundRows:
    """Return a page of a batch's rows, in the order of its input.

    Args:
        batch: whose; rows that exist now.
        wanted: which of them.
        attempts: of the batch, for its merged view.
        after: the item number that the page comes after.
        before: the item number that it comes before, instead.
        limit: rows of the page.

    Raises:
        ContentDeleted: also when it is deleted at this moment.
    """
    sql = _sql(wanted, is_backward=before is not None)
    values = {
        **_values(batch),
        "manifest": batch.manifest_id,
        "name": wanted.name,
        "status": wanted.status,
        "failed_check": _FAILED_CHECK,
        "place": after if before is None else before,
        "limit": limit + 1,
    }

    def find(among: Attempts | None) -> Places:
        with connection.cursor() as cursor:
            cursor.execute(sql, {**values, "retries": _retries(batch, among)})
            return list(cursor.fetchall())

    found = rows_at(batch, find, attempts, with_raw=False)
    has_more = len(found) > limit
    rows = found[:limit]
    if before is None:
        return FoundRows(rows, has_before=after >= 0, has_after=has_more)
    return FoundRows(rows[::-1], has_before=has_more, has_after=True)


def count_rows(batch: Batch, attempts: Attempts | None) -> dict[str, int]:
    """Count a batch's rows by what became of their items in all attempts."""
    values = {**_values(batch), "retries": _retries(batch, attempts)}
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, values)
        return dict(cursor.fetchall())


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
    values = {
        "hidden": manifest_with_hidden_items(batch),
        "family": [batch.pk] if attempts is None else list(attempts.public_ids),
        "statuses": [str(status) for status in statuses],
        "after": after,
        "before": before,
    }
    with connection.cursor() as cursor:
        cursor.execute(_QUEUE, values)
        return Queue(*cursor.fetchone())


def _sql(wanted: RowFilter, *, is_backward: bool) -> str:
    parts = [_NAMED if wanted.name else "", _PLACES, _OF_BATCH]
    if wanted.name:
        parts.append(" AND own.seq IN (SELECT seq FROM named)")
    if wanted.status:
        parts.append(" AND coalesce(later.status, own.status) = %(status)s")
    if wanted.has_failed_check:
        parts.append(
            " AND (coalesce(later.status, own.status) = 'review'"
            " OR coalesce(later.error_code, own.error_code) = %(failed_check)s)"
        )
    parts.append(
        " AND own.seq < %(place)s ORDER BY own.seq DESC LIMIT %(limit)s"
        if is_backward
        else " AND own.seq > %(place)s ORDER BY own.seq LIMIT %(limit)s"
    )
    return "".join(parts)


def _values(batch: Batch) -> dict[str, Any]:
    return {"batch": batch.pk, "hidden": manifest_with_hidden_items(batch)}


def _retries(batch: Batch, attempts: Attempts | None) -> list[int]:
    if attempts is None:
        return []
    return [pk for pk in attempts.public_ids if pk != batch.pk]
