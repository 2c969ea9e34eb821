"""Pure: whether a failed attempt is made again on the same lane, and when."""

import random
from typing import Literal

from routing.failures import Failure, FailureKind

MissClass = Literal["limited", "unknown", "unfit", "failed"]

# Misses of one class that an item has on one lane, the last of which ends its tries.
# A 429 is not a failure of the item: it is the lane's pace. An answer that may have
# been billed without our having it is asked for once more at most (architecture 5.2).
MISSES_MAX: dict[MissClass, int] = {
    "limited": 12,
    "unknown": 2,
    "unfit": 2,
    "failed": 4,
}

_BACKOFF_FIRST_SECONDS = 0.5
_BACKOFF_MAX_SECONDS = 20.0
_JITTER_MIN_SECONDS = 0.1


def miss_class(failure: Failure) -> MissClass:
    """Return what a failure counts as; each class has a count of its own."""
    if failure.kind is FailureKind.RATE_LIMITED:
        return "limited"
    if failure.kind is FailureKind.VERIFICATION:
        return "unfit"
    return "unknown" if failure.rule.maybe_billed else "failed"


def retry_delay_seconds(
    failure: Failure, *, misses: int, chance: random.Random
) -> float | None:
    """Return how long to wait before the next try here, or None to stop trying.

    Exponential with full jitter; a provider's own Retry-After is the floor.

    Args:
        failure: of the last try.
        misses: of its class so far, this one included.
        chance: the source of the jitter.
    """
    if not failure.rule.same_lane or misses >= MISSES_MAX[miss_class(failure)]:
        return None
    ceiling = min(_BACKOFF_MAX_SECONDS, _BACKOFF_FIRST_SECONDS * 2**misses)
    return max(
        failure.retry_after_seconds or 0.0,
        chance.uniform(_JITTER_MIN_SECONDS, ceiling),
    )
