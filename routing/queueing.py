"""Pure: whether one more job fits into what a provider lets wait.

A provider counts the jobs of an account that have not ended: their input tokens and
their requests by model, their number over all models. A job beyond that is refused, or
taken and failed at its check; so it waits here instead.
"""

from dataclasses import dataclass
from typing import Final, Literal

Measure = Literal["tokens", "requests", "jobs"]


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """What may wait at a provider; None is no limit that we know of.

    Attributes:
        tokens_max: of input, by model.
        requests_max: by model.
        jobs_max: over all models.
    """

    tokens_max: int | None = None
    requests_max: int | None = None
    jobs_max: int | None = None

    def over(self, others: "QueueLimits") -> "QueueLimits":
        """Return these limits, and the others' where these name none."""
        return QueueLimits(
            _first(self.tokens_max, others.tokens_max),
            _first(self.requests_max, others.requests_max),
            _first(self.jobs_max, others.jobs_max),
        )


@dataclass(frozen=True, slots=True)
class QueueLoad:
    """What waits at a provider, or what a job adds to it."""

    tokens: int = 0
    requests: int = 0
    jobs: int = 0


NOTHING: Final = QueueLoad()
NO_LIMITS: Final = QueueLimits()


def exceeded(
    limits: QueueLimits, load: QueueLoad, job: QueueLoad, *, jobs: int
) -> Measure | None:
    """Return the first limit that one more job would break, or None.

    Where nothing waits any job may try: one that is alone too large would otherwise
    wait for good, and whether it is the provider knows better.

    Args:
        limits: that hold.
        load: of the job's model.
        job: the one to come.
        jobs: over all models.
    """
    if jobs and limits.jobs_max is not None and jobs + job.jobs > limits.jobs_max:
        return "jobs"
    if not load.jobs:
        return None
    if _breaks(limits.tokens_max, load.tokens + job.tokens):
        return "tokens"
    return (
        "requests"
        if _breaks(limits.requests_max, load.requests + job.requests)
        else None
    )


def rounds(tokens_max: int | None, waiting: int, more: int) -> int:
    """Return how many jobs' times pass until this many more tokens are done.

    Args:
        tokens_max: what may wait at once; None is no limit.
        waiting: tokens that wait already.
        more: to come.
    """
    if not tokens_max:
        return 1
    return max(-(-(waiting + more) // tokens_max), 1)


def _breaks(most: int | None, load: int) -> bool:
    return most is not None and load > most


def _first(ours: int | None, theirs: int | None) -> int | None:
    return theirs if ours is None else ours
