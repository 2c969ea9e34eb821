"""End an execution: book it, give every item its end, its next lane, or another try."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.conf import settings
from django.db import transaction

from batches.decisions import Decision, StageLane
from batches.engine import closing, lifecycle
from batches.engine.claims import ClaimedUnit
from batches.engine.context import BatchContext
from batches.engine.direct_run import DirectRun, Leftover
from batches.engine.judging import CANCELED, EXPIRED, Attempt, failed_row
from batches.engine.lifecycle import Tally
from batches.engine.recorder import Recorder
from batches.engine.rows import IndexedItem
from batches.models import Execution
from batches.states import ExecutionState, RowStatus, UnitState
from batchrouter.kit import clock
from routing.failures import FailureKind

StopCause = Literal["canceled", "overdue", "lane"]

# Executions on the last stage of a plan, when rows are missing and time is left.
LAST_STAGE_TRIES = 3
_AGAIN_AFTER = timedelta(seconds=5)


@dataclass(slots=True)
class Ended:
    """An execution that has nothing under way any more."""

    unit: ClaimedUnit
    context: BatchContext
    decision: Decision
    lane: StageLane
    execution: Execution
    recorder: Recorder
    tally: Tally
    completed: int
    unsent: Sequence[IndexedItem]
    leftovers: Sequence[Leftover]
    stop_cause: StopCause | None


def end_direct(run: DirectRun) -> None:
    """Record what is left of a drained run and let its unit go.

    Raises:
        LeaseLost: nothing was changed.
    """
    dispose(
        Ended(
            unit=run.unit,
            context=run.context,
            decision=run.decision,
            lane=run.lane,
            execution=run.execution,
            recorder=run.recorder,
            tally=run.tally,
            completed=run.delivered,
            unsent=run.unsent(),
            leftovers=run.leftovers,
            stop_cause=run.stop_cause,
        )
    )


def dispose(ended: Ended) -> None:
    """Close the execution and move the unit on, in one transaction.

    Raises:
        LeaseLost: nothing was changed.
    """
    now = clock.now()
    with transaction.atomic():
        moving, again = _sort_out(ended)
        ended.recorder.flush(execution_id=ended.execution.pk)
        lifecycle.end_execution(
            ended.execution,
            ended.tally,
            state=ExecutionState.ENDED,
            outcome=ended.stop_cause or ("partial" if moving or again else "ok"),
            completed=ended.completed,
            now=now,
        )
        if again:
            lifecycle.let_go(
                ended.unit,
                UnitState.READY,
                next_action_at=now + _AGAIN_AFTER,
                now=now,
            )
        elif moving:
            _hand_over(ended, moving, now=now)
        else:
            lifecycle.finish_unit(ended.unit, now=now)
    ended.recorder.close()


def _hand_over(ended: Ended, moving: Sequence[Leftover], *, now: datetime) -> None:
    lifecycle.hand_over(
        ended.unit,
        ended.decision,
        slice_items=settings.DIRECT_UNIT_ITEMS,
        open_seqs=sorted(left.item.seq for left in moving),
        cause=moving[0].failure.kind.value,
        now=now,
    )


def _sort_out(ended: Ended) -> tuple[list[Leftover], bool]:
    """Write the rows of items that end here.

    Returns:
        The items for the next stage, and whether the same stage is tried again.
    """
    if ended.stop_cause in {"canceled", "overdue"}:
        _close_all(ended)
        return [], False
    if closing.has_next_stage(ended.unit, ended.decision):
        moving = [left for left in ended.leftovers if _may_move(left)]
    elif _may_try_again(ended):
        moving = [left for left in ended.leftovers if left.failure.rule.same_lane]
    else:
        moving = []
    kept = {left.item.seq for left in moving}
    for left in ended.leftovers:
        if left.item.seq not in kept:
            _fail(ended, left)
    if closing.has_next_stage(ended.unit, ended.decision):
        return moving, False
    return [], bool(moving)


def _close_all(ended: Ended) -> None:
    is_canceled = ended.stop_cause == "canceled"
    items = [*ended.unsent, *(left.item for left in ended.leftovers)]
    closing.add_rows(
        ended.recorder,
        ended.context,
        ended.decision,
        sorted(items, key=lambda item: item.seq),
        status=RowStatus.CANCELED if is_canceled else RowStatus.EXPIRED,
        error=CANCELED if is_canceled else EXPIRED,
    )


def _may_move(left: Leftover) -> bool:
    """Tell whether another lane may be asked: never after a second unknown outcome."""
    rule = left.failure.rule
    if left.failure.kind is FailureKind.VERIFICATION or rule.leaves_lane:
        return rule.next_lane
    return rule.next_lane and not (rule.maybe_billed and left.tries >= 2)


def _may_try_again(ended: Ended) -> bool:
    """Tell whether a provider job that lost rows on the last stage is repeated."""
    if ended.lane.mode != "batch":
        return False
    tries = Execution.objects.filter(
        unit_id=ended.unit.unit_id, stage=ended.unit.stage
    ).count()
    return tries < LAST_STAGE_TRIES


def _fail(ended: Ended, left: Leftover) -> None:
    attempt = Attempt(
        ended.context,
        ended.decision,
        ended.lane,
        left.item,
        {},
        left.tries,
        ended.execution.started_at,
    )
    ended.recorder.add(failed_row(attempt, left.failure, now=clock.now()))
