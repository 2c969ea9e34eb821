"""Merge the segments of a batch into its artifacts, in the order of the input.

Bytes are copied, never parsed. Every row goes into exactly one artifact, and the Merkle
tree is built over the rows as they are written.
"""

import logging
import os
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

from django.db import connection

from batches.models import Batch, Item, Segment
from batches.states import RowStatus
from batches.store import store
from batchrouter.kit.errors import BatchRouterError
from batchrouter.kit.hashing import leaf_digest, merkle_root_hex
from batchrouter.kit.storage import Blob, BlobWriter

log = logging.getLogger(__name__)

_FETCH_ROWS = 5000
_OPEN_FILES = 128

ARTIFACT_OF_STATUS = {
    RowStatus.COMPLETED: "output",
    RowStatus.REVIEW: "review",
    RowStatus.FAILED: "error",
    RowStatus.CANCELED: "error",
    RowStatus.EXPIRED: "error",
}


GOLDEN = "golden"


class RowsIncomplete(BatchRouterError):
    """The index does not hold each item of the batch exactly once."""

    code = "rows_incomplete"


@dataclass(slots=True)
class Totals:
    """Sums over all rows of a batch.

    Attributes:
        subtotal_nanousd: the rows at the quoted price, before the fee.
        row_charge_nanousd: the same with each row's share of the fee, rounded down.
        cost_nanousd: what providers bill us for these rows.
    """

    counts: dict[str, int] = field(default_factory=dict)
    subtotal_nanousd: int = 0
    row_charge_nanousd: int = 0
    cost_nanousd: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Merged:
    """The artifacts of a batch, by name, with their line counts."""

    blobs: dict[str, tuple[Blob, int]]
    merkle_root: str
    row_count: int


@dataclass(frozen=True, slots=True)
class _Piece:
    seq: int
    status: str
    segment_id: int
    offset: int
    length: int


def merge(batch: Batch) -> Merged:
    """Write the output, review, error and retry files of a batch; none of a sample.

    Raises:
        RowsIncomplete: an item has no row, or the index and the bytes differ.
    """
    leaves: list[bytes] = []
    golden = excluded_seqs(batch)
    with ExitStack() as stack:
        writers: dict[str, _Counted] = {}
        segments = stack.enter_context(_Segments(batch.pk))
        for piece in _pieces(batch.pk):
            data = segments.read(piece)
            leaves.append(leaf_digest(data))
            if batch.is_sample:
                continue
            name = ARTIFACT_OF_STATUS[RowStatus(piece.status)]
            if piece.seq in golden:
                name = GOLDEN
            if name not in writers:
                writers[name] = _Counted(stack.enter_context(store().new_blob()))
            writers[name].write(data)
        # The key admits one row an item, so as many rows as items is each item once.
        if len(leaves) != batch.item_count:
            raise RowsIncomplete(
                f"{len(leaves)} of {batch.item_count} items have a row"
            )
        blobs = {name: (out.keep(), out.lines) for name, out in writers.items()}
    retry = None if batch.is_sample else _retry_lines(batch)
    if retry is not None:
        blobs["retry"] = retry
    return Merged(blobs, merkle_root_hex(leaves), len(leaves))


def excluded_seqs(batch: Batch) -> frozenset[int]:
    """Return the items whose rows are left out of the output, as the customer asked."""
    if not batch.manifest.golden_count or not batch.quote.spec.get("exclude_golden"):
        return frozenset()
    golden = Item.objects.filter(manifest_id=batch.manifest_id, is_golden=True)
    return frozenset(golden.values_list("seq", flat=True))


class _Counted:
    """A blob on its way, and the lines in it."""

    def __init__(self, writer: BlobWriter) -> None:
        self._writer = writer
        self.lines = 0

    def write(self, data: bytes) -> None:
        self._writer.write(data)
        self.lines += 1

    def keep(self) -> Blob:
        return self._writer.keep()


class _Segments:
    """Open part files, the ones used last kept open."""

    def __init__(self, batch_id: int) -> None:
        self._keys = dict(
            Segment.objects.filter(batch_id=batch_id).values_list("pk", "storage_key")
        )
        self._open: OrderedDict[int, int] = OrderedDict()

    def __enter__(self) -> "_Segments":
        return self

    def __exit__(self, *_exc: object) -> None:
        for descriptor in self._open.values():
            os.close(descriptor)

    def read(self, piece: _Piece) -> bytes:
        data = os.pread(self._descriptor(piece.segment_id), piece.length, piece.offset)
        if len(data) != piece.length or data[-1:] != b"\n":
            raise RowsIncomplete(f"the bytes of item {piece.seq} are not as indexed")
        return data

    def _descriptor(self, segment_id: int) -> int:
        descriptor = self._open.get(segment_id)
        if descriptor is None:
            path = store().path(self._keys[segment_id])
            descriptor = self._open[segment_id] = os.open(path, os.O_RDONLY)
            if len(self._open) > _OPEN_FILES:
                _, oldest = self._open.popitem(last=False)
                os.close(oldest)
        self._open.move_to_end(segment_id)
        return descriptor


_PIECES = """
SELECT seq, status, segment_id, "offset", length FROM batches_resultrow
 WHERE batch_id = %s AND seq > %s ORDER BY seq LIMIT %s
"""


def _pieces(batch_id: int) -> Iterator[_Piece]:
    after = -1
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_PIECES, [batch_id, after, _FETCH_ROWS])
            rows = cursor.fetchall()
        for row in rows:
            yield _Piece(*row)
        if len(rows) < _FETCH_ROWS:
            return
        after = rows[-1][0]


_RETRY_ITEMS = """
SELECT i."offset", i.length FROM batches_resultrow r
  JOIN batches_item i ON i.manifest_id = %s AND i.seq = r.seq
 WHERE r.batch_id = %s AND r.status IN ('failed', 'expired', 'canceled')
   AND NOT i.is_golden
 ORDER BY r.seq
"""


def _retry_lines(batch: Batch) -> tuple[Blob, int] | None:
    """Copy the input lines of rows that have no output, ready to be sent again.

    Without golden items: they are no results, and of too few lines they would be too
    large a share.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RETRY_ITEMS, [batch.manifest_id, batch.pk])
        places = cursor.fetchall()
    if not places:
        return None
    try:
        source = os.open(store().path(batch.manifest.file.storage_key), os.O_RDONLY)
    except FileNotFoundError:
        log.exception("batch %s has no input to retry from", batch.public_id)
        return None
    try:
        with store().new_blob() as out:
            for offset, length in places:
                out.write(os.pread(source, length, offset).rstrip(b"\r\n") + b"\n")
            return out.keep(), len(places)
    finally:
        os.close(source)


_TOTALS = """
SELECT status, count(*), sum(subtotal_nanousd), sum(charge_nanousd), sum(cost_nanousd),
       sum(input_tokens), sum(cached_tokens), sum(output_tokens), sum(reasoning_tokens)
  FROM batches_resultrow WHERE batch_id = %s GROUP BY status
"""


def totals(batch_id: int) -> Totals:
    """Sum the rows of a batch."""
    summed = Totals()
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS, [batch_id])
        for status, count, *sums in cursor.fetchall():
            values = [int(value) for value in sums]
            summed.counts[status] = count
            summed.subtotal_nanousd += values[0]
            summed.row_charge_nanousd += values[1]
            summed.cost_nanousd += values[2]
            summed.input_tokens += values[3]
            summed.cached_tokens += values[4]
            summed.output_tokens += values[5]
            summed.reasoning_tokens += values[6]
    return summed
