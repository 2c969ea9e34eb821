"""Find a batch's rows by what became of them, the best row of all attempts, by key.

A retry runs only items that no earlier attempt delivered, so a delivered row is the
best one, and only for the others are the retries looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Sum

from batches.families import Attempts
from batches.models import Batch, WorkUnit
from batches.selectors import Places, manifest_with_hidden_items, rows_at
from batches.states import RowStatus

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


# The best row of all retries, for each item that they ran.
_RETRIED = """
later AS MATERIALIZED (
  SELECT DISTINCT ON (seq) * FROM batches_resultrow
   WHERE batch_id = ANY(%(retries)s)
   ORDER BY seq, (status IN ('completed', 'review')) DESC, batch_id DESC)
"""
# Read once, before the rows: a hundred thousand ids are looked through in a moment.
_NAMED = """
named AS MATERIALIZED (
  SELECT seq FROM batches_item
   WHERE manifest_id = %(manifest)s
     AND strpos(lower(customer_item_id), lower(%(name)s)) > 0)
"""
_JOIN_RETRIED = """
  LEFT JOIN later
         ON later.seq = own.seq AND own.status NOT IN ('completed', 'review')
"""
_NOT_HIDDEN = """
   AND NOT EXISTS (
     SELECT 1 FROM batches_item i
      WHERE i.manifest_id = %(hidden)s AND i.seq = own.seq AND i.is_golden)
"""


class _Rows:
    """The SQL of a batch's rows, with those of its retries where it has any."""

    def __init__(self, batch: Batch, attempts: Attempts | None) -> None:
        retries = [] if attempts is None else [*attempts.public_ids.keys() - {batch.pk}]
        hidden = manifest_with_hidden_items(batch)
        self._has_retries = bool(retries)
        self._is_hiding = hidden is not None
        self.values: dict[str, Any] = {
            "batch": batch.pk,
            "retries": retries,
            "hidden": hidden,
        }

    def column(self, name: str) -> str:
        """Return a column of the best row."""
        own = f'own."{name}"'
        return f'coalesce(later."{name}", {own})' if self._has_retries else own

    def select(self, columns: str, *, with_names: bool = False) -> str:
        """Return a query of these columns, up to its last condition."""
        first = [_RETRIED] * self._has_retries + [_NAMED] * with_names
        return "".join(
            [
                f"WITH {','.join(first)} " if first else "",
                f"SELECT {columns} FROM batches_resultrow own",  # noqa: S608 # ours
                _JOIN_RETRIED if self._has_retries else "",
                " WHERE own.batch_id = %(batch)s",
                _NOT_HIDDEN if self._is_hiding else "",
            ]
        )


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
    more: dict[str, Any] = {
        "manifest": batch.manifest_id,
        "name": wanted.name,
        "status": wanted.status,
        "failed_check": _FAILED_CHECK,
        "place": after if before is None else before,
        "limit": limit + 1,
    }

    def find(among: Attempts | None) -> Places:
        rows = _Rows(batch, among)
        sql = _page(rows, wanted, is_backward=before is not None)
        with connection.cursor() as cursor:
            cursor.execute(sql, {**rows.values, **more})
            return list(cursor.fetchall())

    found = rows_at(batch, find, attempts, with_raw=False)
    has_more = len(found) > limit
    shown = found[:limit]
    if before is None:
        return FoundRows(shown, has_before=after >= 0, has_after=has_more)
    return FoundRows(shown[::-1], has_before=has_more, has_after=True)


_PLACE = ("segment_id", "offset", "head_length", "length", "batch_id")


def _page(rows: _Rows, wanted: RowFilter, *, is_backward: bool) -> str:
    columns = ", ".join(["own.seq", *(rows.column(name) for name in _PLACE)])
    parts = [rows.select(columns, with_names=bool(wanted.name))]
    if wanted.name:
        parts.append(" AND own.seq IN (SELECT seq FROM named)")
    if wanted.status:
        parts.append(f" AND {rows.column('status')} = %(status)s")
    if wanted.has_failed_check:
        parts.append(
            f" AND ({rows.column('status')} = 'review'"
            f" OR {rows.column('error_code')} = %(failed_check)s)"
        )
    parts.append(
        " AND own.seq < %(place)s ORDER BY own.seq DESC LIMIT %(limit)s"
        if is_backward
        else " AND own.seq > %(place)s ORDER BY own.seq LIMIT %(limit)s"
    )
    return "".join(parts)


def count_rows(batch: Batch, attempts: Attempts | None) -> dict[str, int]:
    """Count a batch's rows by what became of their items in all attempts."""
    if attempts is None and manifest_with_hidden_items(batch) is None:
        return _counted_by_units(batch)
    rows = _Rows(batch, attempts)
    sql = rows.select(f"{rows.column('status')}, count(*)") + " GROUP BY 1"
    with connection.cursor() as cursor:
        cursor.execute(sql, rows.values)
        return dict(cursor.fetchall())


def _counted_by_units(batch: Batch) -> dict[str, int]:
    """Return the same from the units, which count their rows themselves."""
    sums = WorkUnit.objects.filter(batch=batch).aggregate(
        **{f"{status}_rows": Sum(f"{status}") for status in RowStatus}
    )
    counts = {str(status): sums[f"{status}_rows"] or 0 for status in RowStatus}
    return {status: count for status, count in counts.items() if count}


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
