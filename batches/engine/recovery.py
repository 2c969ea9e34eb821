"""Take back units whose worker died, and close what is past its deadline."""

import logging
import uuid

from django.db import connection, transaction

from batches.engine import charges, claims, closing, lifecycle
from batches.engine.context import BatchContext, Contexts, open_items
from batches.engine.judging import CANCELED, EXPIRED
from batches.engine.lifecycle import Tally
from batches.engine.recorder import LeaseLost
from batches.engine.rows import IndexedItem
from batches.models import Batch, Execution, LostCall, WorkUnit
from batches.states import (
    BATCH_OPEN,
    EXECUTION_OPEN,
    ExecutionState,
    RowStatus,
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
            .extra(
                where=["lease_until < clock_timestamp()"]
            )  # a constant; leases are judged by the database's clock
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
        WorkUnit.objects.filter(pk=unit.pk).update(
            lease_token=None,
            lease_until=None,
            lost_leases=unit.lost_leases + 1,
            next_action_at=now,
        )
    return True


def _abandon(unit: WorkUnit, execution: Execution, batch: BatchContext) -> None:
    """Book the calls that a dead worker may have made, once each."""
    decision = batch.decision(unit.group_no)
    lane = decision.stages[execution.stage]
    lost = [
        item
        for item in _open_items(unit, batch)
        if item.seq <= execution.sent_through_seq
    ]
    LostCall.objects.bulk_create(
        LostCall(batch_id=batch.pk, seq=item.seq, execution_id=execution.pk)
        for item in lost
    )
    ambiguous = sum(
        charges.lost_call_cost_nanousd(
            lane.price,
            counted_tokens=item.input_tokens,
            output_cap=batch.output_cap(unit.group_no, item),
        )
        for item in lost
    )
    lifecycle.end_execution(
        execution,
        Tally(
            cost_nanousd=execution.cost_nanousd,
            ambiguous_nanousd=execution.ambiguous_nanousd + ambiguous,
            failures={**execution.failures, "worker_lost": len(lost)},
        ),
        state=ExecutionState.ABANDONED,
        outcome="worker_lost",
        completed=execution.completed,
        now=clock.now(),
    )


def _open_items(unit: WorkUnit, batch: BatchContext) -> list[IndexedItem]:
    return open_items(
        batch_id=batch.pk,
        manifest_id=batch.manifest_id,
        group_no=unit.group_no,
        seq_from=unit.seq_from,
        seq_to=unit.seq_to,
    )


_TAKE = f"""
UPDATE batches_workunit SET state = '{UnitState.RUNNING}',
       state_at = clock_timestamp(), lease_token = %(token)s,
       lease_until = clock_timestamp() + interval '60 seconds'
 WHERE id = (SELECT id FROM batches_workunit
              WHERE batch_id = %(batch)s AND state = ANY(%(states)s)
              ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, public_id, batch_id, group_no, seq_from, seq_to, item_count,
          completed + failed + canceled + expired + review, stage, mode, lease_token,
          lost_leases, 'ready'
"""  # noqa: S608 # constants of ours only


def close_idle_units(batch: Batch, *, is_overdue: bool) -> int:
    """End the open items of units that nobody works on; return how many units.

    A unit with a provider job is closed past the deadline only: after a cancel its
    finished rows are fetched first.
    """
    states = [UnitState.READY] + ([UnitState.WAITING] if is_overdue else [])
    contexts, closed = Contexts(), 0
    try:
        context = contexts.of(batch.pk)
        while unit := _take(batch.pk, [str(state) for state in states]):
            _close_one(unit, context, is_overdue=is_overdue)
            closed += 1
    finally:
        contexts.close()
    return closed


def _take(batch_id: int, states: list[str]) -> claims.ClaimedUnit | None:
    with connection.cursor() as cursor:
        cursor.execute(
            _TAKE, {"token": uuid.uuid4(), "batch": batch_id, "states": states}
        )
        row = cursor.fetchone()
    return None if row is None else claims.ClaimedUnit(*row)


def _close_one(
    unit: claims.ClaimedUnit, context: BatchContext, *, is_overdue: bool
) -> None:
    try:
        with transaction.atomic():
            _end_open_jobs(unit, context)
            closing.close_unit(
                unit,
                context,
                status=RowStatus.EXPIRED if is_overdue else RowStatus.CANCELED,
                error=EXPIRED if is_overdue else CANCELED,
            )
    except LeaseLost:
        log.info("unit %s was taken meanwhile", unit.public_id)


def _end_open_jobs(unit: claims.ClaimedUnit, context: BatchContext) -> None:
    """Close executions whose answers come too late; the provider may bill them."""
    for execution in Execution.objects.filter(
        unit_id=unit.unit_id, state__in=EXECUTION_OPEN
    ):
        lane = context.decision(unit.group_no).stages[execution.stage]
        row = WorkUnit.objects.get(pk=unit.unit_id)
        ambiguous = sum(
            charges.lost_call_cost_nanousd(
                lane.price,
                counted_tokens=item.input_tokens,
                output_cap=context.output_cap(unit.group_no, item),
            )
            for item in _open_items(row, context)
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
    """End the idle units of every open batch whose deadline has passed."""
    overdue = Batch.objects.filter(
        state__in=BATCH_OPEN - {"priced", "finalizing"}
    ).extra(
        where=["deadline_at <= clock_timestamp()"]
    )  # a constant; deadlines are judged by the database's clock
    return sum(close_idle_units(batch, is_overdue=True) for batch in overdue)
