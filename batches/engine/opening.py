"""Open a claimed unit on its lane: load its items, write down the intent."""

import random
import time
from collections import deque
from collections.abc import Callable

from django.db import transaction

from batches.decisions import Decision, StageLane
from batches.engine import closing, histories, lifecycle, retries
from batches.engine.claims import ClaimedUnit
from batches.engine.context import BatchContext, Contexts, open_items
from batches.engine.direct_run import DirectRun
from batches.engine.histories import History
from batches.engine.judging import CANCELED, EXPIRED, OUTCOME_UNKNOWN
from batches.engine.reaching import reach
from batches.engine.recorder import Recorder
from batches.engine.rejections import CHECKS_NEVER_PASS
from batches.engine.rows import IndexedItem, RowError
from batches.engine.windows import Window
from batches.states import RowStatus
from batchrouter.kit import clock
from routing.adapters.registry import direct_adapter

# Calls of one item that may have been made without our having an answer.
LOST_CALLS_MAX = retries.MISSES_MAX["unknown"]
# Workers that may die with a unit in hand before its items fail.
LOST_LEASES_MAX = 5

WORKER_LOST = RowError(
    "worker_lost",
    "Processing this item stopped our workers repeatedly.",
    retryable=False,
)


def open_direct(
    unit: ClaimedUnit,
    contexts: Contexts,
    chance: random.Random,
    window_of: Callable[[StageLane], Window],
) -> DirectRun | None:
    """Begin a run of direct calls; None when the unit was ended or handed on."""
    batch = contexts.of(unit.batch_id)
    if unit.is_canceled or unit.is_overdue:
        close_stopped(unit, batch)
        return None
    decision = batch.decision(unit.group_no, unit.plan_id)
    lane = decision.stages[unit.stage]
    recorder = Recorder(
        batch_id=unit.batch_id, unit_id=unit.unit_id, lease_token=unit.lease_token
    )
    history = histories.of_unit(unit)
    items = load_items(unit, batch, decision, recorder, history)
    if not items:
        with transaction.atomic():
            recorder.flush(execution_id=None)
            lifecycle.finish_unit(unit, now=clock.now())
        recorder.close()
        return None
    reached = reach(lane)
    if reached is None:
        closing.leave_without_lane(
            unit, batch, decision, recorder, items, cause="provider_not_connected"
        )
        return None
    if closing.leave_if_withdrawn(unit, batch, decision, recorder, items):
        return None
    window = window_of(lane)
    ahead = min(window.ahead_items, len(items)) - 1
    with transaction.atomic():
        recorder.flush(execution_id=None)
        execution = lifecycle.begin_execution(
            unit,
            lane,
            item_count=len(items),
            sent_through_seq=items[ahead].seq,
            now=clock.now(),
        )
    started = time.monotonic()
    return DirectRun(
        unit=unit,
        context=batch,
        decision=decision,
        lane=lane,
        adapter=direct_adapter(lane.adapter),
        connection=reached,
        execution=execution,
        recorder=recorder,
        chance=chance,
        pending=deque(items),
        window=window,
        leave_at=started + unit.stage_seconds,
        end_at=started + unit.batch_seconds,
        tries=history.tries_of(items),
        unknowns=history.unknowns,
    )


def close_stopped(unit: ClaimedUnit, batch: BatchContext) -> None:
    """End a unit of a batch that was canceled or is overdue."""
    closing.close_unit(
        unit,
        batch,
        status=RowStatus.CANCELED if unit.is_canceled else RowStatus.EXPIRED,
        error=CANCELED if unit.is_canceled else EXPIRED,
    )


def load_items(
    unit: ClaimedUnit,
    batch: BatchContext,
    decision: Decision,
    recorder: Recorder,
    history: History,
) -> list[IndexedItem]:
    """Return the unit's items that still want an answer.

    Items that were lost too often get their row here, and those that no answer would
    help.
    """
    items = open_items(unit, batch)
    error = _obstacle(unit, batch)
    if error is not None:
        closing.add_rows(
            recorder,
            batch,
            decision,
            items,
            status=RowStatus.FAILED,
            error=error,
            tries=history.tries_of(items),
        )
        return []
    lost = history.unknowns
    hopeless = [item for item in items if lost.get(item.seq, 0) >= LOST_CALLS_MAX]
    closing.add_rows(
        recorder,
        batch,
        decision,
        hopeless,
        status=RowStatus.FAILED,
        error=OUTCOME_UNKNOWN,
        tries=history.tries_of(hopeless),
    )
    return [item for item in items if lost.get(item.seq, 0) < LOST_CALLS_MAX]


def _obstacle(unit: ClaimedUnit, batch: BatchContext) -> RowError | None:
    """Return why none of a unit's items is asked any more."""
    if unit.lost_leases >= LOST_LEASES_MAX:
        return WORKER_LOST
    return CHECKS_NEVER_PASS if batch.rejection_fuse.is_blown else None
