"""A large batch while its providers fail one after another, for real."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.support import troubled_batch
from tests.support.product import Product
from tests.support.troubled_batch import ITEMS, MOVED, Outcome, outcome_of

pytestmark = pytest.mark.processes

# For a machine that is busy with other things.
PATIENCE_SECONDS = 900.0
# Rows that there are when the next worker is killed; before the first there is a job.
KILL_AT_ROWS = (0, 300, 1200, 2400, 3200, 4000)
NOBODY_KNOWS = "outcome_unknown"


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Run the batch with its script of faults to its end, and nothing else."""
    home = tmp_path_factory.mktemp("steady")
    with Product(
        home, with_redis=True, DIRECT_UNIT_ITEMS="200", LEASE_SECONDS="60"
    ) as product:
        product.simulator.settings(latency_ms=30, batch_seconds=4)
        troubled_batch.script_faults(product.simulator)
        batch_id = product.submit(troubled_batch.items())
        product.wait_for(batch_id, seconds=PATIENCE_SECONDS)
        return outcome_of(product, batch_id)


@pytest.fixture(scope="module")
def harried(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Run the same batch while one worker after another is killed."""
    home = tmp_path_factory.mktemp("harried")
    with Product(
        home, with_redis=True, DIRECT_UNIT_ITEMS="200", LEASE_SECONDS="15"
    ) as product:
        product.simulator.settings(latency_ms=200, batch_seconds=10)
        troubled_batch.script_faults(product.simulator)
        batch_id = product.submit(troubled_batch.items())
        _kill_workers(product, batch_id)
        product.wait_for(batch_id, seconds=PATIENCE_SECONDS)
        return outcome_of(product, batch_id)


def _kill_workers(product: Product, batch_id: str) -> None:
    """Kill the two kinds of worker in turn, each time that the batch has come on."""
    _wait_until(product, lambda: product.simulator.stats()["batches_created"] > 0)
    for kill, rows in enumerate(KILL_AT_ROWS):
        _wait_for_rows(product, batch_id, rows)
        product.restart("direct" if kill % 2 else "control")


def _wait_for_rows(product: Product, batch_id: str, rows: int) -> None:
    def are_there() -> bool:
        counts = product.call(f"/v1/batches/{batch_id}")[1]["counts"]
        return bool(counts["completed"] + counts["failed"] >= rows)

    _wait_until(product, are_there)


def _wait_until(product: Product, holds: Callable[[], bool]) -> None:
    product.wait_until(holds, seconds=PATIENCE_SECONDS)


@pytest.fixture(params=["steady", "harried"])
def outcome(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def test_the_batch_ends_before_its_deadline(outcome: Outcome) -> None:
    assert outcome.batch["state"] == "completed"
    assert outcome.ended_in_time()


def test_every_item_has_exactly_one_row(outcome: Outcome) -> None:
    wanted = [item["customer_item_id"] for item in troubled_batch.items()]

    assert [row["sequence_no"] for row in outcome.rows] == list(range(ITEMS))
    assert [row["customer_item_id"] for row in outcome.rows] == wanted


def test_the_counts_are_those_of_the_rows(outcome: Outcome) -> None:
    rows = Counter(row["status"] for row in outcome.rows)
    counts = outcome.batch["counts"]

    assert counts["total"] == sum(rows.values()) == ITEMS
    assert {state: n for state, n in counts.items() if n and state != "total"} == rows
    assert outcome.route["rows"]["by_status"] == rows


def test_all_operations_and_six_providers_take_part(outcome: Outcome) -> None:
    answered = [row for row in outcome.rows if row["status"] == "completed"]

    assert {row["provider"] for row in answered} == troubled_batch.ANSWERING
    assert {row["operation"] for row in answered} == troubled_batch.OPERATIONS


def test_the_charge_is_within_the_quote_and_the_books_hold(outcome: Outcome) -> None:
    bill = outcome.billing
    charges = sum(Decimal(row["cost"]["charge"]) for row in outcome.rows)

    assert 0 < Decimal(bill["charged"]) <= Decimal(bill["quote"]["total"])
    assert Decimal(bill["charged"]) == charges + Decimal(bill["fee_rounding"])
    assert "all hold" in outcome.reconciled


def test_the_route_receipt_tells_of_each_change_of_lane(outcome: Outcome) -> None:
    assert outcome.strange_moves() == []
    assert outcome.unexplained() == []


def test_jobs_that_are_found_by_our_reference_are_paid_once(outcome: Outcome) -> None:
    assert outcome.paid_by_jobs == troubled_batch.RUN_BY_JOBS
    assert outcome.paid_twice == []


def test_without_a_crash_every_item_is_answered(steady: Outcome) -> None:
    assert steady.batch["counts"]["completed"] == ITEMS


def test_without_a_crash_exactly_the_struck_items_change_lanes(steady: Outcome) -> None:
    assert steady.moved == MOVED


def test_only_what_two_dead_workers_had_in_hand_stays_unanswered(
    harried: Outcome,
) -> None:
    assert harried.failures.keys() <= {NOBODY_KNOWS}
    unanswered = [row for row in harried.rows if row["error"]]
    assert all(Decimal(row["cost"]["charge"]) == 0 for row in unanswered)


def test_workers_died_with_calls_in_hand(harried: Outcome) -> None:
    lost = [
        attempt["failures"]["worker_lost"]
        for unit in harried.route["work_units"]
        for attempt in unit["attempts"]
        if attempt["state"] == "abandoned"
    ]

    assert sum(lost) > 0
