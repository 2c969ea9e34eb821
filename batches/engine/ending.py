"""End an execution: book it, give every item its end, its next lane, or another try."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from batches.decisions import Decision, StageLane
from batches.engine import closing, lifecycle, replanning
from batches.engine.claims import ClaimedUnit
from batches.engine.context import BatchContext
from batches.engine.direct_run import GIVEN_BACK, DirectRun, Leftover, StopCause
from batches.engine.judging import CANCELED, EXPIRED, Attempt, failed_row
from batches.engine.lifecycle import Tally
from batches.engine.recorder import Recorder
from batches.engine.retries import MISSES_MAX
from batches.models import Execution, LostCall
from batches.states import ExecutionState, RowStatus, UnitState
from batchrouter.kit import clock
from routing.failures import FailureKind

# Executions on the last stage of a plan, when rows are missing and time is left.
LAST_STAGE_TRIES = {"batch": 3, "direct": 6}
_AGAIN_AFTER = timedelta(seconds=5)
# So many items without one answer are taken as an outage of the lane.
_OUTAGE_ITEMS = 5


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
    leftovers: Sequence[Leftover]
    stop_cause: StopCause | None


def end_direct(run: DirectRun) -> None:
    """Record what is left of a drained run and let its unit go.

    Raises:
        LeaseLost: nothing was changed.
    """
    run.give_back_unsent()
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
        # The unit before its execution, as who takes it back does.
        lifecycle.require_lease(ended.unit)
        pause = _pause_before_again(ended)
        staying = _staying(ended, is_again=pause is not None)
        _end_others(ended, staying, now=now)
        ended.recorder.flush(execution_id=ended.execution.pk)
        _remember_lost(ended, staying)
        lifecycle.end_execution(
            ended.execution,
            ended.tally,
            state=ExecutionState.ENDED,
            outcome=ended.stop_cause or ("partial" if staying else "ok"),
            completed=ended.completed,
            now=now,
        )
        if not staying:
            lifecycle.finish_unit(ended.unit, now=now)
        elif pause is not None:
            _tell_again(ended, staying, again_at=now + pause, now=now)
            lifecycle.let_go(
                ended.unit, UnitState.READY, next_action_at=now + pause, now=now
            )
        else:
            _hand_over(ended, staying, now=now)
    ended.recorder.close()


def _tell_again(
    ended: Ended, staying: Sequence[Leftover], *, again_at: datetime, now: datetime
) -> None:
    """Write into the timeline that items are asked for once more, and why."""
    cause = ended.stop_cause or staying[0].failure.kind.value
    lifecycle.record_event(
        ended.unit.batch_id,
        "work.retried",
        {
            "work_unit_id": ended.unit.public_id,
            "provider": ended.lane.provider,
            "mode": ended.lane.mode,
            "items": len(staying),
            "cause": cause,
            "again_at": clock.iso(again_at),
        },
        now=now,
    )


def _hand_over(ended: Ended, moving: Sequence[Leftover], *, now: datetime) -> None:
    causes = Counter(left.failure.kind.value for left in moving)
    cause = causes.most_common(1)[0][0]
    items = sorted((left.item for left in moving), key=lambda item: item.seq)
    going = replanning.onward(
        ended.unit, ended.context, ended.decision, items, cause=cause, now=now
    )
    # Items move only where the plan has a next lane.
    assert going is not None
    lifecycle.hand_over(
        ended.unit,
        going.decision,
        slice_items=settings.DIRECT_UNIT_ITEMS,
        open_seqs=[item.seq for item in items],
        causes=causes,
        now=now,
        plan_id=going.plan_id,
    )


def _staying(ended: Ended, *, is_again: bool) -> list[Leftover]:
    """Return the items without a row for which there is a next lane or try."""
    if ended.stop_cause in {"canceled", "overdue"}:
        return []
    if ended.stop_cause in GIVEN_BACK:
        return [left for left in ended.leftovers if _may_wait(left)]
    if closing.has_next_stage(ended.unit, ended.decision):
        return [left for left in ended.leftovers if _may_move(left)]
    if is_again:
        return [left for left in ended.leftovers if _may_stay(left)]
    return []


def _may_move(left: Leftover) -> bool:
    """Tell whether another lane may be asked: never after a second unknown outcome."""
    rule = left.failure.rule
    return rule.next_lane and left.unknowns < MISSES_MAX["unknown"]


def _may_wait(left: Leftover) -> bool:
    """Tell whether whoever claims the unit next may go on with it."""
    return left.unknowns < MISSES_MAX["unknown"]


def _may_stay(left: Leftover) -> bool:
    if left.unfit is not None:
        # The lane answers; that its answer does not please is no outage.
        return left.unfit.on_fail == "retry" and left.tries < MISSES_MAX["unfit"]
    rule = left.failure.rule
    return rule.same_lane and left.unknowns < MISSES_MAX["unknown"]


def _pause_before_again(ended: Ended) -> timedelta | None:
    """Return how long the last lane of a plan rests before it is asked once more.

    None where it is not the last one, or should not be: it has had its tries, or what
    failed are single items and not the lane.
    """
    if ended.stop_cause in GIVEN_BACK:
        return timedelta(0)
    if closing.has_next_stage(ended.unit, ended.decision) or ended.stop_cause:
        return None
    if ended.lane.mode == "direct" and not _is_outage(ended):
        return None
    tries = (
        Execution.objects.filter(unit_id=ended.unit.unit_id, stage=ended.unit.stage)
        .exclude(state=ExecutionState.REFUSED)
        .count()
    )
    if tries >= LAST_STAGE_TRIES[ended.lane.mode]:
        return None
    return _AGAIN_AFTER * (1 << (tries - 1))


def _is_outage(ended: Ended) -> bool:
    """Tell whether a direct lane was down, rather than some of the items bad."""
    kinds = [left.failure.kind for left in ended.leftovers if left.unfit is None]
    if FailureKind.UNREACHABLE in kinds:
        return True
    return ended.completed == 0 and len(kinds) >= _OUTAGE_ITEMS


def _end_others(ended: Ended, staying: Sequence[Leftover], *, now: datetime) -> None:
    """Write the rows of items that end here, in the order of the input."""
    kept = {left.item.seq for left in staying}
    over = [left for left in ended.leftovers if left.item.seq not in kept]
    over.sort(key=lambda left: left.item.seq)
    if ended.stop_cause in {"canceled", "overdue"}:
        is_canceled = ended.stop_cause == "canceled"
        closing.add_rows(
            ended.recorder,
            ended.context,
            ended.decision,
            [left.item for left in over],
            status=RowStatus.CANCELED if is_canceled else RowStatus.EXPIRED,
            error=CANCELED if is_canceled else EXPIRED,
            tries={left.item.seq: left.tries for left in over},
        )
        return
    for left in over:
        _fail(ended, left, now=now)


def _remember_lost(ended: Ended, staying: Sequence[Leftover]) -> None:
    """Write down which items were asked for without a known end, for the next lane."""
    LostCall.objects.bulk_create(
        LostCall(
            batch_id=ended.unit.batch_id,
            seq=left.item.seq,
            execution_id=ended.execution.pk,
        )
        for left in staying
        if left.is_lost
    )


def _fail(ended: Ended, left: Leftover, *, now: datetime) -> None:
    if left.unfit is not None and left.unfit.review_row is not None:
        ended.recorder.add(left.unfit.review_row)
        ended.completed += 1
        return
    attempt = Attempt(
        ended.context,
        ended.decision,
        ended.lane,
        left.item,
        {},
        left.tries,
        ended.execution.started_at,
    )
    checks = None if left.unfit is None else left.unfit.checks
    ended.recorder.add(failed_row(attempt, left.failure, now=now, checks=checks))
