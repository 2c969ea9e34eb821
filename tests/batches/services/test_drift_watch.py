"""Lanes that answer worse are noticed, trusted less, and told of."""

from datetime import timedelta
from typing import Any

import pytest

from batches.models import QualityDay
from batches.services.drift_watch import watch_drift
from batchrouter.kit import clock
from catalog.models import Offering
from routing.models import OfferingDrift
from tests.batches.conftest import Customer
from tests.factories.batches import make_items

NOW = clock.now()


@pytest.fixture
def offering(market: None) -> Offering:
    return Offering.objects.get(
        provider__key="deepseek", model__slug="deepseek-flash", mode="direct"
    )


def answers(
    offering: Offering, ago: int, *, passed: int, failed: int, org_id: int = 9001
) -> None:
    """Keep one day's checked answers of an org."""
    QualityDay.objects.create(
        org_id=org_id,
        offering_id=offering.pk,
        provider=offering.provider.key,
        model=offering.model.slug,
        operation="responses",
        workload_key="model:responses",
        day=(NOW - timedelta(days=ago)).date(),
        source="verification",
        check_name="",
        passed=passed,
        failed=failed,
    )


def worse(offering: Offering) -> None:
    """Let an offering fail 2 % for twenty days, and 20 % for the last three."""
    for ago in range(3, 23):
        answers(offering, ago, passed=196, failed=4)
    for ago in range(3):
        answers(offering, ago, passed=160, failed=40)


def test_a_lane_that_answers_worse_is_noticed_once(offering: Offering) -> None:
    worse(offering)

    watch_drift(now=NOW)
    watch_drift(now=NOW)

    row = OfferingDrift.objects.get()
    assert (row.offering_id, row.source) == (offering.pk, "verification")
    assert row.since == (NOW - timedelta(days=2)).date()
    assert (round(row.failing_before, 3), row.failing_now) == (0.02, 0.2)


def test_one_customers_bad_prompt_is_no_drift(offering: Offering) -> None:
    for ago in range(23):
        for org_id in range(9002, 9006):
            answers(offering, ago, passed=196, failed=4, org_id=org_id)
        answers(offering, ago, passed=0, failed=50_000 if ago < 3 else 4)

    watch_drift(now=NOW)

    assert not OfferingDrift.objects.exists()


def test_a_drift_ends_when_the_lane_is_as_before(offering: Offering) -> None:
    worse(offering)
    watch_drift(now=NOW)
    QualityDay.objects.filter(failed=40).update(passed=196, failed=4)

    watch_drift(now=NOW)

    assert OfferingDrift.objects.get().ended_at == NOW


def test_quotes_trust_it_less_and_say_why(owner: Customer, offering: Offering) -> None:
    worse(offering)
    watch_drift(now=NOW)

    reply: Any = owner.api.post(
        "/v1/batches/quote", {"items": make_items(1, model="deepseek-flash")}
    ).json()

    (lane,) = [found for found in reply["lanes"] if found["provider"] == "deepseek"]
    assert lane["factors"]["drift"] == pytest.approx(0.8 / 0.98, abs=0.001)
    assert "Its answers are drifting since" in lane["reason"]


def test_the_directory_counts_it(owner: Customer, offering: Offering) -> None:
    worse(offering)
    watch_drift(now=NOW)

    reply = owner.api.get("/v1/catalog/providers/deepseek").json()

    assert reply["present"]["drifting_lanes"] == 1
