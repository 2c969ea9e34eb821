"""Take back units whose worker died, and close what is past its deadline."""

import logging

from django.db import transaction
from django.db.models import QuerySet

from batches.engine import claims, lifecycle
from batches.engine.context import BatchContext, Contexts, open_items
from batches.engine.lifecycle import Tally
from batches.engine.opening import close_stopped
from batches.engine.recorder import LeaseLost
from batches.models import Batch, Execution, LostCall, WorkUnit
from batches.states import (
    EXECUTION_OPEN,
    BatchState,
    ExecutionState,
    UnitState,
)
from batchrouter.kit import clock

log = logging.getLogger(__name__)


def recover_lost_leases() -> int:
    """Free every unit whose lease ran out; return how many there were."""
    contexts, freed = Contexts(), 0
    try:
        while _recover_one(contexts):
            freed += 1
    finally:
        contexts.close()
    return freed


def _recover_one(contexts: Contexts) -> bool:
    with transaction.atomic():
        unit = (
            WorkUnit.objects.select_for_update(skip_locked=True, no_key=True)
            # Leases are judged by the database's clock.
            .extra(where=["lease_until < clock_timestamp()"])
            .filter(state=UnitState.RUNNING)
            .order_by("lease_until")
            .first()
        )
        if unit is None:
            return False
        log.warning("lease of unit %s ran out; it is taken back", unit.public_id)
        now = clock.now()
        execution = Execution.objects.filter(
            unit=unit, state__in=EXECUTION_OPEN
        ).first()
        is_job = execution is not None and execution.mode == "batch"
        if execution is not None and not is_job:
            _abandon(unit, execution, contexts.of(unit.batch_id))
        unit.advance(UnitState.WAITING if is_job else UnitState.READY, at=now)
        lifecycle.record_event(
            unit.batch_id,
            "work.retried",
            {
                "work_unit_id": unit.public_id,
                "items": unit.item_count - unit.row_count,
                "cause": "worker_lost",
                "again_at": clock.iso(now),
            },
            now=now,
        )
        WorkUnit.objects.filter(pk=unit.pk).update(
            lease_token=None,
            lease_until=None,
            lost_leases=unit.lost_leases + 1,
            next_action_at=now,
        )
    return True


def _abandon(unit: WorkUnit, execution: Execution, batch: BatchContext) -> None:
    """Book the calls that a dead worker may have made, once each."""
    decision = batch.decision(unit.group_no, unit.plan_id)
    lane = decision.stages[execution.stage]
    lost = [
        item
        for item in open_items(unit, batch)
        if item.seq <= execution.sent_through_seq
    ]
    LostCall.objects.bulk_create(
        LostCall(batch_id=batch.pk, seq=item.seq, execution_id=execution.pk)
        for item in lost
    )
    ambiguous = sum(batch.lost_call_cost(unit.group_no, lane, item) for item in lost)
    lifecycle.end_execution(
        execution,
        Tally(
            cost_nanousd=execution.cost_nanousd,
            ambiguous_nanousd=execution.ambiguous_nanousd + ambiguous,
            failures={**execution.failures, "worker_lost": len(lost)},
            checks=execution.checks,
        ),
        state=ExecutionState.ABANDONED,
        outcome="worker_lost",
        completed=execution.completed,
        now=clock.now(),
    )


def close_idle_units(batch: Batch, *, with_jobs: bool) -> int:
    """End the open items of units that nobody works on; return how many units.

    Args:
        batch: canceled or overdue.
        with_jobs: also the units whose provider job runs. Usually its finished rows
            are fetched first, so that is for batches that cannot wait for them.
    """
    states = [UnitState.READY] + ([UnitState.WAITING] if with_jobs else [])
    contexts, closed = Contexts(), 0
    try:
        context = contexts.of(batch.pk)
        while unit := claims.claim_idle(batch.pk, states):
            _close_one(unit, context)
            closed += 1
    finally:
        contexts.close()
    return closed


def _close_one(unit: claims.ClaimedUnit, context: BatchContext) -> None:
    try:
        with transaction.atomic():
            _end_open_jobs(unit, context)
            close_stopped(unit, context)
    except LeaseLost:
        log.info("unit %s was taken meanwhile", unit.public_id)


def _end_open_jobs(unit: claims.ClaimedUnit, context: BatchContext) -> None:
    """Close executions whose answers come too late; the provider may bill them."""
    for execution in Execution.objects.filter(
        unit_id=unit.unit_id, state__in=EXECUTION_OPEN
    ):
        lane = context.decision(unit.group_no, unit.plan_id).stages[execution.stage]
        ambiguous = sum(
            context.lost_call_cost(unit.group_no, lane, item)
            for item in open_items(unit, context)
        )
        lifecycle.end_execution(
            execution,
            Tally(cost_nanousd=execution.cost_nanousd, ambiguous_nanousd=ambiguous),
            state=ExecutionState.ABANDONED,
            outcome="deadline",
            completed=execution.completed,
            now=clock.now(),
        )


def close_overdue_batches() -> int:
    """End the idle units of every open batch whose deadline has passed.

    A provider job is told to stop first, and its finished rows are taken when they
    come within ``claims.LATE_SECONDS``.
    """
    closed = 0
    for batch in _overdue(0):
        WorkUnit.objects.filter(batch=batch, state=UnitState.WAITING).extra(
            where=["next_action_at > clock_timestamp() + interval '5 seconds'"]
        ).update(next_action_at=clock.now())
        closed += close_idle_units(batch, with_jobs=False)
    for batch in _overdue(claims.LATE_SECONDS):
        closed += close_idle_units(batch, with_jobs=True)
    return closed


def _overdue(seconds: int) -> QuerySet[Batch]:
    return Batch.objects.filter(
        state__in=[BatchState.QUEUED, BatchState.RUNNING]
    ).extra(  # deadlines are judged by the database's clock
        where=["deadline_at + make_interval(secs => %s) <= clock_timestamp()"],
        params=[seconds],
    )
