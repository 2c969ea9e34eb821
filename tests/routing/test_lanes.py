"""What operators see of each lane: its breaker, window, success, times and failures."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from batchrouter.kit import clock
from catalog import health as catalog_health
from catalog.models import Offering
from routing import health, pace_store
from routing.lanes import (
    LaneState,
    LaneView,
    lane_states,
    lane_views,
    open_breakers,
)
from routing.models import OfferingHealth
from routing.pacing import PaceReport
from tests.factories.catalog import OfferingFactory, ProviderFactory
from tests.routing.values import NOON

pytestmark = pytest.mark.django_db

UNSEEN = LaneView("closed", "", None, 0, 0, None, None, 0, ())


@pytest.fixture
def offering() -> Offering:
    return OfferingFactory.create(
        provider=ProviderFactory.create(key="acme"), provider_model="swift"
    )


def report(offering: Offering, successes: int, failures: int, days_ago: int) -> None:
    health.record(
        offering.pk,
        health.Calls(successes=successes, failures=failures, expiries=1),
        now=NOON - timedelta(days=days_ago),
    )


def report_pace(offering: Offering, calls: int) -> None:
    """Let a worker report that so many calls at once are the most there may be."""
    pace_store.report(offering.pk, PaceReport(), ceiling_calls=calls, now=NOON)


def view(offering: Offering) -> LaneView:
    return lane_views([offering.pk], now=NOON)[offering.pk]


def test_a_lane_that_nobody_used_is_shown_too(offering: Offering) -> None:
    assert view(offering) == UNSEEN
    assert view(offering).success_percent is None


def test_success_is_counted_since_yesterday_began(offering: Offering) -> None:
    for days_ago in (2, 1, 0):
        report(offering, 8, 1, days_ago)

    assert (view(offering).successes, view(offering).calls) == (16, 20)
    assert view(offering).success_percent == 80.0


def test_the_month_is_today_and_the_29_days_before(offering: Offering) -> None:
    for days_ago in (30, 29, 0):
        report(offering, 8, 1, days_ago)

    assert (view(offering).month_successes, view(offering).month_calls) == (16, 20)
    assert view(offering).month_success_percent == 80.0


def test_a_resting_lane_shows_its_reason(offering: Offering) -> None:
    health.trip(offering.pk, None, "too many failures", now=NOON)

    shown = view(offering)
    assert (shown.breaker, shown.breaker_reason) == ("open", "too many failures")


def test_a_lane_on_probation_is_half_open(offering: Offering) -> None:
    health.trip(offering.pk, None, "x", now=NOON - timedelta(seconds=30))

    assert view(offering).breaker == "half_open"


def test_the_window_is_that_of_all_workers(offering: Offering) -> None:
    report_pace(offering, 12)
    health.note_lane(offering.pk, failure_kinds=["no_answer"], now=NOON)

    assert view(offering).window_calls == 12


def test_the_three_newest_failures_are_shown(offering: Offering) -> None:
    kinds = ["no_answer", "timed_out", "rate_limited", "missing_from_provider"]
    for seconds, kind in enumerate([*kinds, "timed_out"]):
        health.note_lane(
            offering.pk,
            failure_kinds=[kind],
            now=NOON + timedelta(seconds=seconds),
        )

    assert view(offering).last_failures == (
        ("timed_out", "2026-11-22T12:00:04.000Z"),
        ("missing_from_provider", "2026-11-22T12:00:03.000Z"),
        ("rate_limited", "2026-11-22T12:00:02.000Z"),
    )


def test_a_report_of_nothing_makes_no_row(offering: Offering) -> None:
    health.note_lane(offering.pk, failure_kinds=(), now=NOON)

    assert not OfferingHealth.objects.exists()


def test_a_note_leaves_the_breaker_alone(offering: Offering) -> None:
    health.trip(offering.pk, None, "too many failures", now=NOON)
    before: dict[str, Any] = {**OfferingHealth.objects.values().get()}

    health.note_lane(offering.pk, failure_kinds=["no_answer"], now=NOON)

    after: dict[str, Any] = {**OfferingHealth.objects.values().get()}
    assert {name for name in before if before[name] != after[name]} == {
        "last_failures",
    }


def test_times_are_those_of_the_last_day(offering: Offering) -> None:
    catalog_health.fold_latencies(offering.pk, at=NOON, calls={4: 9, 12: 1})

    shown = view(offering)
    assert (shown.latency_ms_p50, shown.latency_ms_p95) == (20, 80)


def test_whether_a_lane_takes_work_is_told_by_its_switches(offering: Offering) -> None:
    off = OfferingFactory.create(enabled=False)
    of_nobody = OfferingFactory.create(provider__enabled=False)
    banned = OfferingFactory.create(provider__is_sanctioned=True)

    states = lane_states([offering.pk, off.pk, of_nobody.pk, banned.pk], now=NOON)

    assert states[offering.pk] == LaneState(True, None, None)
    assert [states[row.pk].is_on for row in (off, of_nobody, banned)] == [False] * 3


def test_whether_a_lane_takes_work_is_told_until_it_does(offering: Offering) -> None:
    until = NOON + timedelta(minutes=2)
    health.trip(offering.pk, until, "x", now=NOON)
    OfferingHealth.objects.update(paused_until=until)

    assert lane_states([offering.pk], now=NOON)[offering.pk] == LaneState(
        True, until, until
    )
    assert lane_states([offering.pk], now=until)[offering.pk] == LaneState(
        True, None, None
    )


def test_only_resting_lanes_are_open_breakers(offering: Offering) -> None:
    rested = OfferingFactory.create()
    health.trip(offering.pk, None, "x", now=NOON)
    health.trip(rested.pk, None, "x", now=NOON - timedelta(seconds=30))

    assert open_breakers(NOON) == {offering.pk: 1}


def test_the_directory_counts_the_open_breakers(
    client: Client, offering: Offering
) -> None:
    health.trip(offering.pk, None, "x", now=clock.now())

    reply = client.get("/v1/catalog/providers/acme").json()

    assert reply["present"] == {
        "backlog": "none",
        "open_breakers": 1,
        "drifting_lanes": 0,
    }


def test_views_take_the_same_queries_for_any_number_of_lanes() -> None:
    ids = [offering.pk for offering in OfferingFactory.create_batch(5)]

    with CaptureQueriesContext(connection) as queries:
        lane_views(ids, now=NOON)

    assert len(queries) == 4
