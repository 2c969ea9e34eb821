"""What monitoring sees of the price book: read from the database at each scrape."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time

from django.db import DatabaseError
from django.db.models import Count, Min, QuerySet
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from batchrouter.kit import clock
from catalog import ageing
from catalog.models import Offering


class PriceBookCollector(Collector):
    """Gauges of old prices and coming ends, by provider; only what is in use."""

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Name nothing in advance: registering must not ask the database."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges; none while the database does not answer."""
        try:
            gauges = list(_gauges(clock.now()))
        except DatabaseError:
            return
        yield from gauges


def register() -> None:
    """Add the gauges to ``/metrics``, once in a process."""
    if not _registered:
        _registered.append(PriceBookCollector())
        REGISTRY.register(_registered[0])


_registered: list[PriceBookCollector] = []


def _gauges(now: datetime) -> Iterator[GaugeMetricFamily]:
    rows = ageing.in_use()
    # Every provider is named, so that an alert sees a count fall back to zero.
    providers = sorted(set(rows.values_list("provider__key", flat=True)))
    yield _counts(
        "stale_prices",
        "Offerings in use whose price was read too long ago.",
        providers,
        dict(_by_provider(ageing.stale(rows, now=now))),
    )
    yield _counts(
        "deprecations_coming",
        "Offerings in use that end soon.",
        providers,
        dict(_by_provider(ageing.ending(rows, now=now))),
    )
    oldest = GaugeMetricFamily(
        "oldest_price_read_seconds",
        "When the oldest price in use was read, in seconds since 1970.",
        labels=["provider"],
    )
    aged = ageing.with_price_age(rows, now=now).filter(price_as_of__isnull=False)
    for provider, as_of in (
        aged.values("provider__key")
        .annotate(oldest=Min("price_as_of"))
        .order_by("provider__key")
        .values_list("provider__key", "oldest")
    ):
        midnight = datetime.combine(as_of, time.min, tzinfo=UTC)
        oldest.add_metric([provider], int(midnight.timestamp()))
    yield oldest


def _by_provider(rows: QuerySet[Offering]) -> Iterable[tuple[str, int]]:
    grouped = rows.order_by().values("provider__key").annotate(offerings=Count("pk"))
    return grouped.values_list("provider__key", "offerings")


def _counts(
    name: str, text: str, providers: Iterable[str], counts: dict[str, int]
) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(name, text, labels=["provider"])
    for provider in providers:
        gauge.add_metric([provider], counts.get(provider, 0))
    return gauge
