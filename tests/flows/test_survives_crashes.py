"""A batch through SIGKILL, an emptied Redis and a crashed PostgreSQL, for real."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.product import Product

pytestmark = pytest.mark.processes

ITEMS = 2000


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    with Product(tmp_path, with_redis=True, DIRECT_UNIT_ITEMS="200") as running:
        yield running


def _items() -> list[dict[str, Any]]:
    """Half for a native-batch lane, half for a lane that has direct calls only."""
    return [
        {
            "customer_item_id": f"item-{number}",
            "operation": "responses",
            "model": "gpt-5.4-mini" if number % 2 else "deepseek-flash",
            "input": {
                "input": f"Summarize note {number}: the order was late.",
                "max_output_tokens": 32,
            },
        }
        for number in range(ITEMS)
    ]


def test_every_item_has_one_row_and_no_job_is_paid_twice(product: Product) -> None:
    product.simulator.settings(latency_ms=150, batch_seconds=6)
    batch_id = product.submit(_items())

    for trouble in ("direct", "control", "redis", "direct", "postgres", "control"):
        time.sleep(1.2)
        if trouble == "redis":
            product.empty_redis()
        elif trouble == "postgres":
            product.crash_postgres()
        else:
            product.restart(trouble)
    batch = product.wait_for(batch_id, seconds=400)

    assert batch["state"] == "completed"
    assert batch["counts"]["completed"] == ITEMS
    rows = product.rows(batch_id)
    assert [row["sequence_no"] for row in rows] == list(range(ITEMS))
    assert {row["customer_item_id"] for row in rows} == {
        f"item-{number}" for number in range(ITEMS)
    }
    paid = Counter(_native_numbers(product))
    assert set(paid) == set(range(1, ITEMS, 2))
    assert max(paid.values()) == 1
    assert "all hold" in product.manage("ledger_reconcile")


def _native_numbers(product: Product) -> Iterator[int]:
    """Yield the item number of every paid row of a native job, once per payment."""
    for ref, times in product.simulator.accepted("pexec_").items():
        number = int(ref.rpartition("-")[2])
        if number % 2:
            yield from [number] * times


def test_lost_direct_calls_are_sent_once_more_and_booked_as_ours(
    product: Product,
) -> None:
    product.simulator.settings(latency_ms=400)
    items = [item for item in _items() if item["model"] == "deepseek-flash"][:400]
    batch_id = product.submit(items)
    product.wait_until(lambda: len(product.simulator.accepted("pexec_")) >= 32)
    product.restart("direct")
    batch = product.wait_for(batch_id, seconds=400)

    assert batch["counts"]["completed"] == 400
    sent = Counter(
        int(ref.rpartition("-")[2])
        for ref, times in product.simulator.accepted("pexec_").items()
        for _ in range(times)
    )
    assert set(sent) == set(range(400))
    assert max(sent.values()) <= 2
    abandoned = [
        attempt
        for unit in product.call(f"/v1/batches/{batch_id}/route-receipt")[1]["receipt"][
            "work_units"
        ]
        for attempt in unit["attempts"]
        if attempt["state"] == "abandoned"
    ]
    assert abandoned
    lost = sum(attempt["failures"]["worker_lost"] for attempt in abandoned)
    assert lost >= sum(times - 1 for times in sent.values())
    assert "all hold" in product.manage("ledger_reconcile")
