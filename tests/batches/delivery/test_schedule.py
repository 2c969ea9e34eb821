"""When a delivery is tried again, and when an endpoint is left in peace."""

from random import Random

import pytest

from batches.delivery.schedule import endpoint_pause, next_pause

DAY = 24 * 3600.0
LONG = 10 * DAY


class Edge(Random):
    """Chance that always falls on one end."""

    def __init__(self, *, is_high: bool) -> None:
        super().__init__()
        self._is_high = is_high

    def uniform(self, a: float, b: float) -> float:
        return b if self._is_high else a


def pauses(chance: Random) -> list[float]:
    found = [
        next_pause(tries, retry_after_seconds=None, left_seconds=LONG, chance=chance)
        for tries in range(1, 8)
    ]
    return [pause for pause in found if pause is not None]


def test_seven_pauses_lie_between_eight_tries() -> None:
    assert len(pauses(Random(1))) == 7
    last = next_pause(8, retry_after_seconds=None, left_seconds=LONG, chance=Random(1))
    assert last is None


@pytest.mark.parametrize(("is_high", "total"), [(True, 86_259.6), (False, 73_480.4)])
def test_the_tries_are_spread_over_a_day(*, is_high: bool, total: float) -> None:
    assert sum(pauses(Edge(is_high=is_high))) == pytest.approx(total)
    assert total < DAY


def test_pauses_grow() -> None:
    found = pauses(Random(2))

    assert found == sorted(found)


def test_jitter_spreads_what_failed_together() -> None:
    chance = Random(3)

    assert len({pauses(chance)[3] for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("asked", "pause"), [(5.0, 10.0), (120.0, 120.0), (10 * DAY, 21_600.0)]
)
def test_what_the_endpoint_asks_for_is_honoured_within_bounds(
    asked: float, pause: float
) -> None:
    chance = Random(4)
    found = next_pause(1, retry_after_seconds=asked, left_seconds=LONG, chance=chance)

    assert found == pytest.approx(pause, rel=0.08)


def test_a_try_that_would_come_too_late_is_not_made() -> None:
    found = next_pause(7, retry_after_seconds=None, left_seconds=60, chance=Random(5))
    assert found is None


@pytest.mark.parametrize(
    ("failures", "pause"),
    [(1, 0), (4, 0), (5, 15), (6, 30), (7, 60), (9, 240), (10, 300), (500, 300)],
)
def test_an_endpoint_rests_longer_the_longer_it_fails(
    failures: int, pause: float
) -> None:
    found = endpoint_pause(failures, retry_after_seconds=None, chance=Random(6))

    assert found == pytest.approx(pause, rel=0.08)


def test_a_retry_after_holds_the_endpoint_for_five_minutes_at_most() -> None:
    assert endpoint_pause(1, retry_after_seconds=1e9, chance=Random(7)) == 300
