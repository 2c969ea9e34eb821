"""Give every copy the row of the item that it is identical to.

A unit of copies is served by no lane. Whenever rows came, those of its items whose
first one has a row get the same row under their own names, at no cost; what the first
one came to, they come to. They are read and written a chunk at a time.
"""

import logging
import os
from collections import OrderedDict
from typing import Any, NamedTuple

import orjson
from django.db import connection, transaction

from batches.engine import claims, lifecycle
from batches.engine.claims import ClaimedUnit
from batches.engine.copied_rows import Copy, FirstRow, copied_row
from batches.engine.recorder import LeaseLost, Recorder
from batches.models import Batch, Segment, WorkUnit
from batches.models.work_unit import COPIES
from batches.states import UNIT_OPEN, UnitState
from batches.store import store
from batchrouter.kit import clock

log = logging.getLogger(__name__)

# Found at once; each search walks over all copies that have their rows already.
_FOUND_ROWS = 5_000
# Written at once, and held in memory meanwhile.
_CHUNK_ROWS = 250
_OPEN_FILES = 16

# A planner that guesses the numbers of a new batch wrong compares each copy with each
# row, for minutes; sets are met in a fifth of a second whatever it guesses.
_AS_SETS = "SET LOCAL enable_nestloop = off"
_LANDED = """
SELECT i.seq, i.customer_item_id, r.seq, r.status, r.segment_id, r."offset",
       r.head_length, r.attempts, r.error_code, r.completed_at
  FROM batches_item i
  JOIN batches_resultrow r ON r.batch_id = %(batch)s AND r.seq = i.copy_of
 WHERE i.manifest_id = %(manifest)s AND i.group_no = %(group)s
   AND i.copy_of IS NOT NULL AND (i.copy_of, i.seq) > (%(first)s, %(after)s)
   AND NOT EXISTS (SELECT 1 FROM batches_resultrow own
                    WHERE own.batch_id = %(batch)s AND own.seq = i.seq)
 ORDER BY i.copy_of, i.seq LIMIT %(limit)s
"""


class _Landed(NamedTuple):
    """A copy without a row, and where the row is that it is to get."""

    seq: int
    customer_item_id: str
    first_seq: int
    status: str
    segment_id: int
    offset: int
    head_length: int
    attempts: int
    error_code: str
    completed_at: Any


def copy_rows(batch_id: int) -> None:
    """Write the rows of all copies whose first item has one; safe at any time."""
    batch = Batch.objects.only("public_id", "manifest_id").get(pk=batch_id)
    after_id = 0
    try:
        while unit := claims.claim_copies(batch_id, after_id=after_id):
            _serve(unit, batch)
            after_id = unit.unit_id
    except LeaseLost:
        log.info("a unit of copies of %s was taken meanwhile", batch.public_id)


def _serve(unit: ClaimedUnit, batch: Batch) -> None:
    recorder = Recorder(
        batch_id=unit.batch_id, unit_id=unit.unit_id, lease_token=unit.lease_token
    )
    with _Firsts(unit.batch_id) as firsts:
        after = (-1, -1)
        while landed := _landed(unit, batch.manifest_id, after):
            for start in range(0, len(landed), _CHUNK_ROWS):
                claims.renew(unit.lease_token)
                for copy in landed[start : start + _CHUNK_ROWS]:
                    item = Copy(batch.public_id, copy.seq, copy.customer_item_id)
                    recorder.add(copied_row(item, firsts.row_of(copy)))
                recorder.flush(execution_id=None)
            after = (landed[-1].first_seq, landed[-1].seq)
    recorder.close()
    _let_go(unit)


def _landed(
    unit: ClaimedUnit, manifest_id: int, after: tuple[int, int]
) -> list[_Landed]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_AS_SETS)
        cursor.execute(
            _LANDED,
            {
                "batch": unit.batch_id,
                "manifest": manifest_id,
                "group": unit.group_no,
                "first": after[0],
                "after": after[1],
                "limit": _FOUND_ROWS,
            },
        )
        return [_Landed(*row) for row in cursor.fetchall()]


def _let_go(unit: ClaimedUnit) -> None:
    """End a unit whose copies all have rows; another waits for further rows."""
    now = clock.now()
    with transaction.atomic():
        Batch.objects.select_for_update(no_key=True).get(pk=unit.batch_id)
        row = WorkUnit.objects.get(pk=unit.unit_id)
        is_done = row.row_count == row.item_count
        to = UnitState.DONE if is_done else UnitState.READY
        lifecycle.let_go(unit, to, next_action_at=now, now=now)
        # While others are open, rows are still to come, and ring by themselves.
        if is_done or not _others_open(unit.batch_id):
            lifecycle.ring_when_all_done(unit.batch_id)


def _others_open(batch_id: int) -> bool:
    others = WorkUnit.objects.filter(batch_id=batch_id, state__in=UNIT_OPEN)
    return others.exclude(mode=COPIES).exists()


class _Firsts:
    """The rows that are copied, the ones used last kept in memory and open."""

    def __init__(self, batch_id: int) -> None:
        self._batch_id = batch_id
        self._open: OrderedDict[int, int] = OrderedDict()
        self._read: tuple[int, FirstRow] | None = None

    def __enter__(self) -> "_Firsts":
        return self

    def __exit__(self, *_exc: object) -> None:
        for descriptor in self._open.values():
            os.close(descriptor)

    def row_of(self, copy: _Landed) -> FirstRow:
        if self._read is None or self._read[0] != copy.first_seq:
            descriptor = self._descriptor(copy.segment_id)
            head = os.pread(descriptor, copy.head_length, copy.offset)
            row = FirstRow(
                shown=orjson.loads(head + b"}"),
                head_length=copy.head_length,
                status=copy.status,
                attempts=copy.attempts,
                error_code=copy.error_code,
                completed_at=copy.completed_at,
            )
            self._read = (copy.first_seq, row)
        return self._read[1]

    def _descriptor(self, segment_id: int) -> int:
        descriptor = self._open.get(segment_id)
        if descriptor is None:
            key = Segment.objects.values_list("storage_key", flat=True).get(
                pk=segment_id, batch_id=self._batch_id
            )
            descriptor = self._open[segment_id] = os.open(
                store().path(key), os.O_RDONLY
            )
            if len(self._open) > _OPEN_FILES:
                _, oldest = self._open.popitem(last=False)
                os.close(oldest)
        self._open.move_to_end(segment_id)
        return descriptor
