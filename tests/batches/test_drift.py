"""Whether a provider's answers got better or worse."""

from datetime import date, timedelta

import pytest

from batches.drift import WeekOfAnswers, drifts, equal_shares_p

MONDAY = date(2026, 10, 5)


def week(number: int, good: int, bad: int, provider: str = "openai") -> WeekOfAnswers:
    return WeekOfAnswers(provider, MONDAY + timedelta(weeks=number), good, bad)


def test_a_week_that_fell_is_significant() -> None:
    (found,) = drifts([week(1, 90, 10), week(0, 495, 5)])

    assert found.change == -0.09
    assert found.p_value == equal_shares_p(495, 5, 90, 10)
    assert found.is_significant
    assert [each.week for each in found.weeks] == [MONDAY, MONDAY + timedelta(weeks=1)]


def test_a_small_change_is_chance() -> None:
    (found,) = drifts([week(0, 95, 5), week(1, 94, 6)])

    assert (found.change, found.is_significant) == (-0.01, False)
    assert found.p_value == pytest.approx(0.756, abs=0.001)


def test_too_few_answers_have_no_p_value() -> None:
    (found,) = drifts([week(0, 495, 5), week(1, 10, 19)])

    assert found.p_value is None
    assert not found.is_significant


def test_one_week_has_nothing_to_be_compared_with() -> None:
    (found,) = drifts([week(0, 495, 5)])

    assert (found.change, found.p_value) == (None, None)


def test_many_providers_make_one_of_them_less_surprising() -> None:
    weeks = [week(0, 180, 20), week(1, 168, 32)]
    others = [
        week(number, 100, 0, provider=f"p{index}")
        for index in range(9)
        for number in range(2)
    ]

    alone = next(found for found in drifts(weeks) if found.provider == "openai")
    among = next(
        found for found in drifts([*weeks, *others]) if found.provider == "openai"
    )

    assert alone.p_value == among.p_value == pytest.approx(0.0742, abs=0.001)
    assert not among.is_significant


def test_all_good_is_no_drift() -> None:
    assert equal_shares_p(100, 0, 50, 0) == 1.0
