"""Pure: is a lane answering worse than it used to? A risk-adjusted CUSUM by day.

Each day adds the log likelihood ratio of "failures became more frequent" against "they
are as before" (Page 1954; risk-adjusted as Steiner et al. 2000), and the sum never
falls below 0. An alarm is raised at ``THRESHOLD``, and lasts until the sum, which
is held at the threshold meanwhile, is 0 again.

- Each kind of work has its own rate before, so that a lane is not blamed for harder
  work. A kind is judged once ``BASE_ANSWERS`` of it were seen on
  ``BASE_DAYS`` days.
- Answers of a day are not independent: a batch with a bad prompt fails together. The
  spread of the days before says by how much (Pearson's statistic over its degrees of
  freedom), and the evidence is divided by it.
- Days of an excursion join what is "as before" only when the sum has returned to 0. A
  lane that stays worse is as before again once the window has moved past the change.

``proofs/drift.py`` measures false alarms and delay.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Final

THRESHOLD: Final = 8.0
BASE_ANSWERS: Final = 200.0
BASE_DAYS: Final = 7
WINDOW_DAYS: Final = 60
# What is looked for: failures twice as frequent, and three in a hundred more at least.
_RATIO: Final = 2.0
_STEP: Final = 0.03
_RATE_MAX: Final = 0.95
# Rates before start from one failure in fifty, believed as fifty answers.
_PRIOR_BAD: Final = 1.0
_PRIOR_ANSWERS: Final = 50.0
# Standard errors that a rate before is taken above its estimate.
_DOUBT: Final = 1.5
# The spread starts from 2, believed as four days.
_SPREAD: Final = 2.0
_SPREAD_DAYS: Final = 4.0


@dataclass(frozen=True, slots=True)
class DayOfWork:
    """Answers of one day to one kind of work."""

    day: date
    workload_key: str
    good: float
    bad: float


@dataclass(frozen=True, slots=True)
class Found:
    """A drift that is on.

    Attributes:
        since: the first day of the excursion.
        alarmed_on: the day that the sum reached the threshold.
        failing_before: rate that the same mix of work had before.
        failing_now: rate since.
        answers: judged since.
    """

    since: date
    alarmed_on: date
    failing_before: float
    failing_now: float
    answers: float


@dataclass(slots=True)
class _Excursion:
    since: date
    alarmed_on: date | None = None
    expected: float = 0.0
    bad: float = 0.0
    answers: float = 0.0
    days: list[list[DayOfWork]] = field(default_factory=list)


class _Base:
    """What was as before: rates by kind of work, and how far days spread about them."""

    def __init__(self) -> None:
        self._bad: dict[str, float] = defaultdict(float)
        self._answers: dict[str, float] = defaultdict(float)
        self._seen: dict[str, int] = defaultdict(int)
        self._chi_square = 0.0
        self._days = 0

    def is_known(self, work: DayOfWork) -> bool:
        key = work.workload_key
        return self._answers[key] >= BASE_ANSWERS and self._seen[key] >= BASE_DAYS

    def rate(self, work: DayOfWork) -> float:
        key = work.workload_key
        return (self._bad[key] + _PRIOR_BAD) / (self._answers[key] + _PRIOR_ANSWERS)

    def rate_at_most(self, work: DayOfWork) -> float:
        """Return what the rate may well be, so soon after its first answers."""
        rate = self.rate(work)
        answers = self._answers[work.workload_key] + _PRIOR_ANSWERS
        error = math.sqrt(rate * (1.0 - rate) * self.spread / answers)
        return min(rate + _DOUBT * error, _RATE_MAX)

    @property
    def spread(self) -> float:
        all_of_it = self._chi_square + _SPREAD * _SPREAD_DAYS
        return max(all_of_it / (self._days + _SPREAD_DAYS), 1.0)

    def add(self, works: Iterable[DayOfWork]) -> None:
        for work in works:
            answers = work.good + work.bad
            key = work.workload_key
            if self._answers[key]:
                rate = self.rate(work)
                missed = work.bad - answers * rate
                self._chi_square += missed**2 / (answers * rate * (1.0 - rate))
                self._days += 1
            self._bad[key] += work.bad
            self._answers[key] += answers
            self._seen[key] += 1


def detect(works: Sequence[DayOfWork]) -> Found | None:
    """Return the drift that is on after the last day, if one is.

    Args:
        works: of the last ``WINDOW_DAYS`` days, in any order; each has answers.
    """
    base, total = _Base(), 0.0
    excursion: _Excursion | None = None
    ordered = sorted(works, key=lambda work: (work.day, work.workload_key))
    for day, group in groupby(ordered, key=lambda work: work.day):
        today = list(group)
        total = min(total + _evidence(today, base), THRESHOLD)
        if total <= 0.0:
            total = 0.0
            for passed in excursion.days if excursion else ():
                base.add(passed)
            base.add(today)
            excursion = None
            continue
        excursion = excursion or _Excursion(day)
        _count(excursion, today, base)
        if total >= THRESHOLD and excursion.alarmed_on is None:
            excursion.alarmed_on = day
    if excursion is None or excursion.alarmed_on is None:
        return None
    return Found(
        excursion.since,
        excursion.alarmed_on,
        excursion.expected / excursion.answers,
        excursion.bad / excursion.answers,
        excursion.answers,
    )


def _evidence(today: Iterable[DayOfWork], base: _Base) -> float:
    found = 0.0
    for work in today:
        if base.is_known(work):
            before = base.rate_at_most(work)
            after = min(max(_RATIO * before, before + _STEP), _RATE_MAX)
            if after > before:
                found += work.bad * math.log(after / before)
                found += work.good * math.log((1.0 - after) / (1.0 - before))
    return found / base.spread


def _count(excursion: _Excursion, today: list[DayOfWork], base: _Base) -> None:
    excursion.days.append(today)
    for work in today:
        if base.is_known(work):
            answers = work.good + work.bad
            excursion.expected += answers * base.rate(work)
            excursion.bad += work.bad
            excursion.answers += answers
