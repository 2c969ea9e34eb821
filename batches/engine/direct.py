"""The direct lane's worker: claims units one after another and keeps calls in flight.

One thread and one event loop (kit.pool) serve all units that the worker holds, so a
window stays full across their borders. Memory is bounded by the window and by the
size of a slice, never by a batch.
"""

import logging
import random
import time
import uuid
from collections import deque
from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db import transaction

from batches.engine import claims, context, opening, replanning, tripping
from batches.engine.claims import ClaimedUnit
from batches.engine.direct_run import Call, DirectRun, Observed
from batches.engine.endings import Ending, Endings, EndingsInline, EndingsInThread
from batches.engine.lane_windows import LaneWindows
from batches.engine.reaching import is_present
from batches.engine.recorder import LeaseLost
from batches.models import Execution
from batches.states import ExecutionState
from batchrouter.kit import clock, stopping
from batchrouter.kit.pool import Completed, HttpPool
from catalog import health as catalog_health
from routing import health
from routing.adapters.rate_limits import allowance_in
from routing.contracts import Answer
from routing.failures import Failure, FailureKind

log = logging.getLogger(__name__)

FLUSH_ROWS = 500
FLUSH_SECONDS = 1.0
# Units that a worker holds at once: enough to fill the window across their borders.
HELD_UNITS = 8
_CLAIM_PAUSE_SECONDS = 0.25
_WAIT_SECONDS = 0.05
# Answers judged before the window is filled again, and how often in one turn.
_REFILL_CALLS = 32
_REFILLS_MAX = 32
# Neither a customer who cancels nor an operator who switches a lane off should wait for
# a quarter of a lease.
_LOOK_SECONDS = 2.0
# Calls under way at a batch's deadline may take this much longer.
_LATE_SECONDS = 2.0

_FAULTS = {
    "not_sent": FailureKind.UNREACHABLE,
    "no_answer": FailureKind.NO_ANSWER,
    "timed_out": FailureKind.TIMED_OUT,
    "too_large": FailureKind.MALFORMED,
}


