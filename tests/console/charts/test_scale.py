"""From values to places."""

import pytest

from console.charts import scale


@pytest.mark.parametrize(
    ("highest", "top", "step"),
    [
        (0, 1, 1),
        (1, 1, 1),
        (3, 3, 1),
        (4, 4, 1),
        (7, 8, 2),
        (70, 80, 20),
        (144, 150, 50),
        (1_000_000_001, 1_500_000_000, 500_000_000),
    ],
)
def test_the_axis_ends_at_a_round_number(highest: int, top: int, step: int) -> None:
    assert scale.nice_top(highest) == (top, step)


def test_places_are_told_to_a_tenth_of_a_percent() -> None:
    assert scale.percent(1, 3) == "33.3%"
    assert scale.percent(1, 1) == "100.0%"
    assert scale.percent(5, 0) == "0.0%"


def test_a_single_point_stands_in_the_middle() -> None:
    assert scale.spot(0, 1) == 500
    assert [scale.spot(index, 3) for index in range(3)] == [0, 500, 1000]


def test_of_many_labels_the_first_and_the_last_are_written() -> None:
    assert scale.shown_labels(4) == [0, 1, 2, 3]
    assert scale.shown_labels(31) == [0, 7, 15, 22, 30]
