"""Pure: how long calls took, as counts by steps that grow by a fifth.

Counts of steps can be added over hours, lanes and workers, which percentiles cannot.
"""

from bisect import bisect_left
from collections.abc import Mapping
from typing import Final

# Milliseconds, four steps to a doubling: 10 ms to 163,840 ms. The last step also
# holds what took longer; a call ends after DIRECT_CALL_SECONDS, 120 as it comes.
STEPS_MS: Final = tuple(round(10 * 2 ** (step / 4)) for step in range(57))
_LAST: Final = len(STEPS_MS) - 1


def step_of(elapsed_ms: int) -> int:
    """Return the step that a call belongs to."""
    return min(bisect_left(STEPS_MS, elapsed_ms), _LAST)


def percentile_ms(calls: Mapping[int, int], percent: int) -> int | None:
    """Return a time within which so many of the calls ended.

    Args:
        calls: counts by step.
        percent: 1 to 100.

    Returns:
        The upper end of the step, so at most a fifth too long; None without calls.
    """
    total = sum(calls.values())
    if total == 0:
        return None
    needed, seen = -(-total * percent // 100), 0
    for step in sorted(calls):
        seen += calls[step]
        if seen >= needed:
            return STEPS_MS[step]
    raise AssertionError("the counts hold fewer calls than their sum")
