"""Make a provider job for a unit: cut it to size, write the intent, send it once."""

import logging
import random
from datetime import timedelta
from pathlib import Path

from django.db import transaction
from django.db.models import QuerySet

from batches.engine import closing, lifecycle, slicing
from batches.engine.held_job import (
    NOTHING_SENT,
    PAUSE,
    HeldJob,
    poll_pause,
    scratch,
)
from batches.engine.lifecycle import Tally
from batches.engine.opening import close_stopped
from batches.engine.orders import order_of
from batches.engine.reaching import reach
from batches.engine.rows import IndexedItem
from batches.models import Execution
from batches.models.execution import new_execution_id
from batches.states import ExecutionState, UnitState
from batchrouter.kit import clock
from routing import job_queues
from routing.contracts import Connection
from routing.failures import FailureKind, JobOutcomeUnknown, JobRefused
from routing.queueing import QueueLoad

log = logging.getLogger(__name__)

# Jobs of one unit that a provider may refuse with "try later": before the next lane,
# and where there is none. The pauses between them double.
REFUSALS_MAX = 3
REFUSALS_MAX_LAST = 12
_PAUSE_MAX = timedelta(minutes=5)
# A job that waits for others of ours to end looks again after this.
_ROOM_PAUSE = timedelta(seconds=15)
# One that its provider turned away: the first pause; they double up to the last.
_FULL_PAUSE = timedelta(minutes=1)
_FULL_PAUSE_MAX = timedelta(minutes=15)
# A job whose outcome is unknown is looked for after this.
FIND_AGAIN = timedelta(seconds=3)


def begin(held: HeldJob) -> None:
    """Take the first step of a unit that has no job."""
    if held.is_stopped:
        close_stopped(held.unit, held.context)
        return
    items = held.items()
    connection = reach(held.lane)
    if not items:
        held.finish()
    elif connection is None:
        held.leave(items, cause="provider_not_connected")
    elif held.is_leaving:
        held.leave(items, cause="stage_over")
    elif not held.is_withdrawn(items):
        _begin_job(held, connection, items)


def _begin_job(held: HeldJob, connection: Connection, items: list[IndexedItem]) -> None:
    """Submit a unit that fits into one job here; cut one that does not."""
    parts = slicing.cut(items, slicing.room_of(held.lane), held.decision.terms)
    if len(parts) > 1:
        with transaction.atomic():
            held.split(parts)
        return
    execution = _write_intent(held, items)
    if execution is not None:
        submit(held, execution, connection, items)


def _write_intent(held: HeldJob, items: list[IndexedItem]) -> Execution | None:
    """Take a place in the provider's queue and write the job down; None: it waits."""
    ref, now = new_execution_id(), clock.now()
    bound = held.decision.terms.input_bound
    size = QueueLoad(
        tokens=sum(bound(item.input_tokens) for item in items),
        requests=len(items),
        jobs=1,
    )
    with transaction.atomic():
        full = job_queues.take(
            slicing.queue_of(held.lane), ref, size, held.adapter.limits.queue, now=now
        )
        if full is None:
            return lifecycle.begin_execution(
                held.unit,
                held.lane,
                item_count=len(items),
                sent_through_seq=NOTHING_SENT,
                now=now,
                public_id=ref,
            )
        held.recorder.flush(execution_id=None)
        until = full.until or now + _jittered(_ROOM_PAUSE)
        lifecycle.hold(held.unit, FailureKind.QUEUE_FULL, until=until, now=now)
    return None


def turned_away(held: HeldJob, execution: Execution) -> None:
    """Wait with a job for which its provider had no room; nothing of it ran."""
    now, kind = clock.now(), FailureKind.QUEUE_FULL
    before = _refusals(held).filter(outcome=kind).count()
    until = now + _jittered(min(_FULL_PAUSE * 2**before, _FULL_PAUSE_MAX))
    with transaction.atomic():
        job_queues.note_full(slicing.queue_of(held.lane), until=until)
        refuse(execution, Tally(failures={kind.value: 1}), outcome=kind.value)
        held.recorder.flush(execution_id=None)
        lifecycle.hold(held.unit, kind, until=until, now=now)


def _jittered(pause: timedelta) -> timedelta:
    return pause * random.uniform(0.8, 1.2)  # noqa: S311 # jitter, not a secret


