"""Open a claimed unit on its lane: load its items, write down the intent."""

import random
from collections import deque
from collections.abc import Callable

from django.db import connection, transaction

from batches.decisions import Decision
from batches.engine import closing, lifecycle
from batches.engine.claims import ClaimedUnit
from batches.engine.context import BatchContext, Contexts, open_items
from batches.engine.direct_run import DirectRun
from batches.engine.judging import OUTCOME_UNKNOWN
from batches.engine.lifecycle import SEND_AHEAD_ITEMS
from batches.engine.reaching import reach
from batches.engine.recorder import Recorder
from batches.engine.rows import IndexedItem, RowError
from batches.engine.windows import Window
from batches.states import RowStatus
from batchrouter.kit import clock
from routing.adapters.registry import direct_adapter

# Calls of one item that may have been made without our having an answer.
LOST_CALLS_MAX = 2
# Workers that may die with a unit in hand before its items fail.
LOST_LEASES_MAX = 5

WORKER_LOST = RowError(
    "worker_lost", "Processing this item stopped our workers repeatedly.", False
)


def open_direct(
    unit: ClaimedUnit,
    contexts: Contexts,
    chance: random.Random,
    window_of: Callable[[int], Window],
) -> DirectRun | None:
    """Begin a run of direct calls; None when the unit was ended or handed on."""
    batch = contexts.of(unit.batch_id)
    decision = batch.decision(unit.group_no)
    lane = decision.stages[unit.stage]
    recorder = Recorder(
        batch_id=unit.batch_id, unit_id=unit.unit_id, lease_token=unit.lease_token
    )
    items = load_items(unit, batch, decision, recorder)
    if not items:
        with transaction.atomic():
            recorder.flush(execution_id=None)
            lifecycle.finish_unit(unit, now=clock.now())
        return None
    reached = reach(lane)
    if reached is None:
        closing.leave_without_lane(
            unit, batch, decision, recorder, items, cause="provider_not_connected"
        )
        return None
    ahead = min(SEND_AHEAD_ITEMS, len(items)) - 1
    with transaction.atomic():
        recorder.flush(execution_id=None)
        execution = lifecycle.begin_execution(
            unit,
            lane,
            item_count=len(items),
            sent_through_seq=items[ahead].seq,
            now=clock.now(),
        )
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
        window=window_of(lane.offering_id),
    )


def load_items(
    unit: ClaimedUnit, batch: BatchContext, decision: Decision, recorder: Recorder
) -> list[IndexedItem]:
    """Return the unit's items that still want an answer.

    Items that were lost too often get their row here.
    """
    items = open_items(
        batch_id=unit.batch_id,
        manifest_id=batch.manifest_id,
        group_no=unit.group_no,
        seq_from=unit.seq_from,
        seq_to=unit.seq_to,
    )
    if unit.lost_leases >= LOST_LEASES_MAX:
        closing.add_rows(
            recorder, batch, decision, items, status=RowStatus.FAILED, error=WORKER_LOST
        )
        return []
    lost = _lost_calls(unit)
    hopeless = [item for item in items if lost.get(item.seq, 0) >= LOST_CALLS_MAX]
    closing.add_rows(
        recorder,
        batch,
        decision,
        hopeless,
        status=RowStatus.FAILED,
        error=OUTCOME_UNKNOWN,
    )
    return [item for item in items if lost.get(item.seq, 0) < LOST_CALLS_MAX]


def _lost_calls(unit: ClaimedUnit) -> dict[int, int]:
    if unit.lost_leases == 0:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT seq, count(*) FROM batches_lostcall
                WHERE batch_id = %s AND seq BETWEEN %s AND %s GROUP BY seq""",
            [unit.batch_id, unit.seq_from, unit.seq_to],
        )
        return dict(cursor.fetchall())
