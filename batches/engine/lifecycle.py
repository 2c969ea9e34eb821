"""Begin an execution, end it, hand a unit on, finish it: each in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from batches.decisions import Decision, StageLane
from batches.engine.claims import ClaimedUnit
from batches.engine.recorder import LeaseLost
from batches.models import WHOLE, Batch, BatchEvent, Execution, WorkUnit
from batches.models.execution import new_execution_id
from batches.models.work_unit import COPIES
from batches.states import (
    UNIT_MOVES,
    UNIT_OPEN,
    BatchState,
    ExecutionState,
    UnitState,
)
from batches.verification import JSON_PARSE, Verification
from batchrouter.kit.jobs import Job, enqueue_on_commit
from batchrouter.kit.states import LostRace, MoveNotAllowed
from billing.costs import book_cost
from routing import job_queues

# The kind of the event that tells that a unit's items moved to another lane.
LANE_SHIFTED = "lane.shifted"

_JOB_OF_MODE = {"direct": Job.RUN_DIRECT, "batch": Job.TEND_NATIVE}


@dataclass(slots=True)
class Tally:
    """What an execution came to, beyond its rows.

    Attributes:
        checks: answers that passed, passed after a repair, and failed, by the name of
            the check; ``WHOLE`` stands for all checks of an answer.
    """

    cost_nanousd: int = 0
    ambiguous_nanousd: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    checks: dict[str, list[int]] = field(default_factory=dict)

    def note(self, kind: str) -> None:
        """Count one failed attempt."""
        self.failures[kind] = self.failures.get(kind, 0) + 1

    def note_verdict(self, verdict: Verification) -> None:
        """Count an answer that was checked: as a whole, and by each check."""
        repaired = verdict.is_repaired
        self._count(WHOLE, is_passed=verdict.passed, is_repaired=repaired)
        for check in verdict.checks:
            is_mended = repaired and check["name"] == JSON_PARSE
            self._count(check["name"], is_passed=check["passed"], is_repaired=is_mended)

    def _count(self, name: str, *, is_passed: bool, is_repaired: bool) -> None:
        counts = self.checks.setdefault(name, [0, 0, 0])
        counts[1 if is_repaired else 0 if is_passed else 2] += 1


def begin_execution(
    unit: ClaimedUnit,
    lane: StageLane,
    *,
    item_count: int,
    sent_through_seq: int,
    now: datetime,
    public_id: str | None = None,
) -> Execution:
    """Write down the intent to ask a provider, before anything is sent.

    Args:
        unit: claimed.
        lane: to be asked.
        item_count: how many items it is about.
        sent_through_seq: how far they may be sent.
        now: the instant.
        public_id: where one was given out for it already.

    Raises:
        LeaseLost: the unit is another's, who may have written an intent already.
    """
    with transaction.atomic():
        batch = Batch.objects.select_for_update(no_key=True).get(pk=unit.batch_id)
        require_lease(unit)
        if batch.state == BatchState.QUEUED:
            batch.advance(BatchState.RUNNING, at=now)
            record_event(batch.pk, "batch.running", {}, now=now)
        return Execution.objects.create(
            public_id=public_id or new_execution_id(),
            state=ExecutionState.PLANNED,
            state_at=now,
            batch_id=unit.batch_id,
            unit_id=unit.unit_id,
            stage=unit.stage,
            offering_id=lane.offering_id,
            provider=lane.provider,
            model=lane.model,
            provider_model=lane.provider_model,
            mode=lane.mode,
            is_sandbox=lane.is_sandbox,
            item_count=item_count,
            sent_through_seq=sent_through_seq,
            started_at=now,
        )


def require_lease(unit: ClaimedUnit) -> None:
    """Keep a unit ours until the transaction ends: nobody takes it back meanwhile.

    Raises:
        LeaseLost: it was no longer ours.
    """
    ours = WorkUnit.objects.select_for_update(no_key=True).filter(
        pk=unit.unit_id, lease_token=unit.lease_token, state=UnitState.RUNNING
    )
    if not list(ours.values_list("pk")):
        raise LeaseLost(f"unit {unit.public_id} is no longer ours")


def record_event(
    batch_id: int, kind: str, data: Mapping[str, object], *, now: datetime
) -> None:
    """Add a line to the batch's timeline, in the transaction of the change."""
    BatchEvent.objects.create(
        batch_id=batch_id, kind=kind, data=dict(data), created_at=now
    )


