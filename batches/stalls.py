"""Why a batch that should move does not: what its open units wait for."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Q

from batches.decisions import StageLane, stages_from_json
from batches.decisions import from_json as decision_from_json
from batches.engine.claims import RUNNING_PER_ORG
from batches.models import Batch, Execution, RoutePlan, WorkUnit
from batches.models.work_unit import COPIES
from batches.selectors import Part, Standing
from batches.states import EXECUTION_OPEN, BatchState, ExecutionState, UnitState
from batches.telling import sentence
from routing.failures import RULES, FailureKind
from routing.selectors import resting_until


@dataclass(frozen=True, slots=True)
class Stall:
    """A stable code, a sentence, and when the next step is due."""

    code: str
    reason: str
    next_action_at: datetime


def why_it_stands(batch: Batch, standing: Standing, *, now: datetime) -> Stall:
    """Find out what a batch waits for; asked only of one that stands still.

    The part with the most open items speaks for the batch.
    """
    if batch.state == BatchState.FINALIZING:
        text = "Every item has a row; the files and receipts are being written."
        return Stall("finalizing", text, _swept(now))
    parts = [part for part in standing.parts if part.open_items and part.mode != COPIES]
    if not parts:
        text = "The batch waits to be cut into work units."
        return Stall("not_dispatched", text, _swept(now))
    part = max(parts, key=lambda part: part.open_items)
    lane = _lane_of(batch, part)
    if part.state == UnitState.WAITING:
        return _waits_for_job(batch, part, lane)
    rest = _resting(lane, part, now)
    if rest is not None:
        return rest
    if part.state == UnitState.RUNNING:
        return _slow(batch, part, lane, now)
    return _unclaimed(batch, part, lane, now)


def _swept(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.SWEEP_SECONDS)


def _lane_of(batch: Batch, part: Part) -> StageLane:
    if part.plan_id is not None:
        plan = RoutePlan.objects.get(pk=part.plan_id, batch=batch)
        return stages_from_json(plan.stages)[part.stage]
    (stored,) = [
        stored
        for stored in batch.quote.decisions
        if stored["group_no"] == part.group_no
    ]
    return decision_from_json(stored).stages[part.stage]


def _open_execution(batch: Batch, part: Part) -> Execution | None:
    return (
        Execution.objects.filter(
            batch=batch,
            stage=part.stage,
            mode=part.mode,
            unit__group_no=part.group_no,
            state__in=EXECUTION_OPEN,
        )
        .order_by("id")
        .first()
    )


def _waits_for_job(batch: Batch, part: Part, lane: StageLane) -> Stall:
    job = _open_execution(batch, part)
    if job is None or job.state == ExecutionState.PLANNED:
        text = f"A job of {part.open_items} items is being handed to {lane.provider}."
        return Stall("submitting_provider_job", text, part.next_action_at)
    text = (
        f"{lane.provider} is working on a job of {job.item_count} items since "
        f"{job.started_at:%Y-%m-%d %H:%M} UTC; it has been asked {job.polls} times. "
        "Its rows come all at once, when it ends."
    )
    return Stall("waiting_for_provider_job", text, part.next_action_at)


def _resting(lane: StageLane, part: Part, now: datetime) -> Stall | None:
    """Tell of a lane that takes no work, or that is asked again only later."""
    if part.held_reason:
        text = f"{lane.provider}: {sentence(part.held_reason)} The items wait for it."
        return Stall(part.held_reason, text, part.next_action_at)
    until = resting_until(lane.offering_id, now=now)
    if until is not None:
        text = (
            f"{lane.provider} failed too often, so its breaker is open and it rests "
            "until then; the next lane of the plan takes over when its time comes."
        )
        return Stall("breaker_open", text, max(until, part.next_action_at))
    if part.state == UnitState.READY and part.next_action_at > now:
        text = f"{lane.provider} was down a moment ago; it is asked again then."
        return Stall("retry_scheduled", text, part.next_action_at)
    return None


def _slow(batch: Batch, part: Part, lane: StageLane, now: datetime) -> Stall:
    """Tell why a worker that has the items gets no rows for them."""
    run = _open_execution(batch, part)
    failures = run.failures if run is not None else {}
    if failures:
        kind = max(failures, key=lambda name: failures[name])
        if kind == FailureKind.RATE_LIMITED:
            text = (
                f"{lane.provider} limits our rate ({failures[kind]} refusals so far); "
                "calls go on at the pace it allows."
            )
            return Stall("rate_limited", text, _swept(now))
        if kind in set(FailureKind):
            text = f"{lane.provider}: {RULES[FailureKind(kind)].message}"
            return Stall(kind, text, _swept(now))
    text = f"Calls to {lane.provider} are under way and have not been answered yet."
    return Stall("waiting_for_answers", text, _swept(now))


def _unclaimed(batch: Batch, part: Part, lane: StageLane, now: datetime) -> Stall:
    """Tell why no worker has taken units that are due."""
    running = WorkUnit.objects.filter(mode=part.mode, state=UnitState.RUNNING)
    counted = running.aggregate(
        own=Count("pk", filter=Q(org_id=batch.org_id)), every=Count("pk")
    )
    due = f"{part.unit_count} work units for {lane.provider} are due"
    if counted["own"] >= RUNNING_PER_ORG:
        text = (
            f"{due}; your organization has {counted['own']} running, which is its "
            "share, and they come next."
        )
        return Stall("fair_share", text, _swept(now))
    if counted["every"]:
        text = f"{due}; the workers are busy with other work units, and take turns."
        return Stall("workers_busy", text, _swept(now))
    text = f"{due}, and no worker has taken any; ours seem to be down."
    return Stall("no_worker", text, _swept(now))
