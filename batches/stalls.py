"""Why a batch that should move does not: what its open units wait for."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from batches.engine.claims import RUNNING_PER_ORG
from batches.models import Batch
from batches.places import Evidence, Job, Place, evidence_for, places_of
from batches.states import BatchState, ExecutionState, UnitState
from batches.telling import sentence
from routing.failures import RULES, FailureKind
from routing.lanes import LaneState

STALL_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Stall:
    """A stable code, a sentence, and when the next step is due."""

    code: str
    reason: str
    next_action_at: datetime


def why_it_stands(batch: Batch, *, now: datetime) -> Stall:
    """Find out what a batch waits for; asked only of one that stands still.

    The place with the most open items speaks for the batch.
    """
    if batch.state == BatchState.FINALIZING:
        return why_without_places(batch.state, now=now)
    places = places_of([batch.pk])
    if not places:
        return why_without_places(batch.state, now=now)
    evidence = evidence_for(places[:1], now=now)
    return why(places[0], batch, evidence, now=now)


def why_without_places(state: str, *, now: datetime) -> Stall:
    """Tell what a batch waits for that has no open unit on a lane."""
    if state == BatchState.FINALIZING:
        text = "Every item has a row; the files and receipts are being written."
        return Stall("finalizing", text, _swept(now))
    text = "The batch waits to be cut into work units."
    return Stall("not_dispatched", text, _swept(now))


def why(place: Place, batch: Batch, evidence: Evidence, *, now: datetime) -> Stall:
    """Tell what the units of a place wait for."""
    if batch.deadline_at <= now:
        text = "The deadline has passed; what is open is being closed as expired."
        return Stall("deadline_passed", text, _swept(now))
    job = evidence.jobs.get(place.unit_id)
    if place.state == UnitState.WAITING:
        return _waits_for_job(place, job)
    state = evidence.lanes.get(place.lane.offering_id)
    stopped = _stopped(place, state, now)
    if stopped is not None:
        return stopped
    if place.state == UnitState.RUNNING:
        return _slow(place, job, now)
    return _unclaimed(place, batch.org_id, evidence, now)


def _swept(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.SWEEP_SECONDS)


def _waits_for_job(place: Place, job: Job | None) -> Stall:
    provider = place.lane.provider
    if job is None or job.state == ExecutionState.PLANNED:
        text = f"A job of {place.open_items} items is being handed to {provider}."
        return Stall("submitting_provider_job", text, place.next_action_at)
    text = (
        f"{provider} is working on a job of {job.item_count} items since "
        f"{job.started_at:%Y-%m-%d %H:%M} UTC; it has been asked {job.polls} times. "
        "Its rows come all at once, when it ends."
    )
    return Stall("waiting_for_provider_job", text, place.next_action_at)


def _stopped(place: Place, lane: LaneState | None, now: datetime) -> Stall | None:
    """Tell of a lane that takes no work, or that is asked again only later."""
    provider = place.lane.provider
    if place.held_reason:
        text = f"{provider}: {sentence(place.held_reason)} The items wait for it."
        return Stall(place.held_reason, text, place.next_action_at)
    if lane is not None and lane.resting_until is not None:
        text = (
            f"{provider} failed too often, so its breaker is open and it rests until "
            "then; the next lane of the plan takes over when its time comes."
        )
        until = max(lane.resting_until, place.next_action_at)
        return Stall("breaker_open", text, until)
    return _leaving(place, lane, now) or _asked_later(place, lane, now)


def _leaving(place: Place, lane: LaneState | None, now: datetime) -> Stall | None:
    """Tell of items that go on to another lane at the next step."""
    provider = place.lane.provider
    if place.state == UnitState.READY and (lane is None or not lane.is_on):
        text = (
            f"{provider} takes no new work on this lane; the items go on by the plan, "
            "or by a new one, as soon as a worker takes them."
        )
        return Stall("lane_withdrawn", text, max(place.next_action_at, now))
    if place.leave_at > now:
        return None
    has_next = place.stage + 1 < place.stage_count
    after = "their next lane" if has_next else "a new plan, or to their end"
    text = f"Their time on {provider} is over; the items go to {after}."
    return Stall("leaving_lane", text, _swept(now))


def _asked_later(place: Place, lane: LaneState | None, now: datetime) -> Stall | None:
    """Tell of a provider that is asked again only later."""
    provider = place.lane.provider
    if lane is not None and lane.paused_until is not None:
        text = f"{provider} asked for a pause of all calls; they go on then."
        return Stall("lane_paused", text, lane.paused_until)
    if place.state == UnitState.READY and place.next_action_at > now:
        text = f"{provider} was down a moment ago; it is asked again then."
        return Stall("retry_scheduled", text, place.next_action_at)
    return None


def _slow(place: Place, job: Job | None, now: datetime) -> Stall:
    """Tell why a worker that has the items gets no rows for them."""
    provider, failures = place.lane.provider, {} if job is None else job.failures
    if failures:
        kind = max(failures, key=lambda name: failures[name])
        if kind == FailureKind.RATE_LIMITED:
            text = (
                f"{provider} limits our rate ({failures[kind]} refusals so far); "
                "calls go on at the pace it allows."
            )
            return Stall("rate_limited", text, _swept(now))
        if kind in set(FailureKind):
            text = f"{provider}: {RULES[FailureKind(kind)].message}"
            return Stall(kind, text, _swept(now))
    text = f"Calls to {provider} are under way and have not been answered yet."
    return Stall("waiting_for_answers", text, _swept(now))


def _unclaimed(place: Place, org_id: int, evidence: Evidence, now: datetime) -> Stall:
    """Tell why no worker has taken units that are due."""
    own = evidence.running.get((place.mode, org_id), 0)
    due = f"{place.unit_count} work units for {place.lane.provider} are due"
    if own >= RUNNING_PER_ORG:
        text = (
            f"{due}; your organization has {own} running, which is its share, and "
            "they come next."
        )
        return Stall("fair_share", text, _swept(now))
    if evidence.running_of(place.mode):
        text = f"{due}; the workers are busy with other work units, and take turns."
        return Stall("workers_busy", text, _swept(now))
    text = f"{due}, and no worker has taken any; ours seem to be down."
    return Stall("no_worker", text, _swept(now))
