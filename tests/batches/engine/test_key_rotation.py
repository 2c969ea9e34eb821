"""A provider's key is changed or taken away while its work is under way."""

import time
from typing import Any

import pytest

from batches.engine.native import serve_native_lanes
from batches.states import UNIT_OPEN
from batchrouter.kit import clock
from routing import credentials
from routing.models import ProviderCredential
from tests.batches.conftest import Customer
from tests.batches.engine.builders import (
    DIRECT,
    NATIVE,
    dispatched,
    make_due,
    make_texts,
    rows_of,
    run_direct,
    statuses_of,
)
from tests.factories.batches import book_problems
from tests.support.simulator import SimulatorProcess


@pytest.fixture
def live_openai(simulator: SimulatorProcess, settings: Any) -> ProviderCredential:
    """Reach the simulator as the real OpenAI only, with a key of the database."""
    settings.SANDBOX_PROVIDERS_URL = ""
    settings.PROVIDER_API_KEYS = {"openai": ""}
    settings.PROVIDER_BASE_URLS = {"openai": f"{simulator.url}/openai/v1"}
    return activate("sk-first-0123456789")


def activate(secret: str) -> ProviderCredential:
    row = credentials.add_credential(
        provider="openai", label="", secret=secret, created_by=None, now=clock.now()
    )
    credentials.check_credential(row, now=clock.now())
    assert row.is_active
    return row


def test_a_key_of_the_database_is_a_live_lane(
    owner: Customer, live_openai: ProviderCredential
) -> None:
    batch = dispatched(owner.org, make_texts("hello"), DIRECT)
    run_direct()

    (row,) = rows_of(batch)
    assert (row["status"], row["lane"]) == ("completed", "openai:direct")


def test_a_job_sent_with_the_old_key_ends_with_the_new_one(
    owner: Customer, simulator: SimulatorProcess, live_openai: ProviderCredential
) -> None:
    batch = dispatched(owner.org, make_texts(*["hello"] * 5), NATIVE)
    make_due(batch)
    serve_native_lanes()
    assert simulator.stats()["batches_created"] == 1

    activate("sk-second-0123456789")
    live_openai.refresh_from_db()
    assert live_openai.retired_at is not None
    for _ in range(60):
        if not batch.units.filter(state__in=UNIT_OPEN).exists():
            break
        make_due(batch)
        serve_native_lanes()
        time.sleep(0.05)

    assert statuses_of(batch) == ["completed"] * 5
    assert simulator.stats()["batches_created"] == 1
    assert book_problems() == []
