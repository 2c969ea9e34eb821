"""Native-batch lanes: submit a provider job, find it again, poll it, collect its rows.

One call of :func:`serve_native_lanes` takes every due unit one step further. A step is
safe to repeat: the intent is written before the job is sent, our reference finds a job
that was sent by a worker that died, and rows are recorded once.
"""

import logging
import random
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, transaction

from batches.decisions import Decision, StageLane
from batches.engine import (
    claims,
    closing,
    collecting,
    ending,
    histories,
    lifecycle,
    slicing,
)
from batches.engine.claims import ClaimedUnit
from batches.engine.context import BatchContext, Contexts
from batches.engine.keeping import KeepLease
from batches.engine.lifecycle import Tally
from batches.engine.opening import LOST_LEASES_MAX, close_stopped, load_items
from batches.engine.orders import order_of, others_of
from batches.engine.reaching import reach
from batches.engine.recorder import LeaseLost, Recorder
from batches.engine.rows import IndexedItem
from batches.models import Execution
from batches.states import EXECUTION_OPEN, ExecutionState, UnitState
from batches.store import store
from batchrouter.kit import clock
from batchrouter.kit.jobs import Job, enqueue_on_commit
from batchrouter.kit.states import LostRace
from routing.adapters.registry import job_adapter
from routing.contracts import Connection, JobAdapter, JobState
from routing.failures import JobOutcomeUnknown, JobRefused

log = logging.getLogger(__name__)

# A job that was just made may be missing from the provider's list for a while; only
# after settings.JOB_LISTING_LAG_SECONDS, and two looks, is it taken as never made.
FINDS_MIN = 2
_FIND_AGAIN = timedelta(seconds=3)
# Jobs of one unit that a provider may refuse with "try later": before the next lane,
# and where there is none. The pauses between them double.
REFUSALS_MAX = 3
REFUSALS_MAX_LAST = 12
_REFUSED_PAUSE = timedelta(seconds=10)
_REFUSED_PAUSE_MAX = timedelta(minutes=5)
# How long a job that was told to stop may take to hand out its finished rows.
CANCEL_GRACE_SECONDS = 720.0
# A job that was told to stop is asked at least this often.
_STOPPING_PAUSE = timedelta(seconds=5)
# ``sent_through_seq`` of a job that was written down, and not yet sent.
NOTHING_SENT = -1
# The lease must outlast the moment between the check and the send.
_FENCE_SECONDS = 2

# A job of which nothing is known any more.
_LOST_JOB = JobState("running", None, 0, 0, 0, ())


def serve_native_lanes() -> None:
    """Take every due unit of the native lanes one step further."""
    token, contexts = uuid.uuid4(), Contexts()
    try:
        while unit := claims.claim("batch", token=token):
            _step(unit, contexts)
    finally:
        contexts.close()


def _step(unit: ClaimedUnit, contexts: Contexts) -> None:
    """Take one step; what goes wrong with a unit is not the others' trouble.

    A unit whose step fails keeps its lease until it runs out, and is taken back then,
    a few times only.
    """
    try:
        step = NativeStep(unit, contexts.of(unit.batch_id))
        try:
            step.take()
        finally:
            step.recorder.close()
    except (LeaseLost, LostRace):
        log.warning("unit %s went to another worker", unit.public_id)
    except DatabaseError:
        raise
    except Exception:
        log.exception("the step of unit %s failed", unit.public_id)


