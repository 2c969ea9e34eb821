"""Read a provider job's result lines into rows, each item once."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction

from batches.decisions import Decision, StageLane
from batches.engine import ending, judging
from batches.engine.claims import ClaimedUnit
from batches.engine.context import BatchContext, open_items
from batches.engine.direct_run import Leftover
from batches.engine.ending import StopCause
from batches.engine.lifecycle import Tally
from batches.engine.recorder import Recorder
from batches.engine.rows import IndexedItem
from batches.models import Execution
from batchrouter.kit import clock
from routing import health
from routing.contracts import Answer, JobState
from routing.failures import Failure, FailureKind

log = logging.getLogger(__name__)

FLUSH_ROWS = 500

# What an item without a row means, by how the job ended.
_MISSING_KIND = {
    "ok": FailureKind.MISSING,
    "failed": FailureKind.OVERLOADED,
    "expired": FailureKind.JOB_EXPIRED,
    "canceled": FailureKind.JOB_CANCELED,
}


@dataclass(frozen=True, slots=True)
class Job:
    """A provider job that has ended, and the unit it ran for."""

    unit: ClaimedUnit
    context: BatchContext
    decision: Decision
    lane: StageLane
    execution: Execution
    recorder: Recorder
    state: JobState


class _Intake:
    """Sorts result lines: first valid answer wins, the rest is counted."""

    def __init__(self, job: Job) -> None:
        self.job = job
        items = open_items(
            batch_id=job.unit.batch_id,
            manifest_id=job.context.manifest_id,
            group_no=job.unit.group_no,
            seq_from=job.unit.seq_from,
            seq_to=job.unit.seq_to,
        )
        self.waiting: dict[int, IndexedItem] = {item.seq: item for item in items}
        # Rows of this job that a holder of the lease before us had recorded.
        self.recorded_before = job.execution.item_count - len(items)
        self.failed: dict[int, Failure] = {}
        self.tally = Tally(cost_nanousd=job.execution.cost_nanousd)
        self.completed = 0
        self._prefix = f"{job.execution.public_id}-"

    def take(self, ref: str, answer: Answer) -> None:
        """Read one result line."""
        item = self._item_of(ref)
        if item is None:
            self.tally.note("unexpected_row")
            return
        job = self.job
        attempt = judging.Attempt(
            job.context,
            job.decision,
            job.lane,
            item,
            job.context.read_item(item),
            1,
            job.execution.started_at,
        )
        judgement = judging.judge_answer(attempt, answer, now=clock.now())
        self.tally.cost_nanousd += judgement.cost_nanousd
        if judgement.row is not None:
            job.recorder.add(judgement.row)
            del self.waiting[item.seq]
            self.failed.pop(item.seq, None)
            self.completed += judgement.failure is None
        elif judgement.failure is not None:
            self.tally.note(judgement.failure.kind.value)
            self.failed[item.seq] = judgement.failure

    def _item_of(self, ref: str) -> IndexedItem | None:
        """Match our reference exactly; foreign and repeated ones match nothing."""
        digits = ref.removeprefix(self._prefix)
        if digits == ref or not (digits.isascii() and digits.isdigit()):
            return None
        if digits != str(int(digits)):
            return None
        return self.waiting.get(int(digits))

    def leftovers(self) -> list[Leftover]:
        """Return every item without a row, with the reason."""
        kind = _MISSING_KIND.get(self.job.state.ended_as or "", FailureKind.MISSING)
        left = []
        for seq, item in self.waiting.items():
            failure = self.failed.get(seq)
            if failure is None:
                failure = Failure(kind)
                self.tally.note(kind.value)
            left.append(Leftover(item, failure, 1))
        return left


def collect(
    job: Job, results: Iterator[tuple[str, Answer]], *, stop_cause: StopCause | None
) -> None:
    """Record every row of a job and move its unit on.

    Rows are recorded chunk by chunk; a crash in between repeats the download and
    changes nothing that is recorded.

    Raises:
        JobOutcomeUnknown: a file could not be fetched now.
        LeaseLost: the unit is somebody else's.
    """
    intake = _Intake(job)
    for ref, answer in results:
        intake.take(ref, answer)
        if job.recorder.waiting >= FLUSH_ROWS:
            _checkpoint(job, intake)
    leftovers = intake.leftovers()
    ending.dispose(
        ending.Ended(
            unit=job.unit,
            context=job.context,
            decision=job.decision,
            lane=job.lane,
            execution=job.execution,
            recorder=job.recorder,
            tally=intake.tally,
            completed=intake.recorded_before + intake.completed,
            unsent=[],
            leftovers=leftovers,
            stop_cause=stop_cause,
        )
    )
    health.record(
        job.lane.offering_id,
        successes=intake.completed,
        failures=0 if stop_cause else len(leftovers),
        latency_ms_sum=0,
        now=clock.now(),
    )


def _checkpoint(job: Job, intake: _Intake) -> None:
    with transaction.atomic():
        job.recorder.flush(execution_id=job.execution.pk)
        Execution.objects.filter(pk=job.execution.pk).update(
            cost_nanousd=intake.tally.cost_nanousd
        )
