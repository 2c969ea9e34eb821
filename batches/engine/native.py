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
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction

from batches.decisions import Decision, StageLane
from batches.engine import claims, closing, collecting, lifecycle
from batches.engine.claims import ClaimedUnit
from batches.engine.context import BatchContext, Contexts
from batches.engine.judging import CANCELED, EXPIRED
from batches.engine.keeping import KeepLease
from batches.engine.lifecycle import Tally
from batches.engine.opening import load_items
from batches.engine.reaching import reach
from batches.engine.recorder import LeaseLost, Recorder
from batches.engine.rows import IndexedItem
from batches.models import Batch, Execution
from batches.states import EXECUTION_OPEN, ExecutionState, RowStatus, UnitState
from batches.store import store
from batchrouter.kit import clock
from routing.adapters.registry import job_adapter
from routing.contracts import Connection, ItemRequest, JobAdapter, JobState
from routing.failures import JobOutcomeUnknown, JobRefused

log = logging.getLogger(__name__)

# A job that was just made may be missing from the provider's list for a while; only
# after this, and two looks, is it taken as never made.
LISTING_LAG = timedelta(seconds=10)
FINDS_MIN = 2
_FIND_AGAIN = timedelta(seconds=3)
# Jobs of one unit that a provider may refuse with "try later" before the next lane.
REFUSALS_MAX = 3
_REFUSED_PAUSE = timedelta(seconds=10)
# How long a job that was told to stop may take to hand out its finished rows.
CANCEL_GRACE = timedelta(minutes=12)
# The lease must outlast the moment between the check and the send.
_FENCE_SECONDS = 2


def serve_native_lanes() -> None:
    """Take every due unit of the native lanes one step further."""
    token, contexts = uuid.uuid4(), Contexts()
    try:
        while unit := claims.claim("batch", token=token):
            try:
                NativeStep(unit, contexts.of(unit.batch_id)).take()
            except LeaseLost:
                log.warning("unit %s went to another worker", unit.public_id)
    finally:
        contexts.close()