def end_execution(
    execution: Execution,
    tally: Tally,
    *,
    state: ExecutionState,
    outcome: str,
    completed: int,
    now: datetime,
) -> None:
    """Close an execution and book what it cost us, once.

    Raises:
        LeaseLost: somebody else closed it, because the lease had run out.
    """
    try:
        execution.advance(state, at=now)
    except LostRace as error:
        raise LeaseLost(f"{execution.public_id} was closed meanwhile") from error
    Execution.objects.filter(pk=execution.pk).update(
        outcome=outcome,
        completed=completed,
        failures=tally.failures,
        checks=tally.checks,
        cost_nanousd=tally.cost_nanousd,
        ambiguous_nanousd=tally.ambiguous_nanousd,
        sent_through_seq=execution.sent_through_seq,
        ended_at=now,
    )
    job_queues.release(execution.public_id)
    if tally.cost_nanousd:
        book_cost(
            provider=execution.provider,
            key=f"execution:{execution.public_id}",
            amount_nanousd=tally.cost_nanousd,
            reason="provider usage",
        )
    if tally.ambiguous_nanousd:
        book_cost(
            provider=execution.provider,
            key=f"execution:{execution.public_id}",
            amount_nanousd=tally.ambiguous_nanousd,
            reason="calls whose outcome is unknown",
            ambiguous=True,
        )


def let_go(
    unit: ClaimedUnit,
    to: UnitState,
    *,
    next_action_at: datetime,
    now: datetime,
    **changes: object,
) -> None:
    """Give up the lease and move the unit on.

    Raises:
        LeaseLost: it was no longer ours.
    """
    if to not in UNIT_MOVES[UnitState.RUNNING]:
        raise MoveNotAllowed(f"unit: running cannot become {to}")
    changes.setdefault("held_reason", "")
    # house: allow state-by-advance because the lease must be ours in the same statement
    moved = WorkUnit.objects.filter(
        pk=unit.unit_id, lease_token=unit.lease_token, state=UnitState.RUNNING
    ).update(
        state=to,
        state_at=now,
        lease_token=None,
        lease_until=None,
        next_action_at=next_action_at,
        **changes,
    )
    if moved != 1:
        raise LeaseLost(f"unit {unit.public_id} is no longer ours")


def hold(unit: ClaimedUnit, reason: str, *, until: datetime, now: datetime) -> None:
    """Let a unit wait, ready, for something outside; the timeline hears it once.

    Args:
        unit: claimed, with nothing under way.
        reason: a failure kind.
        until: when to look again, at the latest when its lane is to be left.
        now: the instant.

    Raises:
        LeaseLost: it was no longer ours.
    """
    with transaction.atomic():
        if unit.held_reason != reason:
            record_event(
                unit.batch_id,
                "unit.held",
                {
                    "work_unit_id": unit.public_id,
                    "items": unit.item_count,
                    "cause": reason,
                },
                now=now,
            )
        leaves_at = now + timedelta(seconds=max(unit.stage_seconds, 0.0))
        let_go(
            unit,
            UnitState.READY,
            next_action_at=min(until, leaves_at),
            now=now,
            held_reason=reason,
        )


def finish_unit(unit: ClaimedUnit, *, now: datetime) -> None:
    """End a unit whose items all have rows; the last one of a batch rings for the end.

    The batch row is locked, so that of two last units exactly one sees the other done.
    """
    Batch.objects.select_for_update(no_key=True).get(pk=unit.batch_id)
    let_go(unit, UnitState.DONE, next_action_at=now, now=now)
    ring_when_all_done(unit.batch_id)


