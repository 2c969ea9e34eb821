"""The pace of an offering, shared through the database and the cache."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection

from catalog.models import Offering
from routing import pace_store
from routing.models import OfferingHealth
from routing.pacing import PaceReport
from tests.factories.catalog import OfferingFactory
from tests.routing.values import NOON

LIMITED = PaceReport(is_limited=True, pause_seconds=20)


@pytest.fixture
def offering(db: None) -> Offering:
    cache.clear()
    return OfferingFactory.create()


def test_what_one_worker_reports_the_next_one_goes_on_from(offering: Offering) -> None:
    pace_store.report(offering.pk, LIMITED, ceiling_calls=256, now=NOON)
    later = NOON + timedelta(seconds=1)
    pace = pace_store.report(offering.pk, PaceReport(), ceiling_calls=256, now=later)

    assert (pace.limit_calls, pace.revision) == (32, 2)
    assert pace.paused_until == NOON + timedelta(seconds=20)
    assert OfferingHealth.objects.get(pk=offering.pk).window_calls == 32


@pytest.mark.django_db(transaction=True)
def test_the_others_hear_it_from_the_cache() -> None:
    cache.clear()
    offering = OfferingFactory.create()
    assert pace_store.heard([offering.pk]) == {}
    pace_store.report(offering.pk, LIMITED, ceiling_calls=256, now=NOON)

    heard = pace_store.heard([offering.pk])[offering.pk]
    assert (heard.limit_calls, heard.revision) == (32, 1)
    assert heard.paused_until == NOON + timedelta(seconds=20)


@pytest.mark.parametrize("text", ["", "1 2", "a b c", "1 x ", None, b"\xff", 7])
def test_what_the_cache_holds_and_nobody_can_read_is_nothing(
    offering: Offering, text: Any
) -> None:
    cache.set(f"pace:{offering.pk}", text)

    assert pace_store.heard([offering.pk]) == {}


def test_a_cache_that_is_down_is_silent(offering: Offering, settings: Any) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            # Nobody listens there.
            "LOCATION": "redis://127.0.0.1:9/0",
        }
    }
    pace_store.report(offering.pk, LIMITED, ceiling_calls=256, now=NOON)

    assert pace_store.heard([offering.pk]) == {}
    assert OfferingHealth.objects.get(pk=offering.pk).window_calls == 32


@pytest.mark.django_db(transaction=True)
def test_no_report_is_lost_among_many_at_once() -> None:
    offering = OfferingFactory.create()

    def report() -> None:
        try:
            seen = PaceReport(answered=1)
            pace_store.report(offering.pk, seen, ceiling_calls=256, now=NOON)
        finally:
            connection.close()

    threads = [threading.Thread(target=report) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    row = OfferingHealth.objects.get(pk=offering.pk)
    assert (row.pace_revision, row.window_calls) == (8, 72)
