"""A provider's health is a rate over enough calls, or unknown."""

from datetime import timedelta

import pytest

from catalog.health import fold, health_by_provider, unknown_health
from catalog.models import ProviderHour
from tests.catalog.conftest import NOON
from tests.factories.catalog import ProviderFactory

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
