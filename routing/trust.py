"""How far a lane can be trusted, from what was expected and what was seen."""

import math
from functools import lru_cache
from typing import Final

# The observed score is the figure that the true share of successes exceeds with 95 %.
LOWER_QUANTILE: Final = 0.05
# Outcomes beyond this are scaled down: they would hardly move the bound, they would
# make a lane's past hard to outlive, and the fraction below converges slowly for them.
EVIDENCE_MAX: Final = 2_000.0
_BISECTIONS: Final = 26
_TERMS_MAX: Final = 300
_TINY: Final = 1e-300
_CLOSE: Final = 1e-10


def observed_confidence(
    *,
    successes: float,
    failures: float,
    prior: float,
    prior_outcomes: float,
    outcomes_min: float,
) -> float | None:
    """Return the 5 % lower bound of the Beta posterior, or None after too few outcomes.

    The prior counts as ``prior_outcomes`` outcomes: without it a lane that succeeded
    five times of five would rank far below a lane that was never tried.

    Args:
        successes: decayed count.
        failures: decayed count.
        prior: the expected share of successes, 0 to 1.
        prior_outcomes: its worth in outcomes.
        outcomes_min: fewer outcomes give None.
    """
    outcomes = successes + failures
    if outcomes < outcomes_min:
        return None
    scale = EVIDENCE_MAX / max(outcomes, EVIDENCE_MAX)
    expected = min(max(prior, 0.0), 1.0) * prior_outcomes
    alpha = scale * successes + max(expected, 0.01)
    beta = scale * failures + max(prior_outcomes - expected, 0.01)
    return round(beta_quantile(alpha, beta, LOWER_QUANTILE), 6)


# A quote asks for the same lanes once per group of items.
@lru_cache(maxsize=4096)
def beta_quantile(alpha: float, beta: float, share: float) -> float:
    """Return x such that a Beta(alpha, beta) variable is below x with that share."""
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if beta_share_below(alpha, beta, middle) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def beta_share_below(alpha: float, beta: float, x: float) -> float:
    """Return the regularized incomplete beta function I_x(alpha, beta)."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    log_front = (
        math.lgamma(alpha + beta)
        - math.lgamma(alpha)
        - math.lgamma(beta)
        + alpha * math.log(x)
        + beta * math.log1p(-x)
    )
    front = math.exp(log_front)
    if x < (alpha + 1.0) / (alpha + beta + 2.0):
        return front * _continued_fraction(alpha, beta, x) / alpha
    return 1.0 - front * _continued_fraction(beta, alpha, 1.0 - x) / beta


def _continued_fraction(alpha: float, beta: float, x: float) -> float:
    """Evaluate the fraction of I_x by Lentz's method (DLMF 8.17.22)."""
    c = 1.0
    d = _away_from_zero(1.0 - (alpha + beta) * x / (alpha + 1.0))
    d = 1.0 / d
    result = d
    for m in range(1, _TERMS_MAX):
        even = m * (beta - m) * x / ((alpha + 2 * m - 1.0) * (alpha + 2 * m))
        odd = (
            -(alpha + m)
            * (alpha + beta + m)
            * x
            / ((alpha + 2 * m) * (alpha + 2 * m + 1.0))
        )
        step = 1.0
        for term in (even, odd):
            d = 1.0 / _away_from_zero(1.0 + term * d)
            c = _away_from_zero(1.0 + term / c)
            step = d * c
            result *= step
        if abs(step - 1.0) < _CLOSE:
            break
    return result


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
