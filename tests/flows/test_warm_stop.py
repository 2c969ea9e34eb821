"""A worker that is asked to stop hands its units on, and no call is lost."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.product import Product

pytestmark = pytest.mark.processes

ITEMS = 600


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    with Product(tmp_path, with_redis=False, DIRECT_WINDOW="32") as running:
        yield running


def test_the_next_worker_goes_on_and_nothing_is_asked_twice(product: Product) -> None:
    product.simulator.settings(latency_ms=300)
    batch_id = product.submit(
        [
            {
                "customer_item_id": f"item-{number}",
                "operation": "responses",
                "model": "deepseek-flash",
                "input": {"input": f"Note {number}", "max_output_tokens": 16},
            }
            for number in range(ITEMS)
        ]
    )
    product.wait_until(lambda: len(product.simulator.accepted("pexec_")) >= 50)
    seconds = product.stop_warmly("direct")
    product.start("direct")
    batch = product.wait_for(batch_id, seconds=300)

    assert seconds < 60
    assert batch["counts"]["completed"] == ITEMS
    sent = Counter(
        int(ref.rpartition("-")[2])
        for ref, times in product.simulator.accepted("pexec_").items()
        for _ in range(times)
    )
    assert sent == Counter(range(ITEMS))
    outcomes = {
        attempt["outcome"]
        for unit in product.call(f"/v1/batches/{batch_id}/route-receipt")[1]["receipt"][
            "work_units"
        ]
        for attempt in unit["attempts"]
    }
    assert "worker" in outcomes
