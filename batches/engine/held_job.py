"""A unit of a native lane in a worker's hands, and what every step may do with it."""

import random
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction

from batches.decisions import Decision, StageLane
from batches.engine import claims, closing, histories, lifecycle
from batches.engine.claims import ClaimedUnit
from batches.engine.context import BatchContext
from batches.engine.direct_run import StopCause
from batches.engine.keeping import KeepLease
from batches.engine.opening import load_items
from batches.engine.recorder import LeaseLost, Recorder
from batches.engine.rows import IndexedItem
from batches.models import Execution, WorkUnit
from batches.states import UnitState
from batches.store import store
from batchrouter.kit import clock
from batchrouter.kit.jobs import Job, enqueue_on_commit
from routing.adapters.registry import job_adapter
from routing.contracts import JobAdapter

# How long a job that was told to stop may take to hand out its finished rows.
CANCEL_GRACE_SECONDS = 720.0
# Where nothing can be asked of a provider now, it is asked again after this.
PAUSE = timedelta(seconds=10)
# ``sent_through_seq`` of a job that was written down, and not yet sent.
NOTHING_SENT = -1
# The lease must outlast the moment between the check and the send.
_FENCE_SECONDS = 2


class HeldJob:
    """One claimed unit on a native lane."""

    def __init__(self, unit: ClaimedUnit, context: BatchContext) -> None:
        self.unit = unit
        self.context = context
        self.decision: Decision = context.decision(unit.group_no, unit.plan_id)
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

    @property
    def stop_cause(self) -> StopCause | None:
        """Why the batch wants no more of its unit; None while it does."""
        if self.unit.is_canceled:
            return "canceled"
        return "overdue" if self.unit.is_overdue else None

    def items(self) -> list[IndexedItem]:
        """Return the items that still want an answer."""
        return load_items(
            self.unit, self.context, self.decision, self.recorder, self.history
        )

    def wait(self, pause: timedelta) -> None:
        """Let the unit go until its job is asked for again."""
        now = clock.now()
        lifecycle.let_go(
            self.unit, UnitState.WAITING, next_action_at=now + pause, now=now
        )

    def finish(self) -> None:
        """End the unit, whose items all have rows."""
        with transaction.atomic():
            self.recorder.flush(execution_id=None)
            lifecycle.finish_unit(self.unit, now=clock.now())

    def leave(self, items: Sequence[IndexedItem], *, cause: str) -> None:
        """Hand the items to the next lane, or end them where there is none."""
        closing.leave_without_lane(
            self.unit, self.context, self.decision, self.recorder, items, cause=cause
        )

    def is_withdrawn(self, items: Sequence[IndexedItem]) -> bool:
        """Move the items on if the lane takes no new work by now; tell whether so."""
        return closing.leave_if_withdrawn(
            self.unit, self.context, self.decision, self.recorder, items
        )

    def leave_early(self) -> None:
        """Take the lane's time as over from now on: its job is far too slow."""
        now = clock.now()
        with transaction.atomic():
            WorkUnit.objects.filter(
                pk=self.unit.unit_id, lease_token=self.unit.lease_token
            ).update(leave_at=now)
            lifecycle.record_event(
                self.unit.batch_id,
                "lane.stalled",
                {
                    "work_unit_id": self.unit.public_id,
                    "items": self.unit.item_count,
                    "cause": "stalled",
                },
                now=now,
            )
        self.is_leaving = True

    def split(self, parts: Sequence[Sequence[IndexedItem]]) -> None:
        """Replace the unit by smaller ones on the same lane, in a transaction."""
        self.recorder.flush(execution_id=None)
        slices = [[item.seq for item in part] for part in parts]
        lifecycle.split(self.unit, slices, now=clock.now())
        enqueue_on_commit(Job.TEND_NATIVE)

    def fence(self, execution: Execution, last_seq: int) -> None:
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

    def keeping(self) -> KeepLease:
        """Keep the lease while something slow runs."""
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
def scratch() -> Iterator[Path]:
    """Give a folder for the files of one step."""
    folder = Path(tempfile.mkdtemp(dir=store().scratch_dir()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
