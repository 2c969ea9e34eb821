"""Cut a paid batch into work units."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from batches import decisions
from batches.decisions import Decision
from batches.engine import slicing
from batches.engine.lifecycle import record_event, ring_when_all_done
from batches.models import Batch, WorkUnit
from batches.models.work_unit import COPIES
from batches.states import BatchState, UnitState
from batchrouter.kit.jobs import Job, enqueue_on_commit
from routing import estimates

# A message wakes one worker process: as many are rung as may find a unit. One that
# finds nothing has lost a few milliseconds.
_WORKERS_RUNG = 4

# No limit, for a sum that none is known for.
_NO_LIMIT = 10**15

# A slice may begin with an item that lies across a border: as every border leaves room
# for the largest item, the slice stays within the limit.
_SLICES = f"""
SELECT min(seq), max(seq), count(*) FROM (
  SELECT seq, (row_number() OVER by_seq - 1) / %(items)s AS by_count,
         div(sum(line) OVER by_seq, greatest(%(bytes)s - max(line) OVER (), 1))
           AS by_size,
         div(sum(tokens) OVER by_seq, greatest(%(tokens)s - max(tokens) OVER (), 1))
           AS by_tokens
    FROM (
      SELECT seq, {estimates.JOB_LINE_FACTOR} * length::bigint
                  + {estimates.JOB_LINE_OVERHEAD_BYTES} AS line,
             (input_tokens::bigint * %(factor_bps)s + 9999) / 10000 + %(overhead)s
               AS tokens
        FROM batches_item WHERE manifest_id = %(manifest)s AND group_no = %(group)s
         AND (copy_of IS NULL OR NOT %(collapses)s)
    ) weighed
  WINDOW by_seq AS (ORDER BY seq ROWS UNBOUNDED PRECEDING)
) numbered GROUP BY by_count, by_size, by_tokens ORDER BY min(seq)
"""  # noqa: S608 # constants of ours only


@transaction.atomic
def dispatch_batch(batch_id: int, *, now: datetime) -> None:
    """Make the work units of a priced batch; doing it again changes nothing."""
    batch = (
        Batch.objects.select_for_update(no_key=True, of=("self",))
        .select_related("quote")
        .get(pk=batch_id)
    )
    if batch.state != BatchState.PRICED:
        return
    units = [
        unit
        for stored in batch.quote.decisions
        for unit in _units_of(batch, decisions.from_json(stored), now)
    ]
    WorkUnit.objects.bulk_create(units)
    batch.advance(BatchState.QUEUED, at=now)
    record_event(batch.pk, "batch.queued", {"work_units": len(units)}, now=now)
    modes = {unit.mode for unit in units}
    direct = sum(unit.mode == "direct" for unit in units)
    for _ in range(min(direct, _WORKERS_RUNG)):
        enqueue_on_commit(Job.RUN_DIRECT)
    if "batch" in modes:
        enqueue_on_commit(Job.TEND_NATIVE)
    ring_when_all_done(batch.pk)


def _units_of(batch: Batch, decision: Decision, now: datetime) -> list[WorkUnit]:
    stage = decision.stages[0]
    room = slicing.room_of(stage)
    with connection.cursor() as cursor:
        cursor.execute(
            _SLICES,
            {
                "items": room.items_max,
                "bytes": room.bytes_max or _NO_LIMIT,
                "tokens": room.tokens_max or _NO_LIMIT,
                "factor_bps": decision.terms.factor_bps,
                "overhead": decision.terms.overhead_tokens,
                "manifest": batch.manifest_id,
                "group": decision.group_no,
                "collapses": decision.copies is not None,
            },
        )
        slices: list[tuple[Any, ...]] = cursor.fetchall()
        copies = _copies(cursor, batch, decision)
    return [
        WorkUnit(
            state=UnitState.READY,
            state_at=now,
            batch=batch,
            org_id=batch.org_id,
            group_no=decision.group_no,
            seq_from=seq_from,
            seq_to=seq_to,
            item_count=item_count,
            mode=mode,
            leave_at=stage.leave_at,
            # A hair earlier, so that a claim by the database's clock finds it at once.
            next_action_at=now - timedelta(seconds=1),
        )
        for mode, parts in ((stage.mode, slices), (COPIES, copies))
        for seq_from, seq_to, item_count in parts
    ]


def _copies(
    cursor: CursorWrapper, batch: Batch, decision: Decision
) -> list[tuple[Any, ...]]:
    """Return the one unit of a group's copies: they get the rows of identical items."""
    if decision.copies is None:
        return []
    cursor.execute(
        """SELECT min(seq), max(seq), count(*) FROM batches_item
            WHERE manifest_id = %s AND group_no = %s AND copy_of IS NOT NULL""",
        [batch.manifest_id, decision.group_no],
    )
    return list(cursor.fetchall())
