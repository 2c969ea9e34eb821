"""Pure: how many calls an offering takes at once, learnt from its answers.

Additive increase, halving on a limit (hot-path study, rule 4): the window grows by 64
calls per window of successes, by one a success while it is small, and is halved at most
once per second.
"""

from dataclasses import dataclass

_START = 64
_STEP = 64
_HALVE_EVERY_SECONDS = 1.0


@dataclass(slots=True)
class Window:
    """The open and allowed calls of one offering in one worker.

    Attributes:
        limit: calls allowed at once.
        paused_until: a monotonic instant; nothing starts before it.
    """

    ceiling: int
    limit: float = _START
    in_flight: int = 0
    paused_until: float = 0.0
    halved_at: float = -_HALVE_EVERY_SECONDS

    def __post_init__(self) -> None:
        self.limit = min(self.limit, self.ceiling)

    def has_room(self, now: float) -> bool:
        """Tell whether one more call may start at this monotonic instant."""
        return self.in_flight < int(self.limit) and now >= self.paused_until

    def answered(self) -> None:
        """Note a call that the provider took without complaint."""
        step = _STEP / self.limit
        self.limit = min(self.ceiling, self.limit + (step if step < 1.0 else 1.0))

    def limited(self, now: float, *, retry_after_seconds: float | None) -> None:
        """Note that the provider asked us to slow down."""
        if now - self.halved_at >= _HALVE_EVERY_SECONDS:
            self.limit = max(1.0, self.limit / 2)
            self.halved_at = now
        if retry_after_seconds is not None:
            self.paused_until = max(self.paused_until, now + retry_after_seconds)
