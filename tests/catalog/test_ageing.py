"""Old prices and coming ends are found, listed in the admin and told to monitoring."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from batchrouter.kit import clock
from catalog import ageing
from catalog.models import Offering
from tests.catalog.conftest import NOON
from tests.factories.catalog import (
    OfferingFactory,
    OfferingPriceFactory,
    ProviderFactory,
)
from tests.support.operators import operator_client

pytestmark = pytest.mark.django_db

TODAY = NOON.date()


def priced(as_of: date, **columns: Any) -> Offering:
    """An offering whose price in force was read on a day."""
    offering = OfferingFactory.create(**columns)
    OfferingPriceFactory.create(offering=offering, as_of=as_of)
    return offering


def stale(now: datetime = NOON) -> list[Offering]:
    return list(ageing.stale(Offering.objects.all(), now=now))


def ending(now: datetime = NOON) -> list[Offering]:
    return list(ageing.ending(Offering.objects.all(), now=now))


def test_a_price_is_stale_after_45_days() -> None:
    priced(TODAY - timedelta(days=45))
    old = priced(TODAY - timedelta(days=46))

    assert stale() == [old]


def test_the_days_come_from_the_settings(settings: Settings) -> None:
    settings.PRICE_STALE_DAYS = 7
    old = priced(TODAY - timedelta(days=8))

    assert stale() == [old]


def test_only_the_price_in_force_counts() -> None:
    offering = priced(TODAY - timedelta(days=90))
    OfferingPriceFactory.create(
        offering=offering, valid_from=NOON - timedelta(days=1), as_of=TODAY
    )
    later = priced(TODAY - timedelta(days=90))
    OfferingPriceFactory.create(
        offering=later, valid_from=NOON + timedelta(days=1), as_of=TODAY
    )

    assert stale() == [later]


def test_an_end_is_coming_within_30_days() -> None:
    OfferingFactory.create(deprecates_at=NOON)
    OfferingFactory.create(deprecates_at=NOON + timedelta(days=31))
    OfferingFactory.create()
    second = OfferingFactory.create(deprecates_at=NOON + timedelta(days=30))
    first = OfferingFactory.create(deprecates_at=NOON + timedelta(seconds=1))

    assert ending() == [first, second]


def scraped(client: Client) -> dict[str, str]:
    """The price book's gauges of provider acme."""
    lines = client.get("/metrics").content.decode().splitlines()
    pairs = [line.rsplit(" ", 1) for line in lines if '{provider="acme"}' in line]
    return {name.partition("{")[0]: value for name, value in pairs}


def test_metrics_count_what_is_in_use(client: Client) -> None:
    acme = ProviderFactory.create(key="acme")
    today = clock.now().date()
    priced(today - timedelta(days=46), provider=acme)
    priced(today, provider=acme, deprecates_at=clock.now() + timedelta(days=3))
    priced(date(2026, 1, 1), provider=acme, enabled=False)

    oldest = datetime.combine(
        today - timedelta(days=46), datetime.min.time(), tzinfo=NOON.tzinfo
    )
    found = scraped(client)
    assert (found["stale_prices"], found["deprecations_coming"]) == ("1.0", "1.0")
    assert float(found["oldest_price_read_seconds"]) == oldest.timestamp()


def test_metrics_name_a_provider_without_old_prices(client: Client) -> None:
    priced(clock.now().date(), provider=ProviderFactory.create(key="acme"))

    found = scraped(client)
    assert (found["stale_prices"], found["deprecations_coming"]) == ("0.0", "0.0")


def test_metrics_leave_out_a_provider_that_is_switched_off(client: Client) -> None:
    priced(TODAY, provider=ProviderFactory.create(key="acme", enabled=False))

    assert scraped(client) == {}


@pytest.mark.parametrize("reason", ["stale", "ending"])
def test_operators_list_what_needs_attention(reason: str) -> None:
    today = clock.now().date()
    offerings = {
        "stale": priced(today - timedelta(days=46)),
        "ending": priced(today, deprecates_at=clock.now() + timedelta(days=3)),
    }
    page = operator_client().get("/admin/catalog/offering/", {"upkeep": reason})

    assert page.status_code == 200
    shown = list(page.context["cl"].result_list)
    assert [row.pk for row in shown] == [offerings[reason].pk]
    assert (b'alt="False"' in page.content) is (reason == "stale")
