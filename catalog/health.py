"""How providers fared: hourly sums from batches, shown as rates without counts.

What they do at present is known to other apps; each registers its reading here.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.db import connection
from django.db.models import Q, Sum

from catalog import latencies
from catalog.models import LatencyHour, Offering, ProviderHour

WINDOWS = {"24h": timedelta(hours=24), "30d": timedelta(days=30)}
# Below this a rate says more about chance than about the provider.
CALLS_MIN = 20

_FOLD = """
INSERT INTO catalog_providerhour AS h
    (provider_id, hour, succeeded, failed)
SELECT id, %s, %s, %s FROM catalog_provider WHERE key = %s
ON CONFLICT (provider_id, hour) DO UPDATE SET
    succeeded = h.succeeded + EXCLUDED.succeeded,
    failed = h.failed + EXCLUDED.failed
"""


# In the order of the steps, so that two workers never wait for each other in a circle.
_FOLD_LATENCIES = """
INSERT INTO catalog_latencyhour AS h (offering_id, hour, step, calls)
SELECT %s, %s, step, calls
  FROM unnest(%s::int[], %s::bigint[]) AS seen (step, calls) ORDER BY step
ON CONFLICT (offering_id, hour, step) DO UPDATE SET calls = h.calls + EXCLUDED.calls
"""

# Items that wait at a provider, told as words: a count would tell a customer's volume.
_BACKLOG_WORDS = ((0, "none"), (999, "small"), (99_999, "medium"))


@dataclass(frozen=True, slots=True)
class Health:
    """A provider's health over a window.

    Attributes:
        basis: of the success rate.
        success_rate: answered calls of all calls, 0 to 1; None after too few calls.
        latency_ms_p50, latency_ms_p95: of direct calls that were answered, rounded up
            by a fifth at most; None after too few calls.
    """

    basis: Literal["observed", "too_few_calls"]
    success_rate: float | None
    latency_ms_p50: int | None
    latency_ms_p95: int | None


@dataclass(frozen=True, slots=True)
class Present:
    """What a provider does right now.

    Attributes:
        backlog: ``none``, ``small`` (under 1,000 items), ``medium`` (under 100,000)
            or ``large``.
        open_breakers: offerings that get no new work because they failed.
        drifting_lanes: offerings whose answers are worse than they used to be.
    """

    backlog: str
    open_breakers: int
    drifting_lanes: int = 0


_UNKNOWN = Health("too_few_calls", None, None, None)
IDLE = Present("none", 0)

# An instant to counts by offering id.
Reading = Callable[[datetime], Mapping[int, int]]
ReadingName = Literal["backlog_items", "open_breakers", "drifting_lanes"]
_readings: dict[ReadingName, Reading] = {}


def register_reading(name: ReadingName, read: Reading) -> None:
    """Let the app that knows a present figure tell it."""
    _readings[name] = read


def reading(name: ReadingName, *, now: datetime) -> Mapping[int, int]:
    """Return a present figure by offering id; none where no app tells it."""
    read = _readings.get(name)
    return {} if read is None else read(now)


def fold(*, provider: str, at: datetime, succeeded: int, failed: int) -> None:
    """Add calls to their hour; an unknown provider is left out.

    Args:
        provider: the provider's key.
        at: when they ended.
        succeeded: calls that were answered.
        failed: calls that the provider failed; the customer's own errors do not count.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FOLD, [_hour(at), succeeded, failed, provider])


def fold_latencies(offering_id: int, *, at: datetime, calls: Mapping[int, int]) -> None:
    """Add answered direct calls to their hour; never those of the simulator.

    Args:
        offering_id: which offering.
        at: when they ended.
        calls: counts by step, see :mod:`catalog.latencies`.
    """
    if not calls:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _FOLD_LATENCIES, [offering_id, _hour(at), [*calls], [*calls.values()]]
        )


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def health_by_provider(*, now: datetime) -> dict[int, dict[str, Health]]:
    """Return the health of every observed provider by its row id and window name."""
    sums = {}
    for name, length in WINDOWS.items():
        within = Q(hour__gt=now - length)
        for column in ("succeeded", "failed"):
            sums[f"{column}_{name}"] = Sum(column, filter=within, default=0)
    grouped = ProviderHour.objects.filter(hour__gt=now - max(WINDOWS.values()))
    rates = {
        row["provider_id"]: row
        for row in grouped.values("provider_id").annotate(**sums)
    }
    times = _latencies_by_provider(now)
    return {
        provider_id: {
            name: _health(rates.get(provider_id, {}), name, times[provider_id, name])
            for name in WINDOWS
        }
        for provider_id in rates.keys() | {provider_id for provider_id, _ in times}
    }


