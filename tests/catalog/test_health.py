"""A provider's health is a rate over enough calls, or unknown."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.health import (
    Health,
    fold,
    fold_latencies,
    forget_old,
    health_by_provider,
    latencies_by_offering,
    unknown_health,
)
from catalog.models import LatencyHour, ProviderHour
from tests.catalog.conftest import NOON
from tests.factories.catalog import OfferingFactory, ProviderFactory

pytestmark = pytest.mark.django_db


def test_calls_of_one_hour_are_added_up() -> None:
    provider = ProviderFactory.create()
    fold(provider=provider.key, at=NOON, succeeded=10, failed=1)
    fold(provider=provider.key, at=NOON + timedelta(minutes=59), succeeded=5, failed=2)

    row = ProviderHour.objects.get()
    assert (row.hour, row.succeeded, row.failed) == (NOON, 15, 3)


def test_windows_are_told_apart() -> None:
    provider = ProviderFactory.create()
    fold(provider=provider.key, at=NOON, succeeded=30, failed=10)
    fold(provider=provider.key, at=NOON - timedelta(days=2), succeeded=60, failed=0)

    health = health_by_provider(now=NOON)[provider.pk]

    assert (health["24h"].success_rate, health["30d"].success_rate) == (0.75, 0.9)


def test_few_calls_say_nothing() -> None:
    provider = ProviderFactory.create()
    fold(provider=provider.key, at=NOON, succeeded=19, failed=0)

    assert health_by_provider(now=NOON)[provider.pk] == unknown_health()


def test_an_unknown_provider_is_left_out() -> None:
    fold(provider="nobody", at=NOON, succeeded=1, failed=0)

    assert not ProviderHour.objects.exists()


def test_calls_of_one_hour_are_added_up_by_step() -> None:
    offering = OfferingFactory.create()
    fold_latencies(offering.pk, at=NOON, calls={4: 2, 0: 1})
    fold_latencies(offering.pk, at=NOON + timedelta(minutes=59), calls={4: 3})

    rows = LatencyHour.objects.order_by("step").values_list("hour", "step", "calls")
    assert list(rows) == [(NOON, 0, 1), (NOON, 4, 5)]


def test_percentiles_are_over_all_offerings_of_a_provider() -> None:
    provider = ProviderFactory.create()
    quick, slow = OfferingFactory.create_batch(2, provider=provider)
    fold_latencies(quick.pk, at=NOON, calls={4: 18})
    fold_latencies(slow.pk, at=NOON, calls={12: 2})

    assert health_by_provider(now=NOON)[provider.pk]["24h"] == Health(
        "too_few_calls", None, latency_ms_p50=20, latency_ms_p95=80
    )


def test_windows_of_latencies_are_told_apart() -> None:
    offering = OfferingFactory.create()
    fold_latencies(offering.pk, at=NOON, calls={4: 20})
    fold_latencies(offering.pk, at=NOON - timedelta(days=2), calls={8: 40})
    fold_latencies(offering.pk, at=NOON - timedelta(days=31), calls={56: 900})

    health = health_by_provider(now=NOON)[offering.provider_id]

    assert (health["24h"].latency_ms_p50, health["30d"].latency_ms_p50) == (20, 40)


def test_few_timed_calls_have_no_percentiles() -> None:
    offering = OfferingFactory.create()
    fold_latencies(offering.pk, at=NOON, calls={4: 19})

    assert health_by_provider(now=NOON)[offering.provider_id] == unknown_health()


def test_an_offering_has_its_calls_of_a_day() -> None:
    one, other = OfferingFactory.create_batch(2)
    fold_latencies(one.pk, at=NOON, calls={4: 1, 5: 2})
    fold_latencies(one.pk, at=NOON - timedelta(days=1), calls={4: 7})
    fold_latencies(other.pk, at=NOON, calls={6: 9})

    assert latencies_by_offering([one.pk], now=NOON) == {one.pk: {4: 1, 5: 2}}


def test_health_of_all_providers_takes_two_queries() -> None:
    for offering in OfferingFactory.create_batch(3):
        fold(provider=offering.provider.key, at=NOON, succeeded=1, failed=0)
        fold_latencies(offering.pk, at=NOON, calls={4: 1})

    with CaptureQueriesContext(connection) as queries:
        health_by_provider(now=NOON)

    assert len(queries) == 2


def test_hours_beyond_the_longest_window_are_forgotten() -> None:
    provider, offering = ProviderFactory.create(), OfferingFactory.create()
    for days in (32, 30):
        at = NOON - timedelta(days=days)
        fold(provider=provider.key, at=at, succeeded=1, failed=0)
        fold_latencies(offering.pk, at=at, calls={3: 1})
    forget_old(now=NOON)

    kept = [NOON - timedelta(days=30)]
    assert list(ProviderHour.objects.values_list("hour", flat=True)) == kept
    assert list(LatencyHour.objects.values_list("hour", flat=True)) == kept
