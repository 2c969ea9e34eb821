"""A worker's windows, kept in step with those of the other workers."""

import logging
from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db import DatabaseError

from batches.decisions import StageLane
from batches.engine import claims
from batches.engine.reaching import is_present
from batches.engine.windows import Window
from routing import pace_store
from routing.pacing import Pace

log = logging.getLogger(__name__)

_REPORT_SECONDS = 1.0
# A limit is told to the others sooner than the rest.
_URGENT_SECONDS = 0.2
_LISTEN_SECONDS = 0.25

# An offering, and whether the simulator plays it.
_Key = tuple[int, bool]


class LaneWindows:
    """The windows of one direct engine, one for each lane."""

    def __init__(self) -> None:
        self.ceiling: int = settings.DIRECT_WINDOW
        self._windows: dict[_Key, Window] = {}
        self._workers: dict[int, int] = {}
        self._reported_at = 0.0
        self._listened_at = 0.0

    def of(self, lane: StageLane) -> Window:
        """Return a lane's window, made at its first use."""
        key = (lane.offering_id, lane.is_sandbox)
        window = self._windows.get(key)
        if window is None:
            window = self._windows[key] = Window(ceiling=self.ceiling)
        return window

    def forget_calls(self) -> None:
        """Take every call as over: the pool dropped them."""
        for window in self._windows.values():
            window.in_flight = 0

    def exchange(
        self, lanes: Iterable[StageLane], *, clock: float, now: datetime
    ) -> None:
        """Tell the others what was seen, and hear what they saw, where it is time.

        A lane whose provider would be reached elsewhere by now, such as the simulator's
        of one that has a key, keeps what it learns to itself. Without the database the
        windows go on by themselves.

        Args:
            lanes: in use.
            clock: a monotonic instant.
            now: the same as a date.
        """
        is_limited = any(window.is_limited for window in self._windows.values())
        every = _URGENT_SECONDS if is_limited else _REPORT_SECONDS
        if clock - self._reported_at >= every:
            self._reported_at = self._listened_at = clock
            self.report(lanes, clock=clock, now=now)
        elif clock - self._listened_at >= _LISTEN_SECONDS:
            self._listened_at = clock
            self._listen(lanes, clock=clock, now=now)

    def report(
        self, lanes: Iterable[StageLane], *, clock: float, now: datetime
    ) -> None:
        """Tell what was seen, and take the share that follows."""
        try:
            self._workers = claims.workers_by_offering()
            for lane in _shared(lanes):
                window = self.of(lane)
                pace = pace_store.report(
                    lane.offering_id,
                    window.take_report(clock),
                    ceiling_calls=self.ceiling * self._workers_on(lane),
                    now=now,
                    is_sandbox=lane.is_sandbox,
                )
                self._heed(lane, pace, clock=clock, now=now)
        except DatabaseError:
            log.warning("the pace of the lanes could not be shared")

    def _listen(
        self, lanes: Iterable[StageLane], *, clock: float, now: datetime
    ) -> None:
        shared = {lane.offering_id: lane for lane in _shared(lanes)}
        for offering_id, pace in pace_store.heard(shared).items():
            self._heed(shared[offering_id], pace, clock=clock, now=now)

    def _heed(
        self, lane: StageLane, pace: Pace, *, clock: float, now: datetime
    ) -> None:
        left = (pace.paused_until - now).total_seconds() if pace.paused_until else 0.0
        self.of(lane).heed(
            pace,
            workers=self._workers_on(lane),
            pause_seconds=max(left, 0.0),
            now=clock,
        )

    def _workers_on(self, lane: StageLane) -> int:
        return max(self._workers.get(lane.offering_id, 1), 1)


def _shared(lanes: Iterable[StageLane]) -> list[StageLane]:
    """Return each lane once, without those that keep to themselves."""
    every = {lane.offering_id: lane for lane in lanes if is_present(lane)}
    return [every[pk] for pk in sorted(every)]
