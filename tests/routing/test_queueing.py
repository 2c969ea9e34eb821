"""Whether one more job fits into what a provider lets wait."""

import pytest

from routing.queueing import QueueLimits, QueueLoad, exceeded, rounds

LIMITS = QueueLimits(tokens_max=1000, requests_max=10, jobs_max=3)
WAITING = QueueLoad(tokens=600, requests=6, jobs=1)


@pytest.mark.parametrize(
    ("job", "jobs", "measure"),
    [
        (QueueLoad(400, 4, 1), 1, None),
        (QueueLoad(401, 4, 1), 1, "tokens"),
        (QueueLoad(400, 5, 1), 1, "requests"),
        (QueueLoad(1, 1, 1), 3, "jobs"),
    ],
)
def test_a_job_that_would_break_a_limit_names_it(
    job: QueueLoad, jobs: int, measure: str | None
) -> None:
    assert exceeded(LIMITS, WAITING, job, jobs=jobs) == measure


def test_any_job_may_try_where_nothing_waits() -> None:
    assert exceeded(LIMITS, QueueLoad(), QueueLoad(5000, 50, 1), jobs=0) is None


def test_a_model_without_jobs_still_counts_the_provider_s() -> None:
    assert exceeded(LIMITS, QueueLoad(), QueueLoad(1, 1, 1), jobs=3) == "jobs"


def test_no_limit_is_never_broken() -> None:
    assert (
        exceeded(QueueLimits(), WAITING, QueueLoad(10**12, 10**9, 1), jobs=99) is None
    )


def test_a_limit_of_ours_comes_before_the_other_s() -> None:
    assert QueueLimits(tokens_max=5).over(LIMITS) == QueueLimits(5, 10, 3)


@pytest.mark.parametrize(
    ("tokens_max", "waiting", "more", "expected"),
    [
        (None, 10**9, 10**9, 1),
        (1000, 0, 0, 1),
        (1000, 0, 1000, 1),
        (1000, 0, 1001, 2),
        (1000, 1500, 1000, 3),
    ],
)
def test_tokens_beyond_the_queue_take_further_rounds(
    tokens_max: int | None, waiting: int, more: int, expected: int
) -> None:
    assert rounds(tokens_max, waiting, more) == expected
