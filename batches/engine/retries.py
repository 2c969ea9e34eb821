"""Pure: whether a failed attempt is made again on the same lane, and when."""

import random

from routing.failures import Failure, FailureKind

# Tries of one item in one execution. An answer that may have been billed without our
# having it is asked for once more at most (architecture 5.2).
TRIES_MAX = 4
TRIES_MAX_BILLED = 2
# 429 is not a failure of the item: it is the lane's pace.
TRIES_MAX_LIMITED = 12

_BACKOFF_FIRST_SECONDS = 0.5
_BACKOFF_MAX_SECONDS = 20.0


def tries_allowed(failure: Failure) -> int:
    """Return how many tries an item has against this kind of failure."""
    if failure.rule.maybe_billed:
        return TRIES_MAX_BILLED
    if failure.kind is FailureKind.RATE_LIMITED:
        return TRIES_MAX_LIMITED
    return TRIES_MAX


def retry_delay_seconds(
    failure: Failure, *, tries: int, chance: random.Random
) -> float | None:
    """Return how long to wait before the next try here, or None to stop trying.

    Exponential with full jitter; a provider's own Retry-After is the floor.

    Args:
        failure: of the last try.
        tries: made so far.
        chance: the source of the jitter.
    """
    if not failure.rule.same_lane or tries >= tries_allowed(failure):
        return None
    ceiling = min(_BACKOFF_MAX_SECONDS, _BACKOFF_FIRST_SECONDS * 2**tries)
    return max(failure.retry_after_seconds or 0.0, chance.uniform(0.1, ceiling))
