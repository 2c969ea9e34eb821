"""When a delivery is tried again, and when an endpoint is left in peace. Pure."""

from random import Random
from typing import Final

TRIES_MAX: Final = 8
# Pauses before the second to the eighth try.
_PAUSES_SECONDS: Final = (10, 60, 600, 3600, 10_800, 21_600, 43_200)
# Each pause is longer or shorter by this much at most, so that they spread; the
# longest way through all tries is 23 h 58 min, the shortest 20 h 25 min.
JITTER: Final = 0.08
# From the first try on. The breaker and Retry-After may delay tries up to here.
GIVE_UP_SECONDS: Final = 25 * 3600

RETRY_AFTER_MAX_SECONDS: Final = 6 * 3600
# A Retry-After holds back everything else for the endpoint too, for this long at most.
HOLD_MAX_SECONDS: Final = 300

# Failed tries in a row that open an endpoint's breaker, and the pauses then.
BREAKER_FAILURES: Final = 5
_BREAKER_FIRST_SECONDS: Final = 15
_BREAKER_MAX_SECONDS: Final = 300
# An endpoint that has failed for this long is disabled.
FAILING_MAX_SECONDS: Final = 5 * 24 * 3600


def next_pause(
    tries: int,
    *,
    retry_after_seconds: float | None,
    left_seconds: float,
    chance: Random,
) -> float | None:
    """Return the seconds until the next try, or None where there is none.

    Args:
        tries: that have failed, this one included.
        retry_after_seconds: what the endpoint asked for.
        left_seconds: until the delivery is given up.
        chance: the jitter's.
    """
    if tries >= TRIES_MAX:
        return None
    pause = _PAUSES_SECONDS[tries - 1] * chance.uniform(1 - JITTER, 1 + JITTER)
    asked = min(retry_after_seconds or 0.0, RETRY_AFTER_MAX_SECONDS)
    pause = max(pause, asked)
    return pause if pause <= left_seconds else None


def endpoint_pause(
    failures: int, *, retry_after_seconds: float | None, chance: Random
) -> float:
    """Return for how many seconds nothing is sent to an endpoint; mostly none.

    Args:
        failures: tries that failed in a row.
        retry_after_seconds: what the endpoint asked for.
        chance: the jitter's.
    """
    asked = min(retry_after_seconds or 0.0, HOLD_MAX_SECONDS)
    if failures < BREAKER_FAILURES:
        return asked
    doublings = min(failures - BREAKER_FAILURES, 10)
    pause = min(_BREAKER_FIRST_SECONDS << doublings, _BREAKER_MAX_SECONDS)
    return max(asked, pause * chance.uniform(1 - JITTER, 1 + JITTER))
