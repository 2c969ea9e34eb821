"""Work in a provider's hands is told by offering, and as a word to the public."""

import time
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from batches.backlog import IN_HAND, items_in_hand
from batches.engine.native import serve_native_lanes
from batches.models import Batch
from batchrouter.kit import clock
from catalog import health
from catalog.models import Offering
from tests.batches.conftest import Customer
from tests.batches.engine.builders import (
    NATIVE,
    dispatched,
    executions_of,
    make_due,
    make_texts,
    units_of,
)
from tests.support.simulator import SimulatorProcess


@pytest.fixture(autouse=True)
def long_pause(simulator: SimulatorProcess, settings: Any) -> None:
    """Let a job that was sent rest until a test makes it due."""
    settings.NATIVE_POLL_FIRST_SECONDS = settings.NATIVE_POLL_MAX_SECONDS = 60


def sent(owner: Customer, count: int, **wishes: Any) -> Batch:
    """A batch that a provider has taken and not given back."""
    batch = dispatched(owner.org, make_texts(*["hello"] * count), NATIVE, **wishes)
    serve_native_lanes()
    return batch


def test_items_that_a_provider_has_are_its_backlog(owner: Customer) -> None:
    (execution,) = executions_of(sent(owner, 7))

    assert items_in_hand(clock.now()) == {execution.offering_id: 7}


def test_batches_at_one_offering_are_added_up(owner: Customer) -> None:
    sent(owner, 7)
    (execution,) = executions_of(sent(owner, 4))

    assert items_in_hand(clock.now()) == {execution.offering_id: 11}


def test_work_that_waits_for_us_is_nobodys_backlog(owner: Customer) -> None:
    dispatched(owner.org, make_texts("hello"), NATIVE)

    assert items_in_hand(clock.now()) == {}


def test_work_that_came_back_is_no_backlog(owner: Customer) -> None:
    batch = sent(owner, 7)
    give_up = time.monotonic() + 120
    while [unit.state for unit in units_of(batch)] != ["done"]:
        assert time.monotonic() < give_up
        make_due(batch)
        serve_native_lanes()

    assert items_in_hand(clock.now()) == {}


def test_test_keys_have_no_backlog(owner: Customer) -> None:
    sent(owner, 7, is_test=True)

    assert items_in_hand(clock.now()) == {}


def test_the_public_sees_a_word_and_no_count(owner: Customer, client: Client) -> None:
    sent(owner, 7)

    reply = client.get("/v1/catalog/providers/openai").json()

    assert reply["present"] == {
        "backlog": "small",
        "open_breakers": 0,
        "drifting_lanes": 0,
    }


@pytest.mark.parametrize(
    ("items", "word"),
    [(999, "small"), (1_000, "medium"), (99_999, "medium"), (100_000, "large")],
)
def test_the_word_follows_the_count(market: None, items: int, word: str) -> None:
    offering = Offering.objects.select_related("provider").order_by("pk")[0]
    health.register_reading("backlog_items", lambda _now: {offering.pk: items})
    try:
        present = health.present_by_provider(now=clock.now())
    finally:
        health.register_reading("backlog_items", items_in_hand)

    assert present[offering.provider_id].backlog == word


def test_only_open_units_are_read(owner: Customer) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {IN_HAND}")
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "unit_leased" in plan
    assert "unit_due" in plan
    assert "execution_by_unit" in plan
