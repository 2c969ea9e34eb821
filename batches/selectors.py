"""Reads of the main job. Every one that a customer triggers starts from an org."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import connection
from django.db.models import QuerySet

from accounts.models import Org
from batches.content import check_content
from batches.families import Attempts, attempts_among, members_below
from batches.models import (
    Batch,
    BatchEvent,
    Import,
    Quote,
    Segment,
    StoredFile,
)
from batches.states import UnitState
from batches.store import store
from batchrouter.kit.errors import NotFound


def quote_of(org: Org, public_id: str) -> Quote:
    """Return an organization's quote.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    found = Quote.objects.filter(org=org, public_id=public_id).first()
    if found is None:
        raise NotFound("There is no such quote.")
    return found


def batch_of(org: Org, public_id: str) -> Batch:
    """Return an organization's batch with what its page shows.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    found = batches_of(org).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("There is no such batch.")
    return found


def batches_of(org: Org) -> QuerySet[Batch]:
    """Return an organization's batches."""
    return Batch.objects.filter(org=org).select_related(
        "org",
        "quote",
        "manifest__file",
        "parent",
        "output_file",
        "review_file",
        "error_file",
        "retry_file",
        "golden_file",
        "route_receipt_file",
    )


def files_of(org: Org) -> QuerySet[StoredFile]:
    """Return an organization's files that were not deleted."""
    return StoredFile.objects.filter(org=org, deleted_at=None)


def file_of(org: Org, public_id: str) -> StoredFile:
    """Return an organization's file.

    Raises:
        NotFound: there is none, it was deleted, or it is somebody else's.
    """
    found = files_of(org).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("There is no such file.")
    return found


def imports_of(org: Org) -> QuerySet[Import]:
    """Return an organization's imports of past jobs."""
    return Import.objects.filter(org=org).select_related("file")


def import_of(org: Org, public_id: str) -> Import:
    """Return an organization's import.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    found = imports_of(org).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("There is no such import.")
    return found


def linked_file(public_id: str) -> StoredFile:
    """Return a file whose signed link was checked.

    Raises:
        NotFound: it was deleted.
    """
    found = StoredFile.objects.filter(public_id=public_id, deleted_at=None).first()
    if found is None:
        raise NotFound("There is no such file.")
    return found


def events_of(batch: Batch) -> QuerySet[BatchEvent]:
    """Return a batch's timeline."""
    return BatchEvent.objects.filter(batch=batch)


@dataclass(frozen=True, slots=True)
class Progress:
    """How many items of a batch became what.

    Attributes:
        running: items in units that a worker or a provider job holds.
    """

    completed: int
    failed: int
    canceled: int
    expired: int
    running: int
    total: int

    @property
    def done(self) -> int:
        """Items that have a row."""
        return self.completed + self.failed + self.canceled + self.expired

    def counts(self) -> dict[str, int]:
        """Return the counts as the API shows them."""
        return {
            "total": self.total,
            "pending": self.total - self.done - self.running,
            "running": self.running,
            "completed": self.completed,
            "failed": self.failed,
            "canceled": self.canceled,
            "expired": self.expired,
        }


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a batch is, and when its last row was written."""

    progress: Progress
    rows_at: datetime | None = None


_IN_HAND = f"('{UnitState.RUNNING}', '{UnitState.WAITING}')"
# Read by unit_by_batch: a unit holds hundreds of items, and counts its rows itself.
STANDING = f"""
SELECT coalesce(sum(completed + review), 0), coalesce(sum(failed), 0),
       coalesce(sum(canceled), 0), coalesce(sum(expired), 0),
       coalesce(sum(item_count - completed - review - failed - canceled - expired)
                FILTER (WHERE state IN {_IN_HAND}), 0),
       max(rows_at)
  FROM batches_workunit WHERE batch_id = %s
"""  # noqa: S608 # constants of ours only


def standing_of(batch: Batch) -> Standing:
    """Return where a batch stands: one query while it is open, none once it ended."""
    if batch.result_counts is not None:
        return Standing(_counted(batch.result_counts))
    with connection.cursor() as cursor:
        cursor.execute(STANDING, [batch.pk])
        return standing_from(batch, list(cursor.fetchone()))


def standing_from(batch: Batch, row: Sequence[Any]) -> Standing:
    """Return where a batch stands from the row that ``STANDING`` finds."""
    if batch.result_counts is not None:
        return Standing(_counted(batch.result_counts))
    completed, failed, canceled, expired, running = map(int, row[:5])
    progress = Progress(completed, failed, canceled, expired, running, batch.item_count)
    return Standing(progress, row[5])


def progress_of(batch: Batch) -> Progress:
    """Count a batch's items by what became of them."""
    return standing_of(batch).progress


def _counted(counts: dict[str, int]) -> Progress:
    return Progress(
        counts["completed"],
        counts["failed"],
        counts["canceled"],
        counts["expired"],
        0,
        counts["total"],
    )