def ring_when_all_done(batch_id: int) -> None:
    """Ask for the finish of a batch that has no open unit; the batch is locked.

    Where copies are open, rows may have come that they are to get.
    """
    modes = set(
        WorkUnit.objects.filter(batch_id=batch_id, state__in=UNIT_OPEN)
        .values_list("mode", flat=True)
        .distinct()
    )
    if not modes:
        enqueue_on_commit(Job.FINALIZE_BATCH, batch_id=batch_id)
    elif COPIES in modes:
        enqueue_on_commit(Job.COPY_ROWS, batch_id=batch_id)


def hand_over(
    unit: ClaimedUnit,
    decision: Decision,
    *,
    slice_items: int,
    open_seqs: Sequence[int],
    causes: Mapping[str, int],
    now: datetime,
    plan_id: int | None,
) -> None:
    """Move a unit's open items to the next stage of its plan, or of a new one.

    A large unit is split into slices for a direct lane, so that nobody waits for more
    than a slice of it.

    Args:
        unit: claimed, with nothing under way.
        decision: for its group.
        slice_items: the most items of a unit on a direct lane.
        open_seqs: the numbers of the items that move, in order.
        causes: why, as kinds of failure with the number of items each moves.
        now: the next stage starts then.
        plan_id: of the plan whose stages those of the decision are; None for its own.
    """
    stage = unit.stage + 1
    left, lane = decision.stages[unit.stage], decision.stages[stage]
    record_event(
        unit.batch_id,
        LANE_SHIFTED,
        {
            "work_unit_id": unit.public_id,
            "from_provider": left.provider,
            "from_model": left.model,
            "from_mode": left.mode,
            "to_provider": lane.provider,
            "to_model": lane.model,
            "to_mode": lane.mode,
            "items": len(open_seqs),
            "cause": max(causes, key=lambda kind: causes[kind]),
            "causes": dict(causes),
        },
        now=now,
    )
    placed: dict[str, Any] = {
        "stage": stage,
        "mode": lane.mode,
        "leave_at": lane.leave_at,
        "plan_id": plan_id,
    }
    if lane.mode == "direct" and len(open_seqs) > slice_items:
        slices = [
            open_seqs[start : start + slice_items]
            for start in range(0, len(open_seqs), slice_items)
        ]
        split(unit, slices, now=now, **placed)
    else:
        let_go(
            unit,
            UnitState.READY,
            next_action_at=now,
            now=now,
            **placed,
        )
    enqueue_on_commit(_JOB_OF_MODE[lane.mode])


def split(
    unit: ClaimedUnit,
    slices: Sequence[Sequence[int]],
    *,
    now: datetime,
    **changes: object,
) -> None:
    """Replace a unit by smaller ones; it keeps the items that it has rows for.

    Args:
        unit: claimed, with nothing under way.
        slices: the numbers of its open items, in order.
        now: the parts are due at once.
        changes: what the parts do not have from the unit, such as another stage.

    Raises:
        LeaseLost: it was no longer ours.
    """
    parent = WorkUnit.objects.get(pk=unit.unit_id)
    standing = {
        "stage": parent.stage,
        "mode": parent.mode,
        "leave_at": parent.leave_at,
        "plan_id": parent.plan_id,
        **changes,
    }
    WorkUnit.objects.bulk_create(
        WorkUnit(
            state=UnitState.READY,
            state_at=now,
            batch_id=parent.batch_id,
            org_id=parent.org_id,
            group_no=parent.group_no,
            seq_from=part[0],
            seq_to=part[-1],
            item_count=len(part),
            next_action_at=now,
            **standing,
        )
        for part in slices
    )
    let_go(
        unit,
        UnitState.SPLIT,
        next_action_at=now,
        now=now,
        item_count=parent.row_count,
    )
