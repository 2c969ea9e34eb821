"""Small sums over measured runs, and how they are shown."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from benchmarks.machine import MEBIBYTE

# Above this the machine was not ours; such a run is set aside if enough others remain.
OTHERS_SHARE_MAX = 0.2
_QUIET_ENOUGH = 3

Run = TypeVar("Run")


def median(values: Iterable[float]) -> float:
    """Return the middle value."""
    return statistics.median(values)


def quiet(runs: Sequence[Run], others_share: Callable[[Run], float]) -> Sequence[Run]:
    """Return the runs that had the machine to themselves, or all if those are few."""
    found = [run for run in runs if others_share(run) <= OTHERS_SHARE_MAX]
    return found if len(found) >= _QUIET_ENOUGH else runs


def count(value: float) -> str:
    """Show a number without decimals: ``12,345``."""
    return f"{value:,.0f}"


def times(value: float) -> str:
    """Show a ratio: ``0.92 x``."""
    return f"{value:.2f} x" if value < 10 else f"{value:.0f} x"


def seconds(value: float) -> str:
    """Show seconds to three places that count."""
    return f"{value:.3g} s"


def mebibytes(size: float) -> str:
    """Show bytes as MiB."""
    return f"{size / MEBIBYTE:.1f}"


def percent(share: float) -> str:
    """Show a share of one."""
    return f"{share:.0%}"