_PAGE = """
SELECT seq, segment_id, "offset", head_length, length, batch_id
  FROM batches_resultrow
 WHERE batch_id = %(batch)s AND seq > %(after)s
   AND (%(status)s::text IS NULL OR status = %(status)s)
   AND (%(hidden)s::bigint IS NULL OR NOT EXISTS (
     SELECT 1 FROM batches_item i
      WHERE i.manifest_id = %(hidden)s AND i.seq = batches_resultrow.seq
        AND i.is_golden))
 ORDER BY seq LIMIT %(limit)s
"""
# Of each item the best row of all attempts: delivered before not, then the later.
_MERGED_PAGE = """
SELECT own.seq, best.segment_id, best."offset", best.head_length, best.length,
       best.batch_id
  FROM batches_resultrow own
 CROSS JOIN LATERAL (
       SELECT * FROM batches_resultrow a
        WHERE a.batch_id = ANY(%(family)s) AND a.seq = own.seq
        ORDER BY (a.status IN ('completed', 'review')) DESC, a.batch_id DESC
        LIMIT 1) best
 WHERE own.batch_id = %(batch)s AND own.seq > %(after)s
   AND (%(status)s::text IS NULL OR best.status = %(status)s)
   AND (%(hidden)s::bigint IS NULL OR NOT EXISTS (
     SELECT 1 FROM batches_item i
      WHERE i.manifest_id = %(hidden)s AND i.seq = own.seq AND i.is_golden))
 ORDER BY own.seq LIMIT %(limit)s
"""


# Item number, segment, offset, length of the head, whole length, and the batch.
Places = list[tuple[Any, ...]]


def attempts_of(batch: Batch) -> Attempts | None:
    """Return a batch with its retries; None for one that was never retried."""
    return attempts_among(members_below(batch.pk))


def row_page(
    batch: Batch,
    *,
    after: int,
    limit: int,
    status: str | None,
    with_raw: bool,
    attempts: Attempts | None = None,
) -> list[tuple[int, bytes]]:
    """Return (item number, JSON of the row) by key, in input order.

    With ``attempts`` it is the merged view: each row says which attempt it is from.

    Raises:
        ContentDeleted: also when it is deleted at this moment.
    """

    def find(among: Attempts | None) -> Places:
        values: dict[str, Any] = {
            "batch": batch.pk,
            "after": after,
            "status": status,
            "limit": limit,
            "hidden": manifest_with_hidden_items(batch),
        }
        if among is not None:
            values["family"] = list(among.public_ids)
        with connection.cursor() as cursor:
            cursor.execute(_PAGE if among is None else _MERGED_PAGE, values)
            return list(cursor.fetchall())

    return rows_at(batch, find, attempts, with_raw=with_raw)


def rows_at(
    batch: Batch,
    find: Callable[[Attempts | None], Places],
    attempts: Attempts | None,
    *,
    with_raw: bool,
) -> list[tuple[int, bytes]]:
    """Return (item number, JSON of the row) of the places that ``find`` returns.

    Raises:
        ContentDeleted: also when it is deleted at this moment.
    """
    check_content(batch)
    try:
        return _read_rows(find(attempts), attempts, with_raw=with_raw)
    except FileNotFoundError:
        batch.refresh_from_db(fields=["content_deleted_at"])
        check_content(batch)
        fresh = None if attempts is None else attempts_of(batch)
        if fresh == attempts:
            raise
    # The content of a retry was deleted at this moment: its rows are left out.
    return rows_at(batch, find, fresh, with_raw=with_raw)


def _read_rows(
    places: Places, attempts: Attempts | None, *, with_raw: bool
) -> list[tuple[int, bytes]]:
    keys = dict(
        Segment.objects.filter(pk__in={place[1] for place in places}).values_list(
            "pk", "storage_key"
        )
    )
    marks = {} if attempts is None else _marks(attempts)
    opened: dict[int, int] = {}
    try:
        return [
            (
                place[0],
                _row_bytes(
                    place, keys, opened, marks.get(place[5], b""), with_raw=with_raw
                ),
            )
            for place in places
        ]
    finally:
        for descriptor in opened.values():
            os.close(descriptor)


def manifest_with_hidden_items(batch: Batch) -> int | None:
    """Return the manifest whose golden items are left out; None where all are shown."""
    is_excluded = batch.quote.spec.get("exclude_golden", False)
    return batch.manifest_id if is_excluded and batch.manifest.golden_count else None


def _marks(attempts: Attempts) -> dict[int, bytes]:
    """Return what a row of each attempt says of it, to be put into its JSON."""
    return {
        pk: b',"attempt":' + orjson.dumps({"batch_id": public_id, "number": number})
        for number, (pk, public_id) in enumerate(attempts.public_ids.items(), 1)
    }


def _row_bytes(
    place: tuple[Any, ...],
    keys: dict[int, str],
    opened: dict[int, int],
    mark: bytes,
    *,
    with_raw: bool,
) -> bytes:
    _, segment_id, offset, head_length, length, _ = place
    if segment_id not in opened:
        opened[segment_id] = os.open(store().path(keys[segment_id]), os.O_RDONLY)
    if not with_raw:
        return os.pread(opened[segment_id], head_length, offset) + mark + b"}"
    row = os.pread(opened[segment_id], length - 1, offset)
    return row[:head_length] + mark + row[head_length:]


def stream_rows(
    batch: Batch,
    *,
    status: str | None,
    with_raw: bool,
    chunk: int = 500,
    attempts: Attempts | None = None,
) -> Iterator[bytes]:
    """Yield all rows that exist now as lines, in input order, in bounded memory.

    Raises:
        ContentDeleted: at once, or when it is deleted under way.
    """
    after = -1
    while True:
        page = row_page(
            batch,
            after=after,
            limit=chunk,
            status=status,
            with_raw=with_raw,
            attempts=attempts,
        )
        if page:
            yield b"\n".join(row for _, row in page) + b"\n"
            after = page[-1][0]
        if len(page) < chunk:
            return
