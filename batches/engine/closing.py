"""End items without an answer, and decide what becomes of those a lane gave up."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction

from batches.decisions import Decision
from batches.engine import histories, judging, lifecycle, replanning, tripping
from batches.engine.claims import ClaimedUnit
from batches.engine.context import BatchContext, open_items
from batches.engine.recorder import Recorder
from batches.engine.rows import IndexedItem, RowError
from batches.states import RowStatus
from batchrouter.kit import clock

NO_LANE = RowError(
    "no_lane_left",
    "No lane that may take this item could be reached.",
    retryable=True,
)


def add_rows(
    recorder: Recorder,
    batch: BatchContext,
    decision: Decision,
    items: Iterable[IndexedItem],
    *,
    status: RowStatus,
    error: RowError,
    tries: Mapping[int, int],
) -> None:
    """Append rows for items that end without an answer.

    Args:
        recorder: takes the rows.
        batch: whose items they are.
        decision: for their group.
        items: to end.
        status: of their rows.
        error: of their rows.
        tries: how often each was asked for, by item number.
    """
    now = clock.now()
    for item in items:
        recorder.add(
            judging.closing_row(
                batch,
                decision,
                item,
                status=status,
                error=error,
                attempts=tries.get(item.seq, 0),
                now=now,
            )
        )


def leave_without_lane(
    unit: ClaimedUnit,
    batch: BatchContext,
    decision: Decision,
    recorder: Recorder,
    items: Sequence[IndexedItem],
    *,
    cause: str,
) -> None:
    """Hand all items to the next stage, or fail them when there is none."""
    now = clock.now()
    with transaction.atomic():
        going = replanning.onward(unit, batch, decision, items, cause=cause, now=now)
        if going is not None:
            recorder.flush(execution_id=None)
            _move(unit, going, items, cause=cause, now=now)
        else:
            add_rows(
                recorder,
                batch,
                decision,
                items,
                status=RowStatus.FAILED,
                error=NO_LANE,
                tries=histories.of_unit(unit).tries_of(items),
            )
            recorder.flush(execution_id=None)
            lifecycle.finish_unit(unit, now=now)
        tripping.trip_when_refused(decision.stages[unit.stage], [cause], now=now)
    recorder.close()


def leave_if_withdrawn(
    unit: ClaimedUnit,
    batch: BatchContext,
    decision: Decision,
    recorder: Recorder,
    items: Sequence[IndexedItem],
) -> bool:
    """Move a unit on whose lane takes no new work by now; tell whether it was moved.

    Where no other lane may take it, it waits for its own to come back.
    """
    now = clock.now()
    lane = decision.stages[unit.stage]
    found = replanning.withdrawal(lane, batch, decision, now=now)
    if found is None:
        return False
    with transaction.atomic():
        recorder.flush(execution_id=None)
        going = replanning.onward(
            unit, batch, decision, items, cause=found.code, now=now
        )
        if going is None:
            lifecycle.hold(unit, found.code, until=found.look_at, now=now)
        else:
            _move(unit, going, items, cause=found.code, now=now)
    recorder.close()
    return True


def _move(
    unit: ClaimedUnit,
    going: replanning.Onward,
    items: Sequence[IndexedItem],
    *,
    cause: str,
    now: datetime,
) -> None:
    lifecycle.hand_over(
        unit,
        going.decision,
        slice_items=settings.DIRECT_UNIT_ITEMS,
        open_seqs=[item.seq for item in items],
        causes={cause: len(items)},
        now=now,
        plan_id=going.plan_id,
    )


def has_next_stage(unit: ClaimedUnit, decision: Decision) -> bool:
    """Tell whether the plan has a lane after the present one."""
    return unit.stage + 1 < len(decision.stages)


def close_unit(
    unit: ClaimedUnit, batch: BatchContext, *, status: RowStatus, error: RowError
) -> None:
    """Give every open item of a claimed unit the same end."""
    decision = batch.decision(unit.group_no, unit.plan_id)
    recorder = Recorder(
        batch_id=unit.batch_id, unit_id=unit.unit_id, lease_token=unit.lease_token
    )
    items = open_items(unit, batch)
    tries = histories.of_unit(unit).tries_of(items)
    add_rows(recorder, batch, decision, items, status=status, error=error, tries=tries)
    with transaction.atomic():
        recorder.flush(execution_id=None)
        lifecycle.finish_unit(unit, now=clock.now())
    recorder.close()
