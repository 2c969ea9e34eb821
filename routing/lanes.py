"""How lanes fare, as operators watch them: a few queries for a page of lanes."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q, Sum

from catalog import health as catalog_health
from catalog import latencies
from catalog.models import Offering
from routing.breaker import BreakerState
from routing.health import vitals_of
from routing.models import OfferingHealth, RoutingOutcome

FAILURES_SHOWN = 3
_MONTH_DAYS = 30


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
        month_successes, month_calls: of today and the 29 days before.
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
    month_successes: int = 0
    month_calls: int = 0

    @property
    def success_percent(self) -> float | None:
        """The answered share of the calls; None without calls."""
        return _percent(self.successes, self.calls)

    @property
    def month_success_percent(self) -> float | None:
        """The answered share of the month's calls; None without calls."""
        return _percent(self.month_successes, self.month_calls)


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 2) if whole else None


def lane_views(ids: Collection[int], *, now: datetime) -> dict[int, LaneView]:
    """Return what is known of these offerings, each of them once."""
    health = OfferingHealth.objects.in_bulk(ids)
    outcomes = _outcomes(ids, now)
    times = catalog_health.latencies_by_offering(ids, now=now)
    backlog = catalog_health.reading("backlog_items", now=now)
    return {
        pk: _view(
            health.get(pk),
            outcomes.get(pk, (0, 0, 0, 0)),
            times.get(pk, Counter()),
            backlog.get(pk, 0),
            now,
        )
        for pk in ids
    }


@dataclass(frozen=True, slots=True)
class LaneState:
    """Whether a lane takes work right now.

    Attributes:
        is_on: neither it nor its provider is switched off or sanctioned.
        resting_until: its breaker is open; None while it is not.
        paused_until: the provider asked for a pause of all calls.
    """

    is_on: bool
    resting_until: datetime | None
    paused_until: datetime | None


def lane_states(ids: Collection[int], *, now: datetime) -> dict[int, LaneState]:
    """Return whether these offerings take work, in one query."""
    rows = Offering.objects.filter(pk__in=ids).select_related("provider", "health")
    return {row.pk: lane_state(row, now=now) for row in rows}


def lane_state(row: Offering, *, now: datetime) -> LaneState:
    """Return whether an offering takes work, whose provider and health are read."""
    health: OfferingHealth | None = getattr(row, "health", None)
    open_until, paused_until = (
        (None, None)
        if health is None
        else (health.breaker_open_until, health.paused_until)
    )
    return LaneState(
        is_on=row.enabled and row.provider.enabled and not row.provider.is_sanctioned,
        resting_until=_later(open_until, now),
        paused_until=_later(paused_until, now),
    )


def _later(at: datetime | None, now: datetime) -> datetime | None:
    return at if at is not None and at > now else None


def open_breakers(now: datetime) -> dict[int, int]:
    """Return 1 for every offering that rests."""
    rows = OfferingHealth.objects.filter(breaker_open_until__gt=now)
    return dict.fromkeys(rows.values_list("pk", flat=True), 1)


def register() -> None:
    """Let the public directory count the lanes that rest."""
    catalog_health.register_reading("open_breakers", open_breakers)


def _outcomes(
    ids: Collection[int], now: datetime
) -> dict[int, tuple[int, int, int, int]]:
    """Return successes and calls since yesterday began, and those of 30 days."""
    today = now.date()
    rows = RoutingOutcome.objects.filter(
        offering_id__in=ids, day__gt=today - timedelta(days=_MONTH_DAYS)
    )
    lately = Q(day__gte=today - timedelta(days=1))
    calls = F("successes") + F("failures") + F("expiries")
    sums = rows.values("offering_id").annotate(
        good=Sum("successes", filter=lately, default=0),
        every=Sum(calls, filter=lately, default=0),
        month_good=Sum("successes"),
        month_every=Sum(calls),
    )
    return {
        row["offering_id"]: (
            row["good"],
            row["every"],
            row["month_good"],
            row["month_every"],
        )
        for row in sums
    }


def _view(
    row: OfferingHealth | None,
    outcome: tuple[int, int, int, int],
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
        month_successes=outcome[2],
        month_calls=outcome[3],
    )
