"""Read a provider job's result lines into rows, each item once."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from batches.decisions import Decision, StageLane
from batches.engine import ending, judging, omissions, tripping
from batches.engine.claims import ClaimedUnit
from batches.engine.context import BatchContext, open_items
from batches.engine.direct_run import Leftover, StopCause
from batches.engine.histories import History
from batches.engine.lifecycle import Tally
from batches.engine.reaching import is_present
from batches.engine.recorder import Recorder
from batches.engine.retries import miss_class
from batches.engine.rows import IndexedItem
from batches.models import Execution
from batchrouter.kit import clock
from routing import health
from routing.contracts import Answer, Connection, JobState
from routing.failures import NOT_THE_LANES_FAULT, Failure, FailureKind

log = logging.getLogger(__name__)

FLUSH_ROWS = 500

# What an item without a row means, by how the job ended.
_MISSING_KIND = {
    "ok": FailureKind.MISSING,
    "failed": FailureKind.OVERLOADED,
    "expired": FailureKind.JOB_EXPIRED,
    "canceled": FailureKind.JOB_CANCELED,
}
_NEVER_RUN = frozenset({FailureKind.JOB_EXPIRED, FailureKind.JOB_CANCELED})


@dataclass(frozen=True, slots=True)
class Job:
    """A provider job that has ended, and the unit it ran for.

    Attributes:
        connection: that its lines come by; None where none will come.
    """

    unit: ClaimedUnit
    context: BatchContext
    decision: Decision
    lane: StageLane
    execution: Execution
    recorder: Recorder
    state: JobState
    history: History
    connection: Connection | None


class _Intake:
    """Sorts result lines: first valid answer wins, the rest is counted."""

    def __init__(self, job: Job) -> None:
        self.job = job
        items = open_items(job.unit, job.context)
        self.waiting: dict[int, IndexedItem] = {item.seq: item for item in items}
        self.failed: dict[int, Failure] = {}
        self.unfit: dict[int, judging.Unfit] = {}
        # Rows of this job that a holder of the lease before us had recorded.
        self.completed_before, cost_before = _recorded(job)
        self.tally = Tally(cost_nanousd=cost_before)
        self.completed = 0
        self._tries = job.history.tries_of(items)
        self._prefix = f"{job.execution.public_id}-"

    def take(self, ref: str, answer: Answer) -> None:
        """Read one result line."""
        item = self._item_of(ref)
        if item is None:
            self.tally.note("unexpected_row")
            return
        job = self.job
        body = job.context.read_item(item)
        attempt = judging.Attempt(
            job.context,
            job.decision,
            job.lane,
            item,
            body,
            self._tries.get(item.seq, 0) + 1,
            job.execution.started_at,
            self._dropped(item, body, ref),
        )
        judgement = judging.judge_answer(attempt, answer, now=clock.now())
        self.tally.cost_nanousd += judgement.cost_nanousd
        if judgement.verdict is not None:
            self.tally.note_verdict(judgement.verdict)
        if judgement.row is not None:
            job.recorder.add(judgement.row)
            del self.waiting[item.seq]
            self.failed.pop(item.seq, None)
            self.unfit.pop(item.seq, None)
            self.completed += judgement.failure is None
        elif judgement.failure is not None:
            self.tally.note(judgement.failure.kind.value)
            self.failed[item.seq] = judgement.failure
            if judgement.unfit is not None:
                self.unfit[item.seq] = judgement.unfit

    def _dropped(
        self, item: IndexedItem, body: dict[str, Any], ref: str
    ) -> tuple[str, ...]:
        job = self.job
        if job.connection is None:
            return ()
        request = job.context.item_request(
            item, body, group_no=job.unit.group_no, lane=job.lane, ref=ref
        )
        return omissions.dropped_fields(job.lane, request, job.connection)

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
        before = self.job.history.unknowns
        left = []
        for seq, item in self.waiting.items():
            failure = self.failed.get(seq)
            if failure is None:
                failure = Failure(kind)
                self.tally.note(kind.value)
            is_lost = self._is_lost(item, failure)
            left.append(
                Leftover(
                    item,
                    failure,
                    self._tries.get(seq, 0) + 1,
                    before.get(seq, 0) + is_lost,
                    is_lost=is_lost,
                    unfit=self.unfit.get(seq),
                )
            )
        return left

    def _is_lost(self, item: IndexedItem, failure: Failure) -> bool:
        """Book an item that the provider may bill although we have no answer."""
        job = self.job
        is_lost = job.state.phase != "ended" or miss_class(failure) == "unknown"
        if is_lost:
            self.tally.ambiguous_nanousd += job.context.lost_call_cost(
                job.unit.group_no, job.lane, item
            )
        return is_lost

    def faults(self, leftovers: list[Leftover]) -> tuple[int, int]:
        """Count what speaks against the lane: failed items, and those never run."""
        kinds = [left.failure.kind for left in leftovers]
        never_run = sum(kind in _NEVER_RUN for kind in kinds)
        return sum(
            kind not in NOT_THE_LANES_FAULT for kind in kinds
        ) - never_run, never_run


_RECORDED = """
SELECT count(*) FILTER (WHERE status IN ('completed', 'review')),
       coalesce(sum(cost_nanousd), 0)
  FROM batches_resultrow
 WHERE batch_id = %s AND seq BETWEEN %s AND %s AND execution_id = %s
"""


def _recorded(job: Job) -> tuple[int, int]:
    unit = job.unit
    with connection.cursor() as cursor:
        cursor.execute(
            _RECORDED, [unit.batch_id, unit.seq_from, unit.seq_to, job.execution.pk]
        )
        count, cost = cursor.fetchone()
    return count, int(cost)


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
            _checkpoint(job)
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
            completed=intake.completed_before + intake.completed,
            leftovers=leftovers,
            stop_cause=stop_cause,
        )
    )
    failed, never_run = intake.faults([] if stop_cause else leftovers)
    kinds = {left.failure.kind for left in leftovers}
    # What the simulator says to a test key is nothing to a live provider's health.
    if is_present(job.lane):
        health.record(
            job.lane.offering_id,
            health.Calls(
                successes=intake.completed, failures=failed, expiries=never_run
            ),
            now=clock.now(),
            is_sandbox=job.lane.is_sandbox,
        )
        health.note_lane(job.lane.offering_id, failure_kinds=kinds, now=clock.now())
    tripping.trip_when_refused(job.lane, kinds, now=clock.now())


def _checkpoint(job: Job) -> None:
    with transaction.atomic():
        job.recorder.flush(execution_id=job.execution.pk)