class DirectEngine:
    """Run it until nothing is due; safe to run in many workers at once.

    Args:
        endings: what records drained runs; in this thread where left out.
    """

    def __init__(self, endings: Endings | None = None) -> None:
        self.endings = endings or EndingsInline()
        self.token = uuid.uuid4()
        self.contexts = context.Contexts()
        self.pool = HttpPool(max_in_flight=settings.DIRECT_WINDOW)
        self.runs: deque[DirectRun] = deque()
        self.windows = LaneWindows()
        self._call_ms: int = settings.DIRECT_CALL_SECONDS * 1000
        # By offering, and whether the simulator played it.
        self._seen: dict[tuple[int, bool], Observed] = {}
        self.chance = random.Random()  # noqa: S311 # jitter, not a secret
        self._claim_after = 0.0
        self._renew_after = 0.0
        self._fence_at = 0.0
        self._flush_after = 0.0

    def run(self, *, budget_seconds: float) -> None:
        """Serve units until none is due; after the budget, claim no more of them."""
        stop_claiming_at = time.monotonic() + budget_seconds
        try:
            while True:
                now = time.monotonic()
                self._keep_leases(now)
                if stopping.is_stopping():
                    self._stop_sending()
                elif now < stop_claiming_at:
                    self._claim(now)
                if not self.runs and not self.endings.count:
                    self._report_health()
                    return
                self._send(time.monotonic())
                self._receive()
                self._flush(time.monotonic())
        finally:
            self.pool.close()
            self.endings.close()
            for run in self.runs:
                run.recorder.close()
            self.contexts.close()

    def _stop_sending(self) -> None:
        """Let calls under way end; what was not sent goes back for other workers."""
        for run in self.runs:
            run.stop_cause = run.stop_cause or "worker"

    # Leases

    def _keep_leases(self, now: float) -> None:
        if self.runs and now >= self._fence_at:
            # We were stopped for longer than the lease: others may have our units.
            log.warning("lease ran out in our hands: %s units dropped", len(self.runs))
            self._drop_all()
        for run in self.runs:
            self._watch_time(run, now)
        if not self.runs or now < self._renew_after:
            return
        held = {unit.unit_id: unit for unit in claims.renew(self.token)}
        self._set_fence(now)
        for run in list(self.runs):
            found = held.get(run.unit.unit_id)
            if found is None:
                self._drop(run)
            elif found.is_canceled:
                run.stop_cause = "canceled"
            elif run.stop_cause is None and _is_withdrawn(run):
                # What was not sent goes back, and whoever claims it next moves it on.
                run.stop_cause = "withdrawn"

    def _watch_time(self, run: DirectRun, now: float) -> None:
        """Stop a run whose batch is overdue, leave a lane whose time is over."""
        if now >= run.end_at:
            run.stop_cause = run.stop_cause or "overdue"
        elif now >= run.leave_at and run.has_next_stage:
            run.leave_lane(Failure(FailureKind.STAGE_OVER))

    def _set_fence(self, now: float) -> None:
        lease = float(settings.LEASE_SECONDS)
        self._fence_at = now + lease * 0.9
        self._renew_after = now + min(lease / 4, _LOOK_SECONDS)

    def _drop_all(self) -> None:
        self.pool.cancel_all()
        self.windows.forget_calls()
        for run in list(self.runs):
            self._drop(run)
        self.token = uuid.uuid4()

    def _drop(self, run: DirectRun) -> None:
        run.recorder.close()
        self.runs.remove(run)

    # Claiming

    def _claim(self, now: float) -> None:
        if now < self._claim_after:
            return
        waiting = sum(run.ready_count for run in self.runs)
        while waiting < self.windows.ceiling and self._held < HELD_UNITS:
            if not self.runs:
                self._set_fence(time.monotonic())
            with transaction.atomic():
                unit = claims.claim("direct", token=self.token)
                run = None if unit is None else self._open(unit)
            if unit is None:
                self._claim_after = time.monotonic() + _CLAIM_PAUSE_SECONDS
                return
            if run is not None:
                self.runs.append(run)
                waiting += run.ready_count

    @property
    def _held(self) -> int:
        return len(self.runs) + self.endings.count

    def _open(self, unit: ClaimedUnit) -> DirectRun | None:
        return opening.open_direct(unit, self.contexts, self.chance, self.windows.of)

    # Sending

    def _send(self, now: float) -> None:
        """Fill the window from the units in the order of their claims.

        The oldest is served first, so that units end one after another and each is
        recorded in few, large steps.
        """
        for run in list(self.runs):
            while self.pool.has_room and self._try_send(run, now):
                pass

    def _try_send(self, run: DirectRun, now: float) -> bool:
        if not run.window.has_room(now) or time.monotonic() >= self._fence_at:
            return False
        try:
            return self._send_one(run, now)
        except LeaseLost:
            self._drop(run)
            return False

    def _send_one(self, run: DirectRun, now: float) -> bool:
        watermark = run.needs_watermark
        if watermark is not None:
            self._write_watermark(run, watermark)
        item = run.next_item(now)
        if item is None:
            return False
        attempt = run.attempt(item, started_at=clock.now())
        try:
            request = run.encode(attempt)
        except Exception:
            log.exception("item %s of unit %s", item.seq, run.unit.public_id)
            run.fail(attempt, now=clock.now())
            return True
        left_ms = int((run.end_at - now + _LATE_SECONDS) * 1000)
        self.pool.submit(Call(run, attempt), request, min(self._call_ms, left_ms))
        run.in_flight += 1
        run.window.in_flight += 1
        return True

    def _write_watermark(self, run: DirectRun, seq: int) -> None:
        """Write down how far we are about to send, before sending it."""
        written = Execution.objects.filter(
            pk=run.execution.pk, unit__lease_token=self.token
        ).update(sent_through_seq=seq)
        if written != 1:
            raise LeaseLost(f"unit {run.unit.public_id} is no longer ours")
        run.execution.sent_through_seq = seq

    # Receiving

    def _receive(self) -> None:
        wait = _WAIT_SECONDS
        if not self.pool.in_flight:
            if not any(run.is_drained for run in self.runs):
                self._rest(wait)
            return
        waiting = deque(self.pool.wait(wait))
        for _ in range(_REFILLS_MAX):
            self._take_some(waiting)
            if not waiting:
                return
            # Refill before the rest is judged, so that the provider never runs dry.
            self._send(time.monotonic())
            waiting.extend(self.pool.wait(0))
        while waiting:
            self._take(waiting.popleft())

    def _rest(self, seconds: float) -> None:
        if self.endings.count:
            self._take_ended(self.endings.done(wait_seconds=seconds))
        else:
            time.sleep(seconds)

    def _take_some(self, waiting: "deque[Completed]") -> None:
        for _ in range(min(len(waiting), _REFILL_CALLS)):
            self._take(waiting.popleft())

    def _take(self, done: Completed) -> None:
        call = done.token
        assert isinstance(call, Call)
        run, now = call.run, time.monotonic()
        run.in_flight -= 1
        window = run.window
        window.in_flight -= 1
        if window.wants_headers(now) and (left := allowance_in(done.headers)):
            window.told(left, now)
        if run not in self.runs:
            return
        answer = self._answer(run, done)
        failure = answer.failure
        if failure is not None and failure.kind is FailureKind.RATE_LIMITED:
            window.limited(now, retry_after_seconds=failure.retry_after_seconds)
        elif failure is None:
            window.answered()
            run.health.note_answer(done.elapsed_ms)
        if failure is not None and run.stop_cause is None:
            tripping.trip_when_refused(run.lane, [failure.kind], now=clock.now())
        try:
            run.accept(call.attempt, answer, now=clock.now(), clock=now)
        except Exception:
            log.exception("answer to an item of unit %s", run.unit.public_id)
            run.fail(call.attempt, now=clock.now())

    def _answer(self, run: DirectRun, done: Completed) -> Answer:
        if done.fault is not None:
            failure = Failure(_FAULTS[done.fault])
            return Answer(None, None, None, None, failure, None)
        return run.adapter.decode(
            run.decision.operation,  # type: ignore[arg-type] # stored from the same Literal
            done.status,
            done.headers,
            done.body,
        )

    # Recording

    def _flush(self, now: float) -> None:
        self.windows.exchange(
            (run.lane for run in self.runs), clock=now, now=clock.now()
        )
        is_time = now >= self._flush_after
        if is_time:
            self._flush_after = now + FLUSH_SECONDS
            self._report_health()
        for run in list(self.runs):
            if run.is_drained:
                self.runs.remove(run)
                self.endings.begin(run)
            elif run.recorder.waiting >= FLUSH_ROWS or (
                is_time and (run.recorder.waiting or run.has_untold_failures)
            ):
                self._try_checkpoint(run)
        self._take_ended(self.endings.done())

    def _take_ended(self, endings: Iterable[Ending]) -> None:
        for run, is_ours in endings:
            if not is_ours:
                log.warning("unit %s went to another worker", run.unit.public_id)
                continue
            self._observe(run)
            if run.lane not in [other.lane for other in self.runs]:
                self.windows.report([run.lane], clock=time.monotonic(), now=clock.now())
            if not self.runs:
                # It may have been handed on to a lane that we serve too.
                self._claim_after = 0.0

    def _try_checkpoint(self, run: DirectRun) -> None:
        try:
            self._checkpoint(run)
        except LeaseLost:
            log.warning("unit %s went to another worker", run.unit.public_id)
            self._drop(run)

    def _checkpoint(self, run: DirectRun) -> None:
        with transaction.atomic():
            run.recorder.flush(execution_id=run.execution.pk)
            Execution.objects.filter(
                pk=run.execution.pk, state=ExecutionState.PLANNED
            ).update(
                completed=run.delivered,
                cost_nanousd=run.tally.cost_nanousd,
                ambiguous_nanousd=run.tally.ambiguous_nanousd,
                failures=run.tally.failures,
                checks=run.tally.checks,
            )
        run.failures_told = sum(run.tally.failures.values())

    # Health

    def _observe(self, run: DirectRun) -> None:
        lane = run.lane
        seen = self._seen.setdefault((lane.offering_id, lane.is_sandbox), Observed())
        # What the simulator says to a test key is nothing to a live provider's health.
        if is_present(lane):
            seen.add(run.health, is_sandbox=lane.is_sandbox)

    def _report_health(self) -> None:
        """Tell routing what ended units saw, once a second instead of once a unit."""
        if not self._seen:
            return
        now = clock.now()
        with transaction.atomic():
            # In one order, so that two workers never wait for each other in a circle.
            for key in sorted(self._seen):
                self._report_lane(key, self._seen[key], now=now)
        self._seen.clear()

    def _report_lane(
        self, key: tuple[int, bool], seen: Observed, *, now: datetime
    ) -> None:
        offering_id, is_sandbox = key
        health.record(
            offering_id,
            health.Calls(
                successes=seen.successes,
                failures=seen.failures,
                latency_ms_sum=seen.latency_ms_sum,
            ),
            now=now,
            is_sandbox=is_sandbox,
        )
        health.note_lane(offering_id, failure_kinds=seen.kinds, now=now)
        catalog_health.fold_latencies(offering_id, at=now, calls=seen.latencies)


def _is_withdrawn(run: DirectRun) -> bool:
    """Tell whether the lane was switched off, or rests, since the run began."""
    found = replanning.withdrawal(run.lane, run.context, run.decision, now=clock.now())
    return found is not None


def serve_direct_lanes(*, budget_seconds: float) -> None:
    """Run one engine until nothing is due, its endings in a thread of their own."""
    DirectEngine(EndingsInThread()).run(budget_seconds=budget_seconds)
