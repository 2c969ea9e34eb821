from datetime import datetime, timedelta

import pytest

from routing.breaker import Vitals, after_report, opened, unknown
from tests.routing.values import NOON


def report(
    vitals: Vitals, successes: int, failures: int, *, at: datetime = NOON
) -> Vitals:
    return after_report(
        vitals, successes=successes, failures=failures, latency_ms_sum=0, now=at
    )


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def broken() -> Vitals:
    return report(unknown(NOON), 0, 20)


def test_it_opens_when_half_of_twenty_calls_fail() -> None:
    vitals = report(unknown(NOON), 10, 10)

    assert vitals.state(NOON) == "open"
    assert vitals.open_until == later(30)


@pytest.mark.parametrize(("successes", "failures"), [(0, 19), (11, 9), (200, 100)])
def test_it_stays_closed_below_that(successes: int, failures: int) -> None:
    assert report(unknown(NOON), successes, failures).state(NOON) == "closed"


def test_counts_halve_every_five_minutes() -> None:
    vitals = report(unknown(NOON), 0, 16)
    vitals = report(vitals, 1, 1, at=later(300))

    assert (vitals.failures, vitals.successes) == (9.0, 1.0)
    assert vitals.state(later(300)) == "closed"


def test_it_is_on_probation_after_its_rest() -> None:
    assert broken().state(later(29.9)) == "open"
    assert broken().state(later(30)) == "half_open"


def test_a_good_report_on_probation_closes_it_and_clears_the_counts() -> None:
    vitals = report(broken(), 3, 1, at=later(31))

    assert vitals.state(later(31)) == "closed"
    assert (vitals.successes, vitals.failures, vitals.trips) == (3.0, 1.0, 0)


def test_a_bad_report_on_probation_opens_it_for_twice_as_long() -> None:
    vitals = report(broken(), 1, 1, at=later(31))

    assert vitals.open_until == later(31 + 60)


def test_the_rest_grows_to_a_quarter_of_an_hour() -> None:
    vitals, at = broken(), NOON
    rests = []
    for _ in range(40):
        assert vitals.open_until is not None
        rests.append((vitals.open_until - at).total_seconds())
        at = vitals.open_until
        vitals = report(vitals, 0, 1, at=at)

    assert rests[:6] == [30, 60, 120, 240, 480, 900]
    assert rests[-1] == 900


def test_a_late_report_of_older_calls_leaves_an_open_breaker_open() -> None:
    vitals = report(broken(), 50, 0, at=later(1))

    assert vitals.state(later(1)) == "open"
    assert vitals.open_until == later(30)


def test_an_operator_or_a_credential_failure_opens_it_at_once() -> None:
    vitals = opened(unknown(NOON), reason="credential", now=NOON, until=later(3600))

    assert (vitals.open_until, vitals.reason) == (later(3600), "credential")


def test_a_shorter_rest_never_replaces_a_longer_one() -> None:
    vitals = opened(unknown(NOON), reason="a", now=NOON, until=later(3600))
    vitals = opened(vitals, reason="b", now=NOON)

    assert vitals.open_until == later(3600)


def test_latency_is_the_mean_of_the_calls_that_were_measured() -> None:
    vitals = after_report(
        unknown(NOON), successes=10, failures=0, latency_ms_sum=1000, now=NOON
    )
    vitals = report(vitals, 10, 0)
    vitals = after_report(
        vitals, successes=20, failures=0, latency_ms_sum=6000, now=NOON
    )
    assert vitals.latency_ms == 200.0


def test_an_empty_report_changes_nothing() -> None:
    assert report(broken(), 0, 0, at=later(99)) == broken()
