"""Drift is a change of a lane's own rate, seen soon and seldom cried for nothing."""

import random
from datetime import date, timedelta

import pytest

from proofs.drift import WORLDS, World, measure
from routing.drift import BASE_DAYS, DayOfWork, detect

START = date(2026, 10, 1)


def days(count: int, good: float, bad: float, *, after: int = 0) -> list[DayOfWork]:
    return [
        DayOfWork(START + timedelta(days=after + number), "model:responses", good, bad)
        for number in range(count)
    ]


def test_a_lane_that_stays_as_it_was_does_not_drift() -> None:
    assert detect(days(40, 98.0, 2.0)) is None
    assert detect(days(40, 70.0, 30.0)) is None


def test_a_lane_that_fails_more_often_drifts_from_that_day_on() -> None:
    found = detect(days(20, 196.0, 4.0) + days(3, 170.0, 30.0, after=20))

    assert found is not None
    assert (found.since, found.answers) == (START + timedelta(days=20), 600.0)
    assert found.failing_before == pytest.approx(0.02)
    assert found.failing_now == pytest.approx(0.15)


def test_it_ends_once_the_lane_is_as_before() -> None:
    works = days(20, 196.0, 4.0) + days(3, 170.0, 30.0, after=20)

    assert detect(works + days(4, 198.0, 2.0, after=23)) is None


def test_too_few_answers_or_days_before_say_nothing() -> None:
    assert detect(days(BASE_DAYS, 20.0, 0.0) + days(5, 10.0, 10.0, after=7)) is None
    assert detect(days(2, 500.0, 5.0) + days(5, 250.0, 250.0, after=2)) is None
    assert detect([]) is None


def test_more_of_the_hard_work_is_no_drift() -> None:
    def mix(day: int, easy: float, hard: float) -> list[DayOfWork]:
        at = START + timedelta(days=day)
        return [
            DayOfWork(at, "easy:responses", easy * 0.99, easy * 0.01),
            DayOfWork(at, "hard:responses", hard * 0.8, hard * 0.2),
        ]

    before = [work for day in range(20) for work in mix(day, 180.0, 40.0)]
    after = [work for day in range(20, 30) for work in mix(day, 20.0, 400.0)]

    assert detect(before + after) is None


def test_the_order_of_the_days_as_they_come_does_not_matter() -> None:
    works = days(20, 196.0, 4.0) + days(3, 170.0, 30.0, after=20)

    assert detect(works[::-1]) == detect(works)


@pytest.mark.parametrize("world", WORLDS[:3], ids=str)
def test_alarms_are_rare_without_a_change_and_soon_with_one(world: World) -> None:
    found = measure(world, random.Random(7), lanes=6)

    assert found.alarm_share <= 0.05
    assert len(found.delays) >= 5
    assert sorted(found.delays)[2] <= 12
