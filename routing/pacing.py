"""Pure: how many calls an offering takes at once, of all workers together.

The rule of one worker's window (hot-path study, rule 4), applied to their sum: 64 calls
more per window of answers, half as many after a limit, once a second at most. Each
worker takes an equal share of it, and keeps to its own window between two exchanges.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

START_CALLS: Final = 64.0
STEP_CALLS: Final = 64.0
HALVE_EVERY: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Pace:
    """What an offering takes.

    Attributes:
        limit_calls: at once.
        paused_until: nothing starts before it.
        halved_at: when the limit was halved last.
        revision: grows with every change, so that an older copy is known as one.
    """

    limit_calls: float = START_CALLS
    paused_until: datetime | None = None
    halved_at: datetime | None = None
    revision: int = 0

    def share(self, workers: int) -> float:
        """Return the calls at once of one of so many workers, at least one."""
        return max(1.0, self.limit_calls / max(workers, 1))


@dataclass(frozen=True, slots=True)
class PaceReport:
    """What one worker saw since its last report.

    Attributes:
        answered: calls without complaint.
        is_limited: the provider asked to slow down.
        pause_seconds: how long nothing should start; 0 is not at all.
    """

    answered: int = 0
    is_limited: bool = False
    pause_seconds: float = 0.0


def after_report(
    pace: Pace, report: PaceReport, *, ceiling_calls: int, now: datetime
) -> Pace:
    """Return the pace that a report leads to.

    Args:
        pace: before it.
        report: of one worker.
        ceiling_calls: of all workers that use the offering.
        now: the instant.
    """
    limit, halved_at = pace.limit_calls, pace.halved_at
    if not report.is_limited:
        limit += min(float(report.answered), STEP_CALLS * report.answered / limit)
    elif halved_at is None or now - halved_at >= HALVE_EVERY:
        limit, halved_at = limit / 2, now
    pause = now + timedelta(seconds=report.pause_seconds)
    return replace(
        pace,
        limit_calls=min(max(limit, 1.0), float(max(ceiling_calls, 1))),
        paused_until=max(pause, pace.paused_until or pause),
        halved_at=halved_at,
        revision=pace.revision + 1,
    )
