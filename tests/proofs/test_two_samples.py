import random

import pytest

from proofs.two_samples import compare, mann_whitney_p


def test_the_p_value_is_that_of_a_worked_example() -> None:
    # Ranks 1..5 and 6..10: U = 0, mean 12.5, variance 275 / 12, z = 12 / 4.787.
    assert mann_whitney_p([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]) == pytest.approx(
        0.01219, abs=1e-5
    )


def test_ties_share_their_rank() -> None:
    # Ranks 1, 3, 3 and 3, 5.5, 5.5: U = 1, mean 4.5, variance 4.5 after two ties.
    assert mann_whitney_p([1, 2, 2], [2, 3, 3]) == pytest.approx(0.15730, abs=1e-5)


def test_two_samples_of_one_value_do_not_differ() -> None:
    assert mann_whitney_p([4, 4, 4], [4, 4]) == 1.0


def test_samples_of_one_source_are_alike() -> None:
    chance = random.Random(2)
    first = [chance.gauss(50, 3) for _ in range(500)]
    second = [chance.gauss(50, 3) for _ in range(500)]
    found = compare(first, second, chance=chance)
    assert found.low < 0 < found.high
    assert not found.is_different(margin=0.25, p_below=0.01)


@pytest.mark.parametrize("shift", [2, -2])
def test_samples_that_lie_apart_differ_either_way(shift: int) -> None:
    chance = random.Random(2)
    first = [chance.gauss(50 + shift, 3) for _ in range(500)]
    second = [chance.gauss(50, 3) for _ in range(500)]
    found = compare(first, second, chance=chance)
    assert found.difference == pytest.approx(shift, abs=0.8)
    assert found.is_different(margin=0.25, p_below=0.01)


def test_a_certain_but_tiny_difference_is_none_in_practice() -> None:
    first = [50.1 + number / 10_000 for number in range(500)]
    second = [50.0 + number / 10_000 for number in range(500)]
    found = compare(first, second, chance=random.Random(1))
    assert found.p < 0.01
    assert not found.is_different(margin=0.25, p_below=0.01)
