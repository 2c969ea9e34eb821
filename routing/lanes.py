"""How lanes fare, as operators watch them: a few queries for a page of lanes."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Sum

from catalog import health as catalog_health
from catalog import latencies
from routing.breaker import BreakerState
from routing.health import vitals_of
from routing.models import OfferingHealth, RoutingOutcome

FAILURES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class LaneView:
    """What is known of a lane right now.

    Attributes:
        breaker, breaker_reason: its state, and why it is not closed.
        window_calls: calls at once, of all workers.
        successes, calls: of today and yesterday (UTC); expiries count as calls.
        latency_ms_p50, latency_ms_p95: of the answered direct calls of the last 24
            hours, the simulator's left out.
        backlog_items: handed to the provider and not back yet.
        last_failures: kinds with the instant of the last report, the newest first.
    """

    breaker: BreakerState
    breaker_reason: str
    window_calls: int | None
    successes: int
    calls: int
    latency_ms_p50: int | None
    latency_ms_p95: int | None
    backlog_items: int
    last_failures: tuple[tuple[str, str], ...]

    @property
    def success_percent(self) -> float | None:
        """The answered share of the calls; None without calls."""
        return round(100 * self.successes / self.calls, 2) if self.calls else None


def lane_views(ids: Collection[int], *, now: datetime) -> dict[int, LaneView]:
    """Return what is known of these offerings, each of them once."""
    health = OfferingHealth.objects.in_bulk(ids)
    outcomes = _outcomes(ids, now)
    times = catalog_health.latencies_by_offering(ids, now=now)
    backlog = catalog_health.reading("backlog_items", now=now)
    return {
        pk: _view(
            health.get(pk),
            outcomes.get(pk, (0, 0)),
            times.get(pk, Counter()),
            backlog.get(pk, 0),
            now,
        )
        for pk in ids
    }


def open_breakers(now: datetime) -> dict[int, int]:
    """Return 1 for every offering that rests."""
    rows = OfferingHealth.objects.filter(breaker_open_until__gt=now)
    return dict.fromkeys(rows.values_list("pk", flat=True), 1)


def register() -> None:
    """Let the public directory count the lanes that rest."""
    catalog_health.register_reading("open_breakers", open_breakers)


def _outcomes(ids: Collection[int], now: datetime) -> dict[int, tuple[int, int]]:
    """Return successes and calls since yesterday began."""
    rows = RoutingOutcome.objects.filter(
        offering_id__in=ids, day__gte=now.date() - timedelta(days=1)
    )
    sums = rows.values("offering_id").annotate(
        good=Sum("successes"),
        every=Sum(F("successes") + F("failures") + F("expiries")),
    )
    return {row["offering_id"]: (row["good"], row["every"]) for row in sums}


def _view(
    row: OfferingHealth | None,
    outcome: tuple[int, int],
    times: Mapping[int, int],
    backlog_items: int,
    now: datetime,
) -> LaneView:
    seen = {} if row is None else row.last_failures
    newest = sorted(seen.items(), key=lambda pair: pair[1], reverse=True)
    return LaneView(
        breaker="closed" if row is None else vitals_of(row).state(now),
        breaker_reason="" if row is None else row.breaker_reason,
        window_calls=None if row is None else row.window_calls,
        successes=outcome[0],
        calls=outcome[1],
        latency_ms_p50=latencies.percentile_ms(times, 50),
        latency_ms_p95=latencies.percentile_ms(times, 95),
        backlog_items=backlog_items,
        last_failures=tuple(newest[:FAILURES_SHOWN]),
    )
