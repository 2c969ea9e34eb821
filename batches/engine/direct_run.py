"""One work unit on a direct lane: which items wait, which are under way, what is left."""

import heapq
import random
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Literal

from batches.decisions import Decision, StageLane
from batches.engine import charges, judging
from batches.engine.claims import ClaimedUnit
from batches.engine.context import BatchContext
from batches.engine.judging import Attempt
from batches.engine.lifecycle import SEND_AHEAD_ITEMS, Tally
from batches.engine.recorder import Recorder
from batches.engine.retries import retry_delay_seconds
from batches.engine.rows import IndexedItem, NewRow
from batches.engine.windows import Window
from batches.models import Execution
from batches.states import RowStatus
from routing.contracts import (
    Answer,
    Connection,
    DirectAdapter,
    ItemRequest,
    WireRequest,
)
from routing.failures import Failure, FailureKind


@dataclass(slots=True)
class Observed:
    """What a run saw of its lane, for the lane's health."""

    successes: int = 0
    failures: int = 0
    latency_ms_sum: int = 0


@dataclass(slots=True)
class Call:
    """One try of one item, on its way."""

    run: "DirectRun"
    attempt: Attempt


@dataclass(slots=True)
class Leftover:
    """An item that this lane could not answer."""

    item: IndexedItem
    failure: Failure
    tries: int


@dataclass
class DirectRun:
    """A claimed unit, its items, and the adapter that asks for them."""

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
    tally: Tally = field(default_factory=Tally)
    tries: dict[int, int] = field(default_factory=dict)
    in_flight: int = 0
    delivered: int = 0
    health: Observed = field(default_factory=Observed)
    leftovers: list[Leftover] = field(default_factory=list)
    stop_cause: Literal["canceled", "overdue", "lane"] | None = None
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
    def is_drained(self) -> bool:
        """Whether nothing is under way and nothing more will be sent."""
        if self.in_flight:
            return False
        return self.stop_cause is not None or not (self.pending or self._waiting)

    @property
    def needs_watermark(self) -> int | None:
        """The item number to write down before the next send, or None."""
        if not self.pending or self.pending[0].seq <= self.execution.sent_through_seq:
            return None
        ahead = min(SEND_AHEAD_ITEMS, len(self.pending)) - 1
        return self.pending[ahead].seq

    def encode(
        self, item: IndexedItem, *, started_at: datetime
    ) -> tuple[Attempt, WireRequest]:
        """Read an item and write its request."""
        body = self.context.read_item(item)
        tries = self.tries.get(item.seq, 0) + 1
        self.tries[item.seq] = tries
        request = ItemRequest(
            ref=f"{self.execution.public_id}-{item.seq}",
            operation=self.decision.operation,  # type: ignore[arg-type] # stored from the same Literal
            provider_model=self.lane.provider_model,
            input=body["input"],
            max_output_tokens=self.context.output_cap(self.unit.group_no, item) or None,
            supports_sampling=self.lane.supports_sampling,
        )
        attempt = Attempt(
            self.context, self.decision, self.lane, item, body, tries, started_at
        )
        return attempt, self.adapter.encode(request, self.connection)

    def accept(
        self, attempt: Attempt, answer: Answer, *, now: datetime, clock: float
    ) -> None:
        """Turn an answer into a row, a later try, or a leftover."""
        judgement = judging.judge_answer(attempt, answer, now=now)
        self.tally.cost_nanousd += judgement.cost_nanousd
        if judgement.row is not None:
            self.deliver(judgement.row)
            return
        failure = judgement.failure
        assert failure is not None
        self.note_failure(attempt, failure)
        delay = retry_delay_seconds(failure, tries=attempt.tries, chance=self.chance)
        if judgement.on_fail == "fallback":
            delay = None
        if failure.rule.leaves_lane:
            self.leave_lane(failure)
        if delay is None or self.stop_cause is not None:
            self.leave(attempt.item, failure, tries=attempt.tries)
            return
        heapq.heappush(self._waiting, (clock + delay, next(self._order), attempt.item))

    def note_failure(self, attempt: Attempt, failure: Failure) -> None:
        """Count a failed try, and what it may have cost us."""
        self.tally.note(failure.kind.value)
        self.health.failures += failure.kind is not FailureKind.INVALID
        if failure.rule.maybe_billed and failure.kind is not FailureKind.VERIFICATION:
            self.tally.ambiguous_nanousd += charges.lost_call_cost_nanousd(
                self.lane.price,
                counted_tokens=attempt.item.input_tokens,
                output_cap=self.context.output_cap(self.unit.group_no, attempt.item),
            )

    def deliver(self, row: NewRow) -> None:
        """Keep a row for the next flush."""
        self.recorder.add(row)
        if row.status != RowStatus.FAILED:
            self.delivered += 1
            self.health.successes += 1

    def leave(self, item: IndexedItem, failure: Failure, *, tries: int) -> None:
        """Keep an item for the next lane."""
        self.leftovers.append(Leftover(item, failure, tries))

    def leave_lane(self, failure: Failure) -> None:
        """Give up this lane for every item that was not sent yet."""
        if self.stop_cause is not None:
            return
        self.stop_cause = "lane"
        for item in self.unsent():
            self.leave(item, failure, tries=self.tries.get(item.seq, 0))

    def unsent(self) -> list[IndexedItem]:
        """Take out all items that are not under way."""
        items = [*self.pending, *(item for _, _, item in self._waiting)]
        self.pending.clear()
        self._waiting.clear()
        return sorted(items, key=lambda item: item.seq)
