"""How often drift detection cries wolf, and how long it takes to see a wolf.

``python -m proofs.drift`` simulates lanes day by day from a seed and prints the figures
of docs/proofs.md; it fails where they miss the bounds that are stated here.
"""

import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from routing.drift import WINDOW_DAYS, DayOfWork, detect

SEED = 20261129
LANES = 40
DAYS_QUIET = 120
_START = date(2026, 1, 1)
# Of lane-days without a change, on which an alarm is on.
FALSE_MAX = 0.005
# Days from a change of the kind that is looked for to its alarm, at the median: within
# a week, even of a lane that answers fifty times a day.
DELAY_MEDIAN_MAX = 7


@dataclass(frozen=True)
class World:
    """How a lane's days come about.

    Attributes:
        answers: a day.
        rates: of failures, by kind of work; the mix changes from day to day.
        clump: answers that fail or pass together; 1 is independent.
    """

    name: str
    answers: int
    rates: tuple[float, ...]
    clump: int


WORLDS = (
    World("50 a day, independent", 50, (0.02,), 1),
    World("500 a day, independent", 500, (0.02,), 1),
    World("500 a day, clumps of 10", 500, (0.02,), 10),
    World("5,000 a day, clumps of 50", 5_000, (0.02,), 50),
    World("500 a day, easy and hard work in a changing mix", 500, (0.01, 0.15), 5),
)


@dataclass(frozen=True)
class Figures:
    """What came of one world."""

    alarm_share: float
    lanes_alarmed: int
    delays: list[int]
    missed: int


def main() -> int:
    """Print the figures; return 1 where a bound is missed."""
    is_good = True
    for world in WORLDS:
        found = measure(world, random.Random(SEED), lanes=LANES)  # no secret
        delays = sorted(found.delays)
        median = delays[len(delays) // 2] if delays else DAYS_QUIET
        print(
            f"{world.name}: {100 * found.alarm_share:.3f} % of quiet lane-days alarmed "
            f"({found.lanes_alarmed} of {LANES} lanes in {DAYS_QUIET} days); a change "
            f"seen after {median} days at the median, "
            f"{delays[len(delays) * 9 // 10] if delays else '-'} at the 90th "
            f"percentile, {found.missed} missed within {WINDOW_DAYS // 2} days"
        )
        is_good &= found.alarm_share <= FALSE_MAX and median <= DELAY_MEDIAN_MAX
    return 0 if is_good else 1


def measure(world: World, chance: random.Random, *, lanes: int) -> Figures:
    """Run lanes that stay as they are, and the same lanes with a change."""
    alarmed_days = alarmed_lanes = missed = 0
    delays = []
    for _ in range(lanes):
        days = list(_days(world, chance, DAYS_QUIET, 1.0))
        alarms = [
            detect(_window(days, end)) is not None for end in range(20, DAYS_QUIET)
        ]
        alarmed_days += sum(alarms)
        alarmed_lanes += any(alarms)
        delay = _delay(world, days, chance)
        if delay is None:
            missed += 1
        else:
            delays.append(delay)
    return Figures(
        alarmed_days / (lanes * (DAYS_QUIET - 20)), alarmed_lanes, delays, missed
    )


def _delay(
    world: World, quiet: list[list[DayOfWork]], chance: random.Random
) -> int | None:
    """Return the days from a fourfold rate to its alarm; None where it is missed."""
    before = quiet[-30:]
    after = list(_days(world, chance, WINDOW_DAYS // 2, 4.0, first=before[-1][0].day))
    for count in range(1, len(after) + 1):
        if detect([work for day in before + after[:count] for work in day]):
            return count
    return None


def _window(days: list[list[DayOfWork]], end: int) -> list[DayOfWork]:
    return [work for day in days[max(end - WINDOW_DAYS, 0) : end + 1] for work in day]


def _days(
    world: World,
    chance: random.Random,
    count: int,
    worse: float,
    *,
    first: date = _START,
) -> Iterator[list[DayOfWork]]:
    for number in range(1, count + 1):
        day = first + timedelta(days=number)
        shares = [chance.random() for _ in world.rates]
        yield [
            _day(world, chance, day, f"work-{place}", share / sum(shares), rate * worse)
            for place, (rate, share) in enumerate(zip(world.rates, shares, strict=True))
        ]


def _day(
    world: World,
    chance: random.Random,
    day: date,
    workload_key: str,
    share: float,
    rate: float,
) -> DayOfWork:
    clumps = max(round(world.answers * share / world.clump), 1)
    rate = min(rate, 0.9)
    bad = sum(chance.random() < rate for _ in range(clumps)) * world.clump
    return DayOfWork(day, workload_key, clumps * world.clump - bad, bad)


if __name__ == "__main__":
    sys.exit(main())
