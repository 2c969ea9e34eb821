"""Pure: how many calls an offering takes at once from this worker.

Additive increase, halving on a limit (hot-path study, rule 4): the window grows by 64
calls per window of successes, by one a success while it is small, and is halved at most
once per second. What all workers learnt of the offering corrects it about once a second
(:mod:`batches.engine.lane_windows`); without that it goes on by itself.
"""

from dataclasses import dataclass

from routing.adapters.rate_limits import Allowance
from routing.pacing import Pace, PaceReport

_START = 64
_AHEAD_MIN, _AHEAD_MAX = 8, 256
_STEP = 64
_HALVE_EVERY_SECONDS = 1.0
_LOOK_EVERY_SECONDS = 0.1
# A bucket that refills all the time has room again after this part of its reset; one
# that refills at once costs a few refused calls at most.
_RESET_SHARE = 0.1


@dataclass(slots=True)
class Window:
    """The open and allowed calls of one offering in one worker.

    Attributes:
        limit: calls allowed at once.
        paused_until: a monotonic instant; nothing starts before it.
        revision: of the shared pace that it heard of last.
        is_limited: the provider asked to slow down since the last report.
    """

    ceiling: int
    limit: float = _START
    in_flight: int = 0
    paused_until: float = 0.0
    halved_at: float = -_HALVE_EVERY_SECONDS
    revision: int = 0
    is_limited: bool = False
    _answered: int = 0
    _look_at: float = 0.0

    def __post_init__(self) -> None:
        self.limit = min(self.limit, self.ceiling)

    def has_room(self, now: float) -> bool:
        """Tell whether one more call may start at this monotonic instant."""
        return self.in_flight < int(self.limit) and now >= self.paused_until

    @property
    def ahead_items(self) -> int:
        """How many items to write down at once before they are sent: half a window.

        A worker that dies leaves those that it had not sent yet with an unknown outcome
        too, so a narrow lane writes few ahead, and a wide one seldom.
        """
        return min(max(int(self.limit) // 2, _AHEAD_MIN), _AHEAD_MAX)

    def answered(self) -> None:
        """Note a call that the provider took without complaint."""
        step = _STEP / self.limit
        self.limit = min(self.ceiling, self.limit + (step if step < 1.0 else 1.0))
        self._answered += 1

    def limited(self, now: float, *, retry_after_seconds: float | None) -> None:
        """Note that the provider asked us to slow down."""
        self.is_limited = True
        if now - self.halved_at >= _HALVE_EVERY_SECONDS:
            self.limit = max(1.0, self.limit / 2)
            self.halved_at = now
        if retry_after_seconds is not None:
            self.paused_until = max(self.paused_until, now + retry_after_seconds)

    def wants_headers(self, now: float) -> bool:
        """Tell whether to read a reply's headers: ten a second are enough."""
        if now < self._look_at:
            return False
        self._look_at = now + _LOOK_EVERY_SECONDS
        return True

    def told(self, allowance: Allowance, now: float) -> None:
        """Heed what a reply's headers say is left, before the provider has to refuse.

        Calls under way may not be counted in it yet.
        """
        if allowance.calls_left > self.in_flight:
            return
        pause = allowance.reset_seconds * _RESET_SHARE
        self.paused_until = max(self.paused_until, now + pause)

    def take_report(self, now: float) -> PaceReport:
        """Return what was seen since the last report, and begin the next one."""
        seen = PaceReport(
            answered=self._answered,
            is_limited=self.is_limited,
            pause_seconds=max(self.paused_until - now, 0.0),
        )
        self._answered, self.is_limited = 0, False
        return seen

    def heed(
        self, pace: Pace, *, workers: int, pause_seconds: float, now: float
    ) -> None:
        """Take this worker's share of what all of them may do.

        Args:
            pace: shared; one that is not newer than the last is passed over.
            workers: that use the offering.
            pause_seconds: from now, as the pace says.
            now: a monotonic instant.
        """
        if pace.revision <= self.revision:
            return
        self.revision = pace.revision
        self.limit = min(float(self.ceiling), pace.share(workers))
        self.paused_until = max(self.paused_until, now + pause_seconds)