def _refusals(held: HeldJob) -> QuerySet[Execution]:
    return Execution.objects.filter(
        unit_id=held.unit.unit_id,
        stage=held.unit.stage,
        state=ExecutionState.REFUSED,
    )


def submit(
    held: HeldJob,
    execution: Execution,
    connection: Connection,
    items: list[IndexedItem],
) -> None:
    """Send the job that is written down; what is then unknown is looked for."""
    with held.keeping(), scratch() as folder:
        lines = folder / "input.jsonl"
        if not _write_lines(held, lines, execution, connection, items):
            _outgrew(held, execution, items)
            return
        order = order_of(execution, held.decision)
        try:
            job_id = held.adapter.submit(
                connection,
                lines,
                order,
                fence=lambda: held.fence(execution, items[-1].seq),
            )
        except JobRefused as refusal:
            _refused(held, execution, refusal, items)
            return
        except JobOutcomeUnknown:
            log.warning("job %s: outcome unknown, will look", execution.public_id)
            held.wait(FIND_AGAIN)
            return
    accepted(held, execution, job_id)


def _write_lines(
    held: HeldJob,
    path: Path,
    execution: Execution,
    connection: Connection,
    items: list[IndexedItem],
) -> bool:
    """Write the job's input; tell whether it is within the provider's limits."""
    limits, lines, size = held.adapter.limits, 0, 0
    with path.open("wb", buffering=1 << 20) as out:
        for item in items:
            request = held.context.item_request(
                item,
                held.context.read_item(item),
                group_no=held.unit.group_no,
                lane=held.lane,
                ref=f"{execution.public_id}-{item.seq}",
            )
            # An item may be several lines.
            encoded = held.adapter.encode_line(request, connection)
            lines += encoded.count(b"\n")
            size += out.write(encoded)
    return lines <= limits.requests_max and size <= limits.bytes_max


def _outgrew(held: HeldJob, execution: Execution, items: list[IndexedItem]) -> None:
    """Halve a unit whose input came out larger than a job's; nothing was sent."""
    half = len(items) // 2
    with transaction.atomic():
        refuse(execution, Tally(), outcome="job_limit_exceeded")
        if half:
            held.split([items[:half], items[half:]])
        else:
            held.leave(items, cause="job_limit_exceeded")


def refuse(execution: Execution, tally: Tally, *, outcome: str) -> None:
    """End an execution that the provider did not take."""
    lifecycle.end_execution(
        execution,
        tally,
        state=ExecutionState.REFUSED,
        outcome=outcome,
        completed=0,
        now=clock.now(),
    )


def accepted(held: HeldJob, execution: Execution, job_id: str) -> None:
    """Write down the job's id at the provider, and wait for its end."""
    now = clock.now()
    with transaction.atomic():
        execution.advance(ExecutionState.ACCEPTED, at=now)
        Execution.objects.filter(pk=execution.pk).update(provider_job_id=job_id)
        lifecycle.let_go(
            held.unit,
            UnitState.WAITING,
            next_action_at=now + poll_pause(0),
            now=now,
        )


def _refused(
    held: HeldJob,
    execution: Execution,
    refusal: JobRefused,
    items: list[IndexedItem],
) -> None:
    now = clock.now()
    if refusal.failure.kind is FailureKind.QUEUE_FULL:
        turned_away(held, execution)
        return
    kind, rule = refusal.failure.kind.value, refusal.failure.rule
    refusals = _refusals(held).exclude(outcome=FailureKind.QUEUE_FULL).count()
    with transaction.atomic():
        refuse(execution, Tally(failures={kind: 1}), outcome=kind)
        if rule.same_lane and refusals + 1 < _refusals_max(held):
            asked = timedelta(seconds=refusal.failure.retry_after_seconds or 0.0)
            pause = max(asked, min(PAUSE * 2**refusals, _PAUSE_MAX))
            lifecycle.let_go(
                held.unit, UnitState.READY, next_action_at=now + pause, now=now
            )
        else:
            held.leave(items, cause=kind)


def _refusals_max(held: HeldJob) -> int:
    if closing.has_next_stage(held.unit, held.decision):
        return REFUSALS_MAX
    return REFUSALS_MAX_LAST
