"""Pure: when an offering rests, for how long, and how it comes back.

Closed: reports add to counts that halve every five minutes. With at least 20 of them
and half failed, the breaker opens for 30 s, twice as long each time in a row, at most
15 minutes. Once that time is over the offering is on probation (half-open): it takes
work again, and the next report alone decides. More good than bad closes the breaker and
clears the counts; otherwise it opens for the next longer time.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

HALF_LIFE_SECONDS: Final = 300.0
CALLS_MIN: Final = 20.0
FAILURE_SHARE: Final = 0.5
REST_FIRST_SECONDS: Final = 30.0
REST_MAX_SECONDS: Final = 900.0

BreakerState = Literal["closed", "open", "half_open"]


@dataclass(frozen=True, slots=True)
class Vitals:
    """An offering's health at one instant.

    Attributes:
        successes, failures: decayed counts.
        latency_ms: mean of one call, weighted like the counts.
        open_until: None while the breaker is closed.
        trips: openings in a row.
    """

    successes: float
    failures: float
    latency_ms: float | None
    open_until: datetime | None
    reason: str
    trips: int
    updated_at: datetime

    def state(self, now: datetime) -> BreakerState:
        """Return the breaker's state."""
        if self.open_until is None:
            return "closed"
        return "open" if now < self.open_until else "half_open"

    @property
    def failure_share(self) -> float:
        """Share of the recent calls that failed."""
        calls = self.successes + self.failures
        return self.failures / calls if calls else 0.0


def unknown(now: datetime) -> Vitals:
    """Return the health of an offering that nobody reported on."""
    return Vitals(0.0, 0.0, None, None, "", 0, now)


def after_report(
    vitals: Vitals,
    *,
    successes: int,
    failures: int,
    latency_ms_sum: int,
    now: datetime,
) -> Vitals:
    """Return the health after a report of calls.

    Args:
        vitals: before it.
        successes: answered calls.
        failures: calls that the provider failed.
        latency_ms_sum: over the answered calls; 0 is "not measured".
        now: when they ended.
    """
    if successes + failures == 0:
        return vitals
    found = _counted(vitals, successes, failures, latency_ms_sum, now)
    state = vitals.state(now)
    if state == "half_open":
        if successes > failures:
            return replace(
                found,
                successes=float(successes),
                failures=float(failures),
                open_until=None,
                reason="",
                trips=0,
            )
        return opened(found, reason="failed again on probation", now=now)
    calls = found.successes + found.failures
    if state == "closed" and calls >= CALLS_MIN and _mostly_fails(found):
        return opened(found, reason="too many failures", now=now)
    return found


def opened(
    vitals: Vitals, *, reason: str, now: datetime, until: datetime | None = None
) -> Vitals:
    """Return the health with the breaker open.

    Args:
        vitals: before.
        reason: for operators.
        now: from when.
        until: at least this long; None takes the usual rest.
    """
    rest = min(REST_FIRST_SECONDS * 2**vitals.trips, REST_MAX_SECONDS)
    usual = now + timedelta(seconds=rest)
    ends = until if until is not None else usual
    if vitals.open_until is not None:
        ends = max(ends, vitals.open_until)
    return replace(
        vitals,
        open_until=ends,
        reason=reason[:200],
        # The exponent stays small enough for a float.
        trips=min(vitals.trips + 1, 30),
        updated_at=now,
    )


def _mostly_fails(vitals: Vitals) -> bool:
    return vitals.failure_share >= FAILURE_SHARE


def _counted(
    vitals: Vitals, successes: int, failures: int, latency_ms_sum: int, now: datetime
) -> Vitals:
    age = max((now - vitals.updated_at).total_seconds(), 0.0)
    kept = 0.5 ** (age / HALF_LIFE_SECONDS)
    old = vitals.successes * kept
    latency = vitals.latency_ms
    if latency_ms_sum > 0 and successes > 0:
        known = old if latency is not None else 0.0
        latency = ((latency or 0.0) * known + latency_ms_sum) / (known + successes)
    return replace(
        vitals,
        successes=old + successes,
        failures=vitals.failures * kept + failures,
        latency_ms=latency,
        updated_at=max(now, vitals.updated_at),
    )