class NativeStep:
    """The next step of one claimed unit on a native lane."""

    def __init__(self, unit: ClaimedUnit, context: BatchContext) -> None:
        self.unit = unit
        self.context = context
        self.decision: Decision = context.decision(unit.group_no)
        self.lane: StageLane = self.decision.stages[unit.stage]
        self.adapter: JobAdapter = job_adapter(self.lane.adapter)
        self.recorder = Recorder(
            batch_id=unit.batch_id, unit_id=unit.unit_id, lease_token=unit.lease_token
        )
        self.history = histories.of_unit(unit)
        self.is_stopped = unit.is_canceled or unit.is_overdue
        self.is_leaving = self.is_stopped or unit.stage_seconds <= 0

    @property
    def is_hopeless(self) -> bool:
        """Whether a job that was told to stop has had its time for that."""
        since = max(-self.unit.stage_seconds, self.unit.canceled_seconds or 0.0)
        return since > CANCEL_GRACE_SECONDS

    def take(self) -> None:
        """Submit, find, poll or collect, whichever is next."""
        execution = (
            Execution.objects.filter(
                unit_id=self.unit.unit_id, state__in=EXECUTION_OPEN
            )
            .order_by("-id")
            .first()
        )
        if execution is None:
            self._begin()
            return
        connection = reach(self.lane)
        if self.unit.lost_leases >= LOST_LEASES_MAX:
            self._give_up(execution)
        elif execution.sent_through_seq == NOTHING_SENT:
            self._send_first(execution, connection)
        elif connection is None:
            self._wait_for(execution, _REFUSED_PAUSE)
        elif execution.state == ExecutionState.PLANNED:
            self._find(execution, connection)
        else:
            self._poll(execution, connection)

    def _wait_for(self, execution: Execution, pause: timedelta) -> None:
        """Ask again later, or not at all when that was promised long enough."""
        if self.is_hopeless:
            self._give_up(execution)
        else:
            self._wait(pause)

    def _wait(self, pause: timedelta) -> None:
        now = clock.now()
        lifecycle.let_go(
            self.unit, UnitState.WAITING, next_action_at=now + pause, now=now
        )

    # Submitting

    def _begin(self) -> None:
        if self.is_stopped:
            close_stopped(self.unit, self.context)
            return
        items = self._items()
        connection = reach(self.lane)
        if not items:
            self._finish()
        elif connection is None:
            self._leave(items, cause="provider_not_connected")
        elif self.is_leaving:
            self._leave(items, cause="stage_over")
        else:
            self._begin_job(connection, items)

    def _begin_job(self, connection: Connection, items: list[IndexedItem]) -> None:
        """Submit a unit that fits into one job here; cut one that does not."""
        room = slicing.room_of(self.lane)
        parts = slicing.cut(items, room, self.decision.terms)
        if len(parts) > 1:
            with transaction.atomic():
                self._split(parts)
            return
        execution = lifecycle.begin_execution(
            self.unit,
            self.lane,
            item_count=len(items),
            sent_through_seq=NOTHING_SENT,
            now=clock.now(),
        )
        self._submit(execution, connection, items)

    def _split(self, parts: Sequence[Sequence[IndexedItem]]) -> None:
        self.recorder.flush(execution_id=None)
        slices = [[item.seq for item in part] for part in parts]
        lifecycle.split(self.unit, slices, now=clock.now())
        enqueue_on_commit(Job.TEND_NATIVE)

    def _items(self) -> list[IndexedItem]:
        return load_items(
            self.unit, self.context, self.decision, self.recorder, self.history
        )

    def _finish(self) -> None:
        with transaction.atomic():
            self.recorder.flush(execution_id=None)
            lifecycle.finish_unit(self.unit, now=clock.now())

    def _leave(self, items: list[IndexedItem], *, cause: str) -> None:
        closing.leave_without_lane(
            self.unit, self.context, self.decision, self.recorder, items, cause=cause
        )

    def _submit(
        self, execution: Execution, connection: Connection, items: list[IndexedItem]
    ) -> None:
        with self._keeping(), _scratch() as folder:
            lines = folder / "input.jsonl"
            if not self._write_lines(lines, execution, connection, items):
                self._outgrew(execution, items)
                return
            order = order_of(execution, self.decision)
            try:
                job_id = self.adapter.submit(
                    connection,
                    lines,
                    order,
                    fence=lambda: self._fence(execution, items[-1].seq),
                )
            except JobRefused as refusal:
                self._refused(execution, refusal, items)
                return
            except JobOutcomeUnknown:
                log.warning("job %s: outcome unknown, will look", execution.public_id)
                self._wait(_FIND_AGAIN)
                return
        self._accepted(execution, job_id)

    def _fence(self, execution: Execution, last_seq: int) -> None:
        """Write down that a job is about to be made, by who still has the unit.

        Raises:
            LeaseLost: the unit is another's by now.
        """
        written = Execution.objects.filter(
            pk=execution.pk, unit__lease_token=self.unit.lease_token
        ).update(sent_through_seq=last_seq)
        token, unit_id = self.unit.lease_token, self.unit.unit_id
        if written != 1 or not claims.holds(token, unit_id, seconds=_FENCE_SECONDS):
            raise LeaseLost(f"unit {self.unit.public_id} is no longer ours")
        execution.sent_through_seq = last_seq

    def _write_lines(
        self,
        path: Path,
        execution: Execution,
        connection: Connection,
        items: list[IndexedItem],
    ) -> bool:
        """Write the job's input; tell whether it is within the provider's limits."""
        limits, lines, size = self.adapter.limits, 0, 0
        with path.open("wb", buffering=1 << 20) as out:
            for item in items:
                request = self.context.item_request(
                    item,
                    self.context.read_item(item),
                    group_no=self.unit.group_no,
                    lane=self.lane,
                    ref=f"{execution.public_id}-{item.seq}",
                )
                # An item may be several lines.
                encoded = self.adapter.encode_line(request, connection)
                lines += encoded.count(b"\n")
                size += out.write(encoded)
        return lines <= limits.requests_max and size <= limits.bytes_max

    def _outgrew(self, execution: Execution, items: list[IndexedItem]) -> None:
        """Halve a unit whose input came out larger than a job's; nothing was sent."""
        half = len(items) // 2
        with transaction.atomic():
            self._refuse(execution, Tally(), outcome="job_limit_exceeded")
            if half:
                self._split([items[:half], items[half:]])
            else:
                self._leave(items, cause="job_limit_exceeded")

    def _refuse(self, execution: Execution, tally: Tally, *, outcome: str) -> None:
        """End an execution that the provider did not take."""
        lifecycle.end_execution(
            execution,
            tally,
            state=ExecutionState.REFUSED,
            outcome=outcome,
            completed=0,
            now=clock.now(),
        )

    def _accepted(self, execution: Execution, job_id: str) -> None:
        now = clock.now()
        with transaction.atomic():
            execution.advance(ExecutionState.ACCEPTED, at=now)
            Execution.objects.filter(pk=execution.pk).update(provider_job_id=job_id)
            lifecycle.let_go(
                self.unit,
                UnitState.WAITING,
                next_action_at=now + poll_pause(0),
                now=now,
            )

    def _refused(
        self, execution: Execution, refusal: JobRefused, items: list[IndexedItem]
    ) -> None:
        now = clock.now()
        rule = refusal.failure.rule
        tally = Tally(failures={refusal.failure.kind.value: 1})
        refusals = Execution.objects.filter(
            unit_id=self.unit.unit_id,
            stage=self.unit.stage,
            state=ExecutionState.REFUSED,
        ).count()
        with transaction.atomic():
            self._refuse(execution, tally, outcome=refusal.failure.kind.value)
            if rule.same_lane and refusals + 1 < self._refusals_max():
                pause = min(_REFUSED_PAUSE * 2**refusals, _REFUSED_PAUSE_MAX)
                lifecycle.let_go(
                    self.unit, UnitState.READY, next_action_at=now + pause, now=now
                )
            else:
                self._leave(items, cause=refusal.failure.kind.value)

    def _refusals_max(self) -> int:
        if closing.has_next_stage(self.unit, self.decision):
            return REFUSALS_MAX
        return REFUSALS_MAX_LAST

    # Finding a job again

    def _find(self, execution: Execution, connection: Connection) -> None:
        """Adopt the job of a worker that died, or make sure that there is none."""
        with self._keeping():
            try:
                job_id = self.adapter.find(
                    connection,
                    order_of(execution, self.decision),
                    others=lambda: others_of(execution),
                )
            except JobOutcomeUnknown:
                self._wait_for(execution, _FIND_AGAIN)
                return
        if job_id is not None:
            self._accepted(execution, job_id)
            return
        finds = execution.finds + 1
        Execution.objects.filter(pk=execution.pk).update(finds=finds)
        lag = timedelta(seconds=settings.JOB_LISTING_LAG_SECONDS)
        if finds < FINDS_MIN or clock.now() - execution.started_at < lag:
            self._wait(_FIND_AGAIN)
        elif self.is_leaving:
            self._never_sent(execution)
        else:
            self._send_again(execution, connection)

    def _send_first(self, execution: Execution, connection: Connection | None) -> None:
        """Send the job of a worker that died before it could; there is none to find."""
        if connection is None or self.is_leaving:
            self._never_sent(execution)
        else:
            self._send_again(execution, connection)

    def _send_again(self, execution: Execution, connection: Connection) -> None:
        """Send the job that never arrived, under the same reference."""
        items = self._items()
        if not items:
            self._never_sent(execution)
            return
        # From now on the provider's list may lag behind this send.
        execution.started_at, execution.item_count = clock.now(), len(items)
        Execution.objects.filter(pk=execution.pk).update(
            finds=0,
            started_at=execution.started_at,
            item_count=execution.item_count,
        )
        self._submit(execution, connection, items)

    def _never_sent(self, execution: Execution) -> None:
        with transaction.atomic():
            self._refuse(execution, Tally(), outcome="never_sent")
            self._begin()

    # Polling

    def _poll(self, execution: Execution, connection: Connection) -> None:
        """Ask how the job is, collect it when it ended, stop it when its time is up."""
        with self._keeping():
            try:
                job = self.adapter.poll(connection, execution.provider_job_id)
                if self.is_leaving and job.phase not in {"canceling", "ended"}:
                    self.adapter.cancel(connection, execution.provider_job_id)
            except JobOutcomeUnknown:
                self._poll_later(execution)
                return
        if job.phase == "ended":
            self._collect(execution, connection, job)
        else:
            self._poll_later(execution, job)

    def _give_up(self, execution: Execution) -> None:
        """Move on without a job that does not end, and book what it may cost us."""
        log.error("job %s was given up", execution.public_id)
        collecting.collect(
            self._job(execution, None, _LOST_JOB),
            iter(()),
            stop_cause=self._stop_cause(),
        )

    def _stop_cause(self) -> ending.StopCause | None:
        if self.unit.is_canceled:
            return "canceled"
        return "overdue" if self.unit.is_overdue else None

    def _job(
        self, execution: Execution, connection: Connection | None, state: JobState
    ) -> collecting.Job:
        return collecting.Job(
            unit=self.unit,
            context=self.context,
            decision=self.decision,
            lane=self.lane,
            execution=execution,
            recorder=self.recorder,
            state=state,
            history=self.history,
            connection=connection,
        )

    def _poll_later(self, execution: Execution, job: JobState | None = None) -> None:
        Execution.objects.filter(pk=execution.pk).update(
            polls=execution.polls + 1,
            **({"completed": job.completed} if job else {}),
        )
        pause = poll_pause(execution.polls + 1)
        if self.is_leaving:
            pause = min(pause, _STOPPING_PAUSE)
        self._wait_for(execution, pause)

    def _collect(
        self, execution: Execution, connection: Connection, job: JobState
    ) -> None:
        with self._keeping(), _scratch() as folder:
            try:
                collecting.collect(
                    self._job(execution, connection, job),
                    self.adapter.results(connection, job, folder),
                    stop_cause=self._stop_cause(),
                )
            except JobOutcomeUnknown:
                self._poll_later(execution)

    def _keeping(self) -> KeepLease:
        return KeepLease(
            lambda: claims.extend(
                self.unit.lease_token,
                self.unit.unit_id,
                seconds=settings.LEASE_SECONDS,
            )
        )


def poll_pause(polls: int) -> timedelta:
    """Return the time to the next poll: growing by half, with a fifth of jitter."""
    first = settings.NATIVE_POLL_FIRST_SECONDS
    seconds = min(settings.NATIVE_POLL_MAX_SECONDS, first * 1.5**polls)
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311 # jitter, not a secret


@contextmanager
def _scratch() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir=store().scratch_dir()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
