"""Pure: verdicts to a signal: a score with its interval, and where it is going."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from batches.quality import DayCounts

CONFIDENCE: Final = 0.95
_Z: Final = 1.959964  # of the normal distribution, for 95 % on both sides
# A corrected answer was worth half.
_CORRECTED: Final = 0.5
RECENT_DAYS: Final = 14
_SIGNIFICANT: Final = 0.05
_PLACES: Final = 4

Direction = Literal["rising", "falling", "steady", "unknown"]


@dataclass(frozen=True, slots=True)
class Interval:
    """Where the true share lies, with ``CONFIDENCE``."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Trend:
    """The recent days against those before.

    Attributes:
        change: of the score, None where either side has no verdicts.
        p_value: chance of a change as large where nothing changed; None as above.
    """

    direction: Direction
    change: float | None
    p_value: float | None


@dataclass(frozen=True, slots=True)
class Signal:
    """What verdicts come to.

    Attributes:
        score: share of good answers, a corrected one counting half; None without any.
        interval: Wilson's; None without any.
    """

    score: float | None
    sample_size: int
    interval: Interval | None
    trend: Trend


@dataclass(frozen=True, slots=True)
class _Sums:
    good: float
    count: int

    @property
    def score(self) -> float:
        return self.good / self.count


def signal_of(days: Sequence[DayCounts], *, today: date) -> Signal:
    """Return the signal of verdicts by day; the last ``RECENT_DAYS`` are recent."""
    all_days = _sums(days)
    split = today - timedelta(days=RECENT_DAYS)
    trend = _trend(
        _sums([day for day in days if day.day <= split]),
        _sums([day for day in days if day.day > split]),
    )
    if all_days.count == 0:
        return Signal(None, 0, None, trend)
    return Signal(
        round(all_days.score, _PLACES),
        all_days.count,
        wilson(all_days.good, all_days.count),
        trend,
    )


def wilson(good: float, count: int) -> Interval:
    """Return Wilson's score interval of a share (Wilson 1927); count is above 0."""
    share, square = good / count, _Z * _Z
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = (
        _Z
        * math.sqrt(share * (1 - share) / count + square / (4 * count * count))
        / (1 + square / count)
    )
    return Interval(
        round(max(middle - half, 0.0), _PLACES), round(min(middle + half, 1.0), _PLACES)
    )


def _sums(days: Sequence[DayCounts]) -> _Sums:
    return _Sums(
        sum(day.accepted + _CORRECTED * day.corrected for day in days),
        sum(day.accepted + day.corrected + day.rejected for day in days),
    )


def _trend(before: _Sums, recent: _Sums) -> Trend:
    if not (before.count and recent.count):
        return Trend("unknown", None, None)
    change = recent.score - before.score
    p_value = _p_value(before, recent)
    direction: Direction = "steady"
    if p_value < _SIGNIFICANT:
        direction = "rising" if change > 0 else "falling"
    return Trend(direction, round(change, _PLACES), round(p_value, _PLACES))


def _p_value(before: _Sums, recent: _Sums) -> float:
    """Return the two-sided p of the test of two shares, pooled."""
    pooled = (before.good + recent.good) / (before.count + recent.count)
    variance = pooled * (1 - pooled) * (1 / before.count + 1 / recent.count)
    if variance <= 0.0:
        return 1.0
    z = abs(recent.score - before.score) / math.sqrt(variance)
    return math.erfc(z / math.sqrt(2.0))
