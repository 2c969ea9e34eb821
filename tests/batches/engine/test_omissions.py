"""Rows that name what their provider was not sent, over real HTTP to the simulator."""

from typing import Any

import pytest

from routing.adapters.registry import ADAPTERS
from tests.batches.conftest import Customer
from tests.batches.engine.builders import dispatched, rows_of, run_direct
from tests.batches.engine.test_native import tend
from tests.factories.batches import make_item
from tests.support.simulator import SimulatorProcess

ASKED = [
    make_item(0, input={"input": "hello", "temperature": 0.5, "top_p": 0.9}),
    make_item(1, input={"input": "there"}),
]


@pytest.fixture(autouse=True)
def short_lag(settings: Any) -> None:
    settings.JOB_LISTING_LAG_SECONDS = 0


def use_version(settings: Any, version: str) -> None:
    settings.PROVIDER_OPTIONS = {"anthropic": {"api_version": version}}


def test_a_direct_row_names_the_sampling_that_the_version_refuses(
    owner: Customer, simulator: SimulatorProcess, settings: Any
) -> None:
    use_version(settings, "2026-10-21")
    batch = dispatched(owner.org, ASKED, ("anthropic", "direct"))
    run_direct()
    rows = rows_of(batch)

    assert [row["status"] for row in rows] == ["completed"] * 2
    assert [row["dropped_fields"] for row in rows] == [["temperature", "top_p"], []]


def test_a_jobs_row_names_the_sampling_that_the_version_refuses(
    owner: Customer, simulator: SimulatorProcess, settings: Any
) -> None:
    use_version(settings, "2026-10-21")
    batch = dispatched(owner.org, ASKED, ("anthropic", "batch"))
    tend(batch)
    rows = rows_of(batch)

    assert [row["status"] for row in rows] == ["completed"] * 2
    assert [row["dropped_fields"] for row in rows] == [["temperature", "top_p"], []]


def test_the_older_version_takes_one_of_the_two(
    owner: Customer, simulator: SimulatorProcess, settings: Any
) -> None:
    use_version(settings, "2023-06-01")
    batch = dispatched(owner.org, ASKED, ("anthropic", "batch"))
    tend(batch)

    assert [row["dropped_fields"] for row in rows_of(batch)] == [["top_p"], []]


def test_every_provider_with_jobs_has_direct_calls_to_answer_for_them() -> None:
    keys = {key for key, pair in ADAPTERS.items() if pair.jobs}

    assert keys == {key for key in keys if ADAPTERS[key].direct}
