"""Verdicts become a share with Wilson's interval, and a tested trend."""

from datetime import date, timedelta

import pytest

from batches.quality import DayCounts
from batches.quality_signal import Interval, Trend, signal_of, wilson

TODAY = date(2026, 11, 29)


def day(ago: int, accepted: int, rejected: int, corrected: int = 0) -> DayCounts:
    return DayCounts(TODAY - timedelta(days=ago), accepted, corrected, rejected)


@pytest.mark.parametrize(
    ("good", "count", "low", "high"),
    [
        # Newcombe 1998, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_wilsons(
    good: int, count: int, low: float, high: float
) -> None:
    assert wilson(good, count) == Interval(low, high)


def test_a_corrected_answer_counts_half() -> None:
    found = signal_of([day(0, 1, 0, corrected=2)], today=TODAY)

    assert (found.score, found.sample_size) == (0.6667, 3)


def test_without_verdicts_there_is_nothing_to_say() -> None:
    found = signal_of([], today=TODAY)

    assert (found.score, found.sample_size, found.interval) == (None, 0, None)
    assert found.trend == Trend("unknown", None, None)


def test_a_clear_fall_is_told_from_chance() -> None:
    fall = signal_of([day(20, 95, 5), day(1, 60, 40)], today=TODAY).trend
    chance = signal_of([day(20, 95, 5), day(1, 93, 7)], today=TODAY).trend

    assert (fall.direction, fall.change) == ("falling", -0.35)
    assert (chance.direction, chance.change) == ("steady", -0.02)


def test_a_rise_counts_from_the_fourteenth_day_back() -> None:
    rise = signal_of([day(14, 60, 40), day(13, 95, 5)], today=TODAY).trend

    assert (rise.direction, rise.change) == ("rising", 0.35)


def test_where_all_is_well_on_both_sides_nothing_changed() -> None:
    found = signal_of([day(20, 9, 0), day(1, 9, 0)], today=TODAY).trend

    assert found == Trend("steady", 0.0, 1.0)
