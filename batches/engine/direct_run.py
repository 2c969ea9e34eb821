"""One work unit on a direct lane: what waits, what is under way, what is left."""

import heapq
import random
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Final, Literal

from batches.decisions import Decision, StageLane
from batches.engine import judging
from batches.engine.claims import ClaimedUnit
from batches.engine.context import BatchContext
from batches.engine.judging import Attempt, Unfit
from batches.engine.lifecycle import Tally
from batches.engine.recorder import Recorder
from batches.engine.retries import MissClass, miss_class, retry_delay_seconds
from batches.engine.rows import IndexedItem, NewRow
from batches.engine.windows import Window
from batches.models import Execution
from batches.states import RowStatus
from catalog.latencies import step_of
from routing.contracts import (
    Answer,
    Connection,
    DirectAdapter,
    WireRequest,
)
from routing.failures import NOT_THE_LANES_FAULT, Failure, FailureKind

# Why a run sends nothing more. After the last two, what was not sent goes back.
StopCause = Literal["canceled", "overdue", "lane", "worker", "withdrawn"]
GIVEN_BACK: Final = frozenset({"worker", "withdrawn"})


@dataclass(slots=True)
class Observed:
    """What a run saw of its lane, for the lane's health.

    Attributes:
        latencies: answered calls by step, see ``catalog/latencies.py``.
        kinds: every kind of failure that was seen.
    """

    successes: int = 0
    failures: int = 0
    latency_ms_sum: int = 0
    latencies: dict[int, int] = field(default_factory=dict)
    kinds: set[str] = field(default_factory=set)

    def note_answer(self, elapsed_ms: int) -> None:
        """Count how long an answered call took."""
        self.latency_ms_sum += elapsed_ms
        step = step_of(elapsed_ms)
        self.latencies[step] = self.latencies.get(step, 0) + 1

    def add(self, other: "Observed", *, is_sandbox: bool) -> None:
        """Add what another run saw; the simulator's times say nothing of a provider."""
        self.successes += other.successes
        self.failures += other.failures
        self.latency_ms_sum += other.latency_ms_sum
        self.kinds |= other.kinds
        if not is_sandbox:
            for step, calls in other.latencies.items():
                self.latencies[step] = self.latencies.get(step, 0) + calls


@dataclass(slots=True)
class Call:
    """One try of one item, on its way."""

    run: "DirectRun"
    attempt: Attempt


@dataclass(slots=True)
class Leftover:
    """An item that this lane could not answer.

    Attributes:
        tries: of all its executions.
        unknowns: tries whose outcome nobody knows, of all its executions.
        is_lost: one of them was in this execution.
        unfit: the last answer, where it failed its checks.
    """

    item: IndexedItem
    failure: Failure
    tries: int
    unknowns: int = 0
    is_lost: bool = False
    unfit: Unfit | None = None


