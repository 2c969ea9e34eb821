"""Do two samples come from one source? Small statistics, by the standard library."""

import math
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

_RESAMPLES = 2000


@dataclass(frozen=True)
class Comparison:
    """What two samples say about each other, in the unit of the samples.

    Attributes:
        difference: of the medians, first minus second.
        low: lower end of the difference's 95 % bootstrap interval.
        high: its upper end.
        p: two-sided Mann-Whitney, normal approximation with ties.
    """

    first_median: float
    second_median: float
    difference: float
    low: float
    high: float
    p: float

    def is_different(self, *, margin: float, p_below: float) -> bool:
        """Tell whether the whole interval lies beyond the margin, and p is small."""
        beyond = self.low > margin or self.high < -margin
        return beyond and self.p < p_below


def compare(
    first: Sequence[float], second: Sequence[float], *, chance: random.Random
) -> Comparison:
    """Compare two samples of at least two values each."""
    low, high = _median_difference_interval(first, second, chance)
    middle_first, middle_second = statistics.median(first), statistics.median(second)
    return Comparison(
        first_median=middle_first,
        second_median=middle_second,
        difference=middle_first - middle_second,
        low=low,
        high=high,
        p=mann_whitney_p(first, second),
    )


def _median_difference_interval(
    first: Sequence[float], second: Sequence[float], chance: random.Random
) -> tuple[float, float]:
    differences = sorted(
        statistics.median(chance.choices(first, k=len(first)))
        - statistics.median(chance.choices(second, k=len(second)))
        for _ in range(_RESAMPLES)
    )
    return differences[int(_RESAMPLES * 0.025)], differences[int(_RESAMPLES * 0.975)]


def mann_whitney_p(first: Sequence[float], second: Sequence[float]) -> float:
    """Return how likely ranks this uneven are, were there no difference (0 to 1)."""
    n_first, n_second = len(first), len(second)
    n = n_first + n_second
    ranks, tie_sum = _ranks([*first, *second])
    u = sum(ranks[:n_first]) - n_first * (n_first + 1) / 2
    mean = n_first * n_second / 2
    variance = n_first * n_second / 12 * (n + 1 - tie_sum / (n * (n - 1)))
    if variance <= 0:
        return 1.0
    # The half is for u being a whole number where the normal curve is smooth.
    z = max(0.0, abs(u - mean) - 0.5) / math.sqrt(variance)
    return math.erfc(z / math.sqrt(2))


def _ranks(values: Sequence[float]) -> tuple[list[float], float]:
    """Return each value's rank, equals sharing theirs, and the sum of t³ - t."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    tie_sum, start = 0.0, 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for place in order[start:end]:
            ranks[place] = (start + 1 + end) / 2
        tie_sum += (end - start) ** 3 - (end - start)
        start = end
    return ranks, tie_sum
