"""Counts by steps give percentiles that are at most a fifth too long."""

import pytest

from catalog.latencies import STEPS_MS, percentile_ms, step_of


def test_steps_double_every_four() -> None:
    assert (len(STEPS_MS), STEPS_MS[0], STEPS_MS[-1]) == (57, 10, 163_840)
    assert STEPS_MS[4:13:4] == (20, 40, 80)


@pytest.mark.parametrize(
    ("elapsed_ms", "step"),
    [(0, 0), (10, 0), (11, 1), (20, 4), (21, 5), (163_840, 56), (999_999, 56)],
)
def test_a_call_belongs_to_the_first_step_that_holds_it(
    elapsed_ms: int, step: int
) -> None:
    assert step_of(elapsed_ms) == step


def test_percentiles_are_the_upper_ends_of_their_steps() -> None:
    calls = {0: 50, 4: 45, 12: 5}

    assert [percentile_ms(calls, percent) for percent in (50, 51, 95, 96, 100)] == [
        10,
        20,
        20,
        80,
        80,
    ]


def test_no_calls_have_no_percentile() -> None:
    assert percentile_ms({}, 50) is None
