import pytest

from routing.trust import beta_quantile, beta_share_below, observed_confidence


@pytest.mark.parametrize(
    ("alpha", "beta", "x", "share"),
    [
        # Closed forms: uniform, x**a, 1 - (1 - x)**b, and 3x**2 - 2x**3.
        (1, 1, 0.3, 0.3),
        (5, 1, 0.8, 0.8**5),
        (1, 4, 0.2, 1 - 0.8**4),
        (2, 2, 0.25, 3 * 0.25**2 - 2 * 0.25**3),
        (2, 2, 0.0, 0.0),
        (2, 2, 1.0, 1.0),
    ],
)
def test_the_incomplete_beta_function(
    alpha: float, beta: float, x: float, share: float
) -> None:
    assert beta_share_below(alpha, beta, x) == pytest.approx(share, abs=1e-9)


@pytest.mark.parametrize(
    ("alpha", "beta", "quantile"),
    [(1, 1, 0.05), (6, 1, 0.05 ** (1 / 6)), (1, 9, 1 - 0.95 ** (1 / 9))],
)
def test_the_lower_five_percent(alpha: float, beta: float, quantile: float) -> None:
    assert beta_quantile(alpha, beta, 0.05) == pytest.approx(quantile, abs=1e-7)


@pytest.mark.parametrize(("alpha", "beta"), [(0.01, 2e3), (2e3, 0.01), (1e3, 1e3)])
def test_extreme_counts_stay_within_bounds(alpha: float, beta: float) -> None:
    assert 0.0 <= beta_quantile(alpha, beta, 0.05) <= 1.0


def confidence(successes: float, failures: float) -> float | None:
    return observed_confidence(
        successes=successes,
        failures=failures,
        prior=0.985,
        prior_outcomes=20.0,
        outcomes_min=5.0,
    )


def test_fewer_than_five_outcomes_are_not_believed() -> None:
    assert confidence(4.9, 0) is None
    assert confidence(5, 0) is not None


def test_a_few_successes_do_not_rank_far_below_the_prior() -> None:
    found = confidence(5, 0)

    assert found is not None
    assert 0.9 < found < 0.985


def test_many_successes_raise_it_above_the_prior() -> None:
    found = confidence(1000, 0)

    assert found is not None
    assert found > 0.985


def test_failures_lower_it_and_more_evidence_lowers_it_more() -> None:
    few, many = confidence(8, 2), confidence(800, 200)

    assert few is not None
    assert many is not None
    assert few > many
    assert 0.77 < many < 0.80


def test_outcomes_beyond_two_thousand_count_in_proportion_only() -> None:
    assert confidence(1_800, 200) == confidence(1_800_000, 200_000)


def test_without_any_outcome_a_minimum_of_zero_gives_the_priors_bound() -> None:
    found = observed_confidence(
        successes=0, failures=0, prior=0.5, prior_outcomes=2, outcomes_min=0
    )
    assert found == pytest.approx(0.05)