def latencies_by_offering(
    ids: Collection[int], *, now: datetime
) -> dict[int, Counter[int]]:
    """Return the calls of the last 24 hours by offering and step."""
    rows = LatencyHour.objects.filter(
        offering_id__in=ids, hour__gt=now - WINDOWS["24h"]
    )
    found: dict[int, Counter[int]] = defaultdict(Counter)
    for offering_id, step, calls in (
        rows.values("offering_id", "step")
        .annotate(total=Sum("calls"))
        .values_list("offering_id", "step", "total")
    ):
        found[offering_id][step] = calls
    return found


def present_by_provider(*, now: datetime) -> dict[int, Present]:
    """Return what providers do at present by row id; the idle ones are left out."""
    backlog = reading("backlog_items", now=now)
    breakers = reading("open_breakers", now=now)
    drifting = reading("drifting_lanes", now=now)
    ids = backlog.keys() | breakers.keys() | drifting.keys()
    items: Counter[int] = Counter()
    is_open: Counter[int] = Counter()
    drifts: Counter[int] = Counter()
    for offering_id, provider_id in Offering.objects.filter(pk__in=ids).values_list(
        "pk", "provider_id"
    ):
        items[provider_id] += backlog.get(offering_id, 0)
        is_open[provider_id] += breakers.get(offering_id, 0)
        drifts[provider_id] += drifting.get(offering_id, 0)
    return {
        provider_id: Present(
            _backlog_word(items[provider_id]), is_open[provider_id], drifts[provider_id]
        )
        for provider_id in items
    }


def unknown_health() -> dict[str, Health]:
    """Return what is said of a provider nobody observed."""
    return dict.fromkeys(WINDOWS, _UNKNOWN)


def _latencies_by_provider(now: datetime) -> dict[tuple[int, str], Counter[int]]:
    sums = {
        name: Sum("calls", filter=Q(hour__gt=now - length), default=0)
        for name, length in WINDOWS.items()
    }
    rows = LatencyHour.objects.filter(hour__gt=now - max(WINDOWS.values()))
    found: dict[tuple[int, str], Counter[int]] = defaultdict(Counter)
    grouped: Iterable[Mapping[str, Any]] = rows.values(
        "offering__provider_id", "step"
    ).annotate(**sums)
    for row in grouped:
        for name in WINDOWS:
            found[row["offering__provider_id"], name][row["step"]] = row[name]
    return found


def _health(row: Mapping[str, Any], window: str, times: Counter[int]) -> Health:
    succeeded: int = row.get(f"succeeded_{window}", 0)
    calls: int = succeeded + row.get(f"failed_{window}", 0)
    is_observed, is_timed = calls >= CALLS_MIN, times.total() >= CALLS_MIN
    return Health(
        basis="observed" if is_observed else "too_few_calls",
        success_rate=round(succeeded / calls, 4) if is_observed else None,
        latency_ms_p50=latencies.percentile_ms(times, 50) if is_timed else None,
        latency_ms_p95=latencies.percentile_ms(times, 95) if is_timed else None,
    )


def _backlog_word(items: int) -> str:
    return next((word for most, word in _BACKLOG_WORDS if items <= most), "large")


def forget_old(*, now: datetime) -> None:
    """Delete the hours that no window reaches any more."""
    before = now - max(WINDOWS.values()) - timedelta(days=1)
    ProviderHour.objects.filter(hour__lt=before).delete()
    LatencyHour.objects.filter(hour__lt=before).delete()
