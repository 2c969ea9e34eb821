"""Pure: whether a provider's answers got better or worse, week by week."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

# Fewer answers on either side say more about chance than about the provider.
ANSWERS_MIN: Final = 30
SIGNIFICANCE: Final = 0.05


class WeekOfAnswers(NamedTuple):
    """What was found of a provider's answers in the week that begins on a Monday."""

    provider: str
    week: date
    good: int
    bad: int


class WeekOfModel(NamedTuple):
    """The same of one of the provider's models."""

    provider: str
    model: str
    week: date
    good: int
    bad: int


def by_provider(weeks: Iterable[WeekOfModel]) -> list[WeekOfAnswers]:
    """Sum the models of each provider, week by week."""
    sums: dict[tuple[str, date], tuple[int, int]] = {}
    for each in weeks:
        good, bad = sums.get((each.provider, each.week), (0, 0))
        sums[each.provider, each.week] = (good + each.good, bad + each.bad)
    return [WeekOfAnswers(*key, *counts) for key, counts in sums.items()]


@dataclass(frozen=True, slots=True)
class Drift:
    """A provider's weeks, oldest first, and its last against those before.

    Attributes:
        change: of the share of good answers; None with one week only.
        p_value: two-sided, of two equal shares; None after too few answers.
        is_significant: by all providers together (Bonferroni).
    """

    provider: str
    weeks: tuple[WeekOfAnswers, ...]
    change: float | None
    p_value: float | None
    is_significant: bool


def drifts(weeks: Iterable[WeekOfAnswers]) -> list[Drift]:
    """Compare each provider's last week with its weeks before."""
    found: dict[str, list[WeekOfAnswers]] = {}
    for week in sorted(weeks):
        found.setdefault(week.provider, []).append(week)
    limit = SIGNIFICANCE / max(len(found), 1)
    return [_drift(provider, each, limit) for provider, each in found.items()]


def _drift(provider: str, weeks: list[WeekOfAnswers], limit: float) -> Drift:
    before, last = weeks[:-1], weeks[-1]
    good, bad = sum(week.good for week in before), sum(week.bad for week in before)
    if not good + bad or not last.good + last.bad:
        return Drift(provider, tuple(weeks), None, None, is_significant=False)
    change = last.good / (last.good + last.bad) - good / (good + bad)
    p_value = None
    if min(good + bad, last.good + last.bad) >= ANSWERS_MIN:
        p_value = equal_shares_p(good, bad, last.good, last.bad)
    return Drift(
        provider,
        tuple(weeks),
        round(change, 4),
        p_value,
        is_significant=p_value is not None and p_value < limit,
    )


def equal_shares_p(good: int, bad: int, last_good: int, last_bad: int) -> float:
    """Return the two-sided p-value that both shares are the same (pooled z-test)."""
    first, second = good + bad, last_good + last_bad
    pooled = (good + last_good) / (first + second)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / first + 1 / second))
    if spread == 0:
        return 1.0
    z = abs(good / first - last_good / second) / spread
    return round(math.erfc(z / math.sqrt(2)), 6)
