"""Does a batch keep its promises while providers fail and workers are killed?

    python -m proofs.lane_faults [--seconds-between 20] [--latency-ms 1500]

Starts the real product on services of its own, with the default lease, and submits
5,000 items over seven providers with a script of faults
(``tests/support/troubled_batch.py``). Until the batch ends one worker after another is
killed and started again. Exits with 1 where a promise is broken.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from tests.support import troubled_batch
from tests.support.product import Product
from tests.support.troubled_batch import ITEMS, Outcome, outcome_of

_WORKERS = ("control", "direct")
_ENDED = {"completed", "failed", "canceled"}
_PATIENCE_SECONDS = 3600.0
_LOOK_SECONDS = 0.5


def kill_until_ended(product: Product, batch_id: str, *, pause_seconds: float) -> int:
    """Kill a worker each time the pause is over, in turn; return how many there were.

    Raises:
        AssertionError: the batch does not end within an hour.
    """
    kills, began = 0, time.monotonic()
    next_at = began + pause_seconds
    while not _has_ended(product, batch_id):
        now = time.monotonic()
        if now - began > _PATIENCE_SECONDS:
            raise AssertionError(f"{batch_id} did not end\n{product.logs()}")
        if now >= next_at:
            product.restart(_WORKERS[kills % len(_WORKERS)])
            kills += 1
            next_at = now + pause_seconds
        time.sleep(_LOOK_SECONDS)
    return kills


def judge(outcome: Outcome) -> Iterator[str]:
    """Yield every promise that was broken."""
    if outcome.batch["state"] != "completed" or not outcome.ended_in_time():
        yield f"the batch {outcome.batch['state']}, in time: {outcome.ended_in_time()}"
    wanted = [item["customer_item_id"] for item in troubled_batch.items()]
    if [row["customer_item_id"] for row in outcome.rows] != wanted:
        yield f"{len(outcome.rows)} rows for {ITEMS} items, or not theirs"
    bill = outcome.billing
    if not 0 < Decimal(bill["charged"]) <= Decimal(bill["quote"]["total"]):
        yield f"charged {bill['charged']} on a quote of {bill['quote']['total']}"
    if outcome.strange_moves() or outcome.unexplained():
        yield f"changes of lane: {outcome.causes}, untold: {outcome.unexplained()}"
    if outcome.paid_by_jobs != troubled_batch.RUN_BY_JOBS or outcome.paid_twice:
        yield f"jobs ran {outcome.paid_by_jobs}, twice: {len(outcome.paid_twice)}"
    if "all hold" not in outcome.reconciled:
        yield f"the books: {outcome.reconciled}"


def main() -> int:
    """Run the campaign."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds-between", type=float, default=20.0)
    arguments.add_argument("--latency-ms", type=float, default=1500.0)
    chosen = arguments.parse_args()
    with (
        tempfile.TemporaryDirectory() as home,
        Product(Path(home), with_redis=True, LEASE_SECONDS="30") as product,
    ):
        product.simulator.settings(latency_ms=chosen.latency_ms, batch_seconds=45)
        troubled_batch.script_faults(product.simulator)
        began = time.monotonic()
        batch_id = product.submit(troubled_batch.items())
        kills = kill_until_ended(
            product, batch_id, pause_seconds=chosen.seconds_between
        )
        seconds = time.monotonic() - began
        outcome = outcome_of(product, batch_id)
    problems = list(judge(outcome))
    print(f"{kills} workers killed in {seconds:.0f} s")
    print(f"counts: {json.dumps(outcome.batch['counts'])}")
    print(f"without an answer, by code: {json.dumps(outcome.failures)}")
    for (left, taken), moved in outcome.moved.items():
        causes = ", ".join(sorted(outcome.causes[left, taken]))
        print(f"moved: {moved} items from {left} to {taken}, {causes}")
    charged, total = outcome.billing["charged"], outcome.billing["quote"]["total"]
    print(f"charged {charged} of at most {total} USD")
    print(f"rows run by jobs: {json.dumps(outcome.paid_by_jobs)}")
    for problem in problems:
        print(f"VIOLATION: {problem}")
    return 1 if problems else 0


def _has_ended(product: Product, batch_id: str) -> bool:
    return product.call(f"/v1/batches/{batch_id}")[1]["state"] in _ENDED


if __name__ == "__main__":
    sys.exit(main())