class NativeStep:
    """The next step of one claimed unit on a native lane."""

    def __init__(self, unit: ClaimedUnit, context: BatchContext) -> None:
        self.unit = unit
        self.context = context
        self.decision: Decision = context.decision(unit.group_no)
        self.lane: StageLane = self.decision.stages[unit.stage]
        self.adapter: JobAdapter = job_adapter(self.lane.adapter)
        self.now: datetime = clock.now()
        self.recorder = Recorder(
            batch_id=unit.batch_id, unit_id=unit.unit_id, lease_token=unit.lease_token
        )
        batch = Batch.objects.only("cancel_requested_at", "deadline_at").get(
            pk=unit.batch_id
        )
        self.is_canceled = batch.cancel_requested_at is not None
        self.is_overdue = batch.deadline_at <= self.now

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
        connection = self._connection()
        if connection is None:
            self._wait(_REFUSED_PAUSE)
        elif execution.state == ExecutionState.PLANNED:
            self._find(execution, connection)
        else:
            self._poll(execution, connection)

    def _connection(self) -> Connection | None:
        return reach(self.lane)

    def _wait(self, pause: timedelta) -> None:
        lifecycle.let_go(
            self.unit,
            UnitState.WAITING,
            next_action_at=clock.now() + pause,
            now=clock.now(),
        )

    # Submitting

    def _begin(self) -> None:
        if self.is_canceled or self.is_overdue:
            self._close()
            return
        items = load_items(self.unit, self.context, self.decision, self.recorder)
        if not items:
            with transaction.atomic():
                self.recorder.flush(execution_id=None)
                lifecycle.finish_unit(self.unit, now=self.now)
            return
        connection = self._connection()
        if connection is None or self.lane.leave_at <= self.now:
            cause = "provider_not_connected" if connection is None else "stage_over"
            closing.leave_without_lane(
                self.unit,
                self.context,
                self.decision,
                self.recorder,
                items,
                cause=cause,
            )
            return
        execution = lifecycle.begin_execution(
            self.unit,
            self.lane,
            item_count=len(items),
            sent_through_seq=items[-1].seq,
            now=self.now,
        )
        self._submit(execution, connection, items)

    def _close(self) -> None:
        closing.close_unit(
            self.unit,
            self.context,
            status=RowStatus.CANCELED if self.is_canceled else RowStatus.EXPIRED,
            error=CANCELED if self.is_canceled else EXPIRED,
        )

    def _submit(
        self, execution: Execution, connection: Connection, items: list[IndexedItem]
    ) -> None:
        with self._keeping(), _scratch() as folder:
            lines = folder / "input.jsonl"
            self._write_lines(lines, execution, items)
            if not claims.holds(
                self.unit.lease_token, self.unit.unit_id, seconds=_FENCE_SECONDS
            ):
                raise LeaseLost(f"unit {self.unit.public_id} is no longer ours")
            try:
                job_id = self.adapter.submit(
                    connection,
                    lines,
                    operation=self.decision.operation,  # type: ignore[arg-type] # stored from the same Literal
                    client_ref=execution.public_id,
                )
            except JobRefused as refusal:
                self._refused(execution, refusal, items)
                return
            except JobOutcomeUnknown:
                log.warning("job %s: outcome unknown, will look", execution.public_id)
                self._wait(_FIND_AGAIN)
                return
        self._accepted(execution, job_id)

    def _write_lines(
        self, path: Path, execution: Execution, items: list[IndexedItem]
    ) -> None:
        with path.open("wb", buffering=1 << 20) as out:
            for item in items:
                body = self.context.read_item(item)
                cap = self.context.output_cap(self.unit.group_no, item)
                request = ItemRequest(
                    ref=f"{execution.public_id}-{item.seq}",
                    operation=self.decision.operation,  # type: ignore[arg-type] # stored from the same Literal
                    provider_model=self.lane.provider_model,
                    input=body["input"],
                    max_output_tokens=cap or None,
                    supports_sampling=self.lane.supports_sampling,
                )
                out.write(self.adapter.encode_line(request))

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
            lifecycle.end_execution(
                execution,
                tally,
                state=ExecutionState.REFUSED,
                outcome=refusal.failure.kind.value,
                completed=0,
                now=now,
            )
            if rule.same_lane and refusals + 1 < REFUSALS_MAX:
                lifecycle.let_go(
                    self.unit,
                    UnitState.READY,
                    next_action_at=now + _REFUSED_PAUSE * (refusals + 1),
                    now=now,
                )
                return
            closing.leave_without_lane(
                self.unit,
                self.context,
                self.decision,
                self.recorder,
                items,
                cause=refusal.failure.kind.value,
            )

    # Finding a job again

    def _find(self, execution: Execution, connection: Connection) -> None:
        """Adopt the job of a worker that died, or make sure that there is none."""
        with self._keeping():
            try:
                job_id = self.adapter.find(connection, execution.public_id)
            except JobOutcomeUnknown:
                self._wait(_FIND_AGAIN)
                return
        if job_id is not None:
            self._accepted(execution, job_id)
            return
        finds = execution.finds + 1
        Execution.objects.filter(pk=execution.pk).update(finds=finds)
        is_late = clock.now() - execution.started_at >= LISTING_LAG
        if finds < FINDS_MIN or not is_late:
            self._wait(_FIND_AGAIN)
            return
        if self.is_canceled or self.is_overdue:
            self._never_sent(execution)
            return
        items = load_items(self.unit, self.context, self.decision, self.recorder)
        self._submit(execution, connection, items)

    def _never_sent(self, execution: Execution) -> None:
        with transaction.atomic():
            lifecycle.end_execution(
                execution,
                Tally(),
                state=ExecutionState.REFUSED,
                outcome="never_sent",
                completed=0,
                now=self.now,
            )
            self._close()

    # Polling

    def _poll(self, execution: Execution, connection: Connection) -> None:
        is_leaving = (
            self.is_canceled or self.is_overdue or self.lane.leave_at <= self.now
        )
        with self._keeping():
            try:
                if is_leaving:
                    self.adapter.cancel(connection, execution.provider_job_id)
                job = self.adapter.poll(connection, execution.provider_job_id)
            except JobOutcomeUnknown:
                self._poll_later(execution)
                return
        if job.phase == "ended" or (
            is_leaving and self.lane.leave_at + CANCEL_GRACE <= self.now
        ):
            self._collect(execution, connection, job)
        else:
            self._poll_later(execution, job)

    def _poll_later(self, execution: Execution, job: JobState | None = None) -> None:
        Execution.objects.filter(pk=execution.pk).update(
            polls=execution.polls + 1,
            **({"completed": job.completed} if job else {}),
        )
        self._wait(poll_pause(execution.polls + 1))

    def _collect(
        self, execution: Execution, connection: Connection, job: JobState
    ) -> None:
        stop: collecting.StopCause | None = None
        if self.is_canceled:
            stop = "canceled"
        elif self.is_overdue:
            stop = "overdue"
        with self._keeping(), _scratch() as folder:
            try:
                collecting.collect(
                    collecting.Job(
                        unit=self.unit,
                        context=self.context,
                        decision=self.decision,
                        lane=self.lane,
                        execution=execution,
                        recorder=self.recorder,
                        state=job,
                    ),
                    self.adapter.results(connection, job, folder),
                    stop_cause=stop,
                )
            except JobOutcomeUnknown:
                self._poll_later(execution)

    def _keeping(self) -> KeepLease:
        return KeepLease(self.unit.lease_token, self.unit.unit_id)


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
