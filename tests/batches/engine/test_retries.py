"""Whether a failed try is made again on the same lane, and when."""

import random

import pytest

from batches.engine.retries import MISSES_MAX, miss_class, retry_delay_seconds
from routing.failures import RULES, Failure, FailureKind


def delay(kind: FailureKind, misses: int, after: float | None = None) -> float | None:
    failure = Failure(kind, retry_after_seconds=after)
    return retry_delay_seconds(failure, misses=misses, chance=random.Random(7))


@pytest.mark.parametrize(
    ("kind", "tries"),
    [
        (FailureKind.OVERLOADED, 4),
        (FailureKind.UNREACHABLE, 4),
        (FailureKind.MISSING, 4),
        (FailureKind.NO_ANSWER, 2),
        (FailureKind.TIMED_OUT, 2),
        (FailureKind.MALFORMED, 2),
        (FailureKind.VERIFICATION, 2),
        (FailureKind.RATE_LIMITED, 12),
        (FailureKind.QUOTA, 1),
        (FailureKind.CREDENTIAL, 1),
        (FailureKind.MODEL_MISSING, 1),
        (FailureKind.WRONG_MODEL, 1),
        (FailureKind.INVALID, 1),
        (FailureKind.JOB_EXPIRED, 1),
    ],
)
def test_tries_of_each_kind(kind: FailureKind, tries: int) -> None:
    asked = 1
    while delay(kind, asked) is not None:
        asked += 1
    assert asked == tries


def test_every_kind_has_a_rule_and_a_class() -> None:
    assert set(RULES) == set(FailureKind)
    assert {miss_class(Failure(kind)) for kind in FailureKind} == set(MISSES_MAX)


def test_no_call_that_may_be_billed_is_made_a_third_time() -> None:
    for kind, rule in RULES.items():
        if rule.maybe_billed:
            assert delay(kind, 2) is None


def test_retry_after_is_the_floor() -> None:
    assert delay(FailureKind.RATE_LIMITED, 1, after=30.0) == 30.0


def test_the_jitter_is_full_and_grows_to_twenty_seconds() -> None:
    chance = random.Random(1)
    failure = Failure(FailureKind.RATE_LIMITED)
    for misses, most in [(1, 1.0), (2, 2.0), (3, 4.0), (6, 20.0), (11, 20.0)]:
        delays = [
            retry_delay_seconds(failure, misses=misses, chance=chance) or 0.0
            for _ in range(400)
        ]
        assert min(delays) >= 0.1
        assert max(delays) <= most
        assert max(delays) > most * 0.9
        assert min(delays) < 0.1 + most * 0.1
