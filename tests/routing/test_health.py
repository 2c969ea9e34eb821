from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection as database

from catalog.models import Offering
from routing import health
from routing.models import OfferingHealth, RoutingOutcome
from tests.factories.catalog import OfferingFactory
from tests.routing.values import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def offering() -> Offering:
    return OfferingFactory.create()


def report(
    offering: Offering,
    successes: int,
    failures: int,
    *,
    latency_ms_sum: int = 0,
    expiries: int = 0,
) -> None:
    health.record(
        offering.pk,
        health.Calls(
            successes=successes,
            failures=failures,
            latency_ms_sum=latency_ms_sum,
            expiries=expiries,
        ),
        now=NOON,
    )


def test_reports_of_a_day_are_summed_in_one_row(offering: Offering) -> None:
    report(offering, 10, 1, latency_ms_sum=500)
    report(offering, 5, 0, expiries=2)

    row = RoutingOutcome.objects.get()
    assert (row.day, row.workload_key) == (NOON.date(), "")
    assert (row.successes, row.failures, row.expiries) == (15, 1, 2)
    assert row.latency_ms_sum == 500


def test_kinds_of_work_and_days_have_rows_of_their_own(offering: Offering) -> None:
    for key, day in (("a", 0), ("b", 0), ("a", 1)):
        health.record(
            offering.pk,
            health.Calls(successes=1),
            now=NOON + timedelta(days=day),
            workload_key=key,
        )
    assert RoutingOutcome.objects.count() == 3


def test_many_failures_open_the_breaker(offering: Offering) -> None:
    report(offering, 0, 20)

    row = OfferingHealth.objects.get(pk=offering.pk)
    assert row.breaker_open_until == NOON + timedelta(seconds=30)
    assert row.breaker_reason == "too many failures"


def test_expiries_leave_the_breaker_alone(offering: Offering) -> None:
    report(offering, 0, 0, expiries=1000)

    row = OfferingHealth.objects.get(pk=offering.pk)
    assert row.breaker_open_until is None


def test_a_trip_opens_it_and_an_operator_closes_it(offering: Offering) -> None:
    until = NOON + timedelta(hours=1)
    health.trip(offering.pk, until, "credential refused", now=NOON)
    row = OfferingHealth.objects.get(pk=offering.pk)
    assert (row.breaker_open_until, row.breaker_reason) == (until, "credential refused")

    health.close(offering.pk, now=NOON)
    row.refresh_from_db()
    assert (row.breaker_open_until, row.trips) == (None, 0)


def test_an_empty_report_writes_nothing(offering: Offering) -> None:
    report(offering, 0, 0)

    assert not OfferingHealth.objects.exists()
    assert not RoutingOutcome.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_reports_at_the_same_time_are_all_counted() -> None:
    offering = OfferingFactory.create()

    def work(_: int) -> None:
        report(offering, 3, 0)
        database.close()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(40)))

    assert RoutingOutcome.objects.get().successes == 120
    assert OfferingHealth.objects.get().recent_successes == 120.0


def test_what_the_simulator_answered_says_nothing_of_a_provider(
    offering: Offering,
) -> None:
    for _ in range(20):
        health.record(offering.pk, health.Calls(failures=1), now=NOON, is_sandbox=True)
    assert OfferingHealth.objects.get().breaker_open_until is not None
    health.record(offering.pk, health.Calls(successes=1), now=NOON)

    row = OfferingHealth.objects.get()
    assert (row.is_sandbox, row.recent_successes, row.recent_failures) == (False, 1, 0)
    assert row.breaker_open_until is None
    assert set(
        RoutingOutcome.objects.values_list("is_sandbox", "successes", "failures")
    ) == {(True, 0, 20), (False, 1, 0)}


def test_outcomes_are_kept_for_ninety_days(offering: Offering) -> None:
    for days in (91, 90):
        health.record(
            offering.pk, health.Calls(successes=1), now=NOON - timedelta(days=days)
        )
    health.forget_old(now=NOON)

    (kept,) = RoutingOutcome.objects.all()
    assert kept.day == (NOON - timedelta(days=90)).date()