# Compared by identity: the engine looks runs up once per answer.
@dataclass(eq=False)
class DirectRun:
    """A claimed unit, its items, and the adapter that asks for them.

    Attributes:
        leave_at, end_at: monotonic instants; the lane is left, the batch is overdue.
        tries: made so far by item number, in earlier executions too.
        unknowns: those of earlier executions whose outcome nobody knows.
        misses: failed tries of this execution, by item number and class.
        failures_told: how many of them the execution's row tells of.
    """

    unit: ClaimedUnit
    context: BatchContext
    decision: Decision
    lane: StageLane
    adapter: DirectAdapter
    connection: Connection
    execution: Execution
    recorder: Recorder
    chance: random.Random
    pending: deque[IndexedItem]
    window: Window
    leave_at: float
    end_at: float
    tries: dict[int, int]
    unknowns: dict[int, int]
    misses: dict[tuple[int, MissClass], int] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    in_flight: int = 0
    delivered: int = 0
    health: Observed = field(default_factory=Observed)
    leftovers: list[Leftover] = field(default_factory=list)
    stop_cause: StopCause | None = None
    failures_told: int = 0
    _waiting: list[tuple[float, int, IndexedItem]] = field(default_factory=list)
    _order: "count[int]" = field(default_factory=count)

    def next_item(self, now: float) -> IndexedItem | None:
        """Take the item to send next, if one may be sent at this monotonic instant."""
        if self.stop_cause is not None:
            return None
        if self._waiting and self._waiting[0][0] <= now:
            return heapq.heappop(self._waiting)[2]
        return self.pending.popleft() if self.pending else None

    @property
    def has_next_stage(self) -> bool:
        """Whether the plan has a lane after this one."""
        return self.unit.stage + 1 < len(self.decision.stages)

    @property
    def ready_count(self) -> int:
        """How many items wait for their first try."""
        return 0 if self.stop_cause else len(self.pending)

    @property
    def is_drained(self) -> bool:
        """Whether nothing is under way and nothing more will be sent."""
        if self.in_flight:
            return False
        return self.stop_cause is not None or not (self.pending or self._waiting)

    @property
    def is_complete(self) -> bool:
        """Whether it is drained, and every item has its row."""
        return self.is_drained and self.stop_cause is None and not self.leftovers

    @property
    def has_untold_failures(self) -> bool:
        """Whether tries failed that the execution's row does not tell of yet."""
        return sum(self.tally.failures.values()) > self.failures_told

    @property
    def needs_watermark(self) -> int | None:
        """The item number to write down before the next send, or None."""
        if not self.pending or self.pending[0].seq <= self.execution.sent_through_seq:
            return None
        ahead = min(self.window.ahead_items, len(self.pending)) - 1
        return self.pending[ahead].seq

    def attempt(self, item: IndexedItem, *, started_at: datetime) -> Attempt:
        """Count one more try of an item."""
        tries = self.tries[item.seq] = self.tries.get(item.seq, 0) + 1
        return Attempt(
            self.context, self.decision, self.lane, item, {}, tries, started_at
        )

    def encode(self, attempt: Attempt) -> WireRequest:
        """Read an attempt's item and write its request."""
        item = attempt.item
        body = attempt.body = self.context.read_item(item)
        request = self.context.item_request(
            item,
            body,
            group_no=self.unit.group_no,
            lane=self.lane,
            ref=f"{self.execution.public_id}-{item.seq}",
        )
        attempt.dropped_fields = self.adapter.dropped_fields(request, self.connection)
        return self.adapter.encode(request, self.connection)

    def accept(
        self, attempt: Attempt, answer: Answer, *, now: datetime, clock: float
    ) -> None:
        """Turn an answer into a row, a later try, or a leftover."""
        judgement = judging.judge_answer(attempt, answer, now=now)
        self.tally.cost_nanousd += judgement.cost_nanousd
        if judgement.verdict is not None:
            self.tally.note_verdict(judgement.verdict)
        if judgement.row is not None:
            self.deliver(judgement.row)
            return
        failure = judgement.failure
        assert failure is not None
        misses = self.note_failure(attempt.item, failure)
        delay = retry_delay_seconds(failure, misses=misses, chance=self.chance)
        unfit = judgement.unfit
        if unfit is not None and unfit.on_fail == "fallback":
            delay = None
        if failure.rule.leaves_lane:
            self.leave_lane(failure)
        if delay is None or self.stop_cause is not None:
            self.leave(attempt.item, failure, unfit)
            return
        heapq.heappush(self._waiting, (clock + delay, next(self._order), attempt.item))

    def note_failure(self, item: IndexedItem, failure: Failure) -> int:
        """Count a failed try, and what it may have cost us.

        Returns:
            The item's misses of the failure's class, of earlier executions too where
            the outcome is unknown.
        """
        self.tally.note(failure.kind.value)
        self.health.failures += failure.kind not in NOT_THE_LANES_FAULT
        self.health.kinds.add(failure.kind.value)
        which = miss_class(failure)
        misses = self.misses[item.seq, which] = self._misses(item, which) + 1
        if which == "unknown":
            self.tally.ambiguous_nanousd += self.context.lost_call_cost(
                self.unit.group_no, self.lane, item
            )
            return misses + self.unknowns.get(item.seq, 0)
        return misses

    def _misses(self, item: IndexedItem, which: MissClass) -> int:
        return self.misses.get((item.seq, which), 0)

    def fail(self, attempt: Attempt, *, now: datetime) -> None:
        """End an item that we ourselves cannot handle; the others go on."""
        failure = Failure(FailureKind.INTERNAL)
        self.tally.note(failure.kind.value)
        self.deliver(judging.failed_row(attempt, failure, now=now))

    def deliver(self, row: NewRow) -> None:
        """Keep a row for the next flush."""
        self.recorder.add(row)
        if row.status != RowStatus.FAILED:
            self.delivered += 1
            self.health.successes += 1

    def leave(
        self, item: IndexedItem, failure: Failure, unfit: Unfit | None = None
    ) -> None:
        """Keep an item for the next lane."""
        unknowns = self._misses(item, "unknown")
        self.leftovers.append(
            Leftover(
                item,
                failure,
                self.tries.get(item.seq, 0),
                unknowns + self.unknowns.get(item.seq, 0),
                is_lost=unknowns > 0,
                unfit=unfit,
            )
        )

    def leave_lane(self, failure: Failure) -> None:
        """Give up this lane for every item that was not sent yet."""
        if self.stop_cause is not None:
            return
        self.stop_cause = "lane"
        for item in self.unsent():
            self.leave(item, failure)

    def give_back_unsent(self) -> None:
        """Leave what is not under way, when the batch was stopped or is overdue."""
        for item in self.unsent():
            self.leave(item, Failure(FailureKind.STAGE_OVER))

    def unsent(self) -> list[IndexedItem]:
        """Take out all items that are not under way."""
        if self.pending:
            # Written down ahead of the sends, and not reached after all.
            reached = self.pending[0].seq - 1
            self.execution.sent_through_seq = min(
                self.execution.sent_through_seq, reached
            )
        items = [*self.pending, *(item for _, _, item in self._waiting)]
        self.pending.clear()
        self._waiting.clear()
        return sorted(items, key=lambda item: item.seq)
