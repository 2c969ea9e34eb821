"""GET /v1/batches/optimization-report."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from batchrouter.kit.money import format_usd
from tests.batches.conftest import Customer
from tests.factories.batches import make_batch, make_items, run_batch
from tests.support.api_client import error_of

REPORT = "/v1/batches/optimization-report"


def report_of(customer: Customer, query: str = "") -> dict[str, Any]:
    found: dict[str, Any] = customer.api.get(REPORT + query).json()
    return found["optimization_report"]  # type: ignore[no-any-return] # JSON


def test_without_an_import_there_is_no_baseline(owner: Customer) -> None:
    report = report_of(owner, "?import_provider=anthropic")

    assert report["import_provider"] == "anthropic"
    assert report["baseline"] is None
    assert report["savings_realized"] is None
    assert report["optimized_cost_trend"] == []
    assert report["fallback_frequency"] == {"work_units": 0, "moved": 0, "rate": None}
    assert report["verification_failures"] == {
        "count": 0,
        "rate": None,
        "by_check": [],
    }
    assert report["recommended_next_route_change"] is None
    assert report["recommendation_reason"].startswith("Not enough data yet: 0 ")


def test_an_unknown_provider_is_refused(owner: Customer) -> None:
    response = owner.api.get(f"{REPORT}?import_provider=acme")

    assert error_of(response) == (400, "invalid_request")


@pytest.mark.parametrize("days", ["0", "31", "x", "", "-7"])
def test_a_window_of_other_days_is_refused(days: str, owner: Customer) -> None:
    response = owner.api.get(f"{REPORT}?days={days}")

    assert error_of(response) == (400, "invalid_request")


def test_the_window_has_the_days_that_are_asked_for(owner: Customer) -> None:
    window = report_of(owner, "?days=7")["window"]

    start, end = (datetime.fromisoformat(window[name]) for name in ("from", "to"))
    assert end - start == timedelta(days=7)


@pytest.mark.usefixtures("simulator")
def test_settled_batches_are_the_trend(owner: Customer, stranger: Customer) -> None:
    batch = run_batch(make_batch(owner.org, make_items(3, model="deepseek-flash")))

    (day,) = report_of(owner)["optimized_cost_trend"]

    assert (day["batches"], day["items"]) == (1, 3)
    assert day["cost"] == format_usd(batch.charged_nanousd or 0)
    assert report_of(stranger)["optimized_cost_trend"] == []
