"""The main job, as a customer does it: file, quote, batch, rows, receipts."""

import time
import uuid
from decimal import Decimal

from devtools import demo_report, places
from devtools.api import JSON, Api
from devtools.say import Trouble, say
from devtools.stack import Stack

EXAMPLE = places.ROOT / "examples" / "support_rollup.ndjson"
TERMINAL = ("completed", "failed", "canceled")
POLL_SECONDS = 0.5
GIVE_UP_SECONDS = 600
SHOWN_ROWS = 5
ENDS = ("completed", "failed", "canceled", "expired")


def do_main_job(api: Api, stack: Stack) -> None:
    """Quote, run and settle the example's items, and show every step.

    Raises:
        Trouble: the batch did not complete, or its counts or money do not add up.
    """
    content = EXAMPLE.read_bytes()
    items = content.count(b"\n")
    sent = api.upload("/v1/batches/input-manifests", content, "application/x-ndjson")
    say(f"\n1. Uploaded {items} items as {sent['id']}")

    quote = api.post("/v1/batches/quote", _wishes(sent["id"]))
    say(f"\n2. Quote {quote['quote_id']}")
    demo_report.show_quote(quote)

    batch = api.post(
        "/v1/batches",
        {"quote_id": quote["quote_id"]},
        {"Idempotency-Key": f"demo-{uuid.uuid4()}"},
    )
    say(f"\n3. Batch {batch['id']}")
    batch = _follow(api, stack, batch)
    _check_counts(batch, items)

    _show_outcome(api, stack, batch)


def _wishes(file_id: str) -> JSON:
    return {
        "input_file_id": file_id,
        "sla_tier": "standard",
        "routing_mode": "sla_aware",
        "privacy_tier": "standard",
        "allowed_regions": ["global"],
    }


def _follow(api: Api, stack: Stack, batch: JSON) -> JSON:
    """Poll until the batch has ended, showing its counts."""
    give_up = time.monotonic() + GIVE_UP_SECONDS
    with demo_report.progress(batch["counts"]["total"]) as show:
        while batch["state"] not in TERMINAL:
            if time.monotonic() > give_up:
                raise Trouble(f"The batch is still {batch['state']} after 10 minutes.")
            time.sleep(POLL_SECONDS)
            stack.runner.ensure_alive()
            batch = api.get(f"/v1/batches/{batch['id']}")
            show(batch["state"], batch["counts"])
    return batch


def _check_counts(batch: JSON, items: int) -> None:
    counts = batch["counts"]
    ended = sum(counts[end] for end in ENDS)
    if batch["state"] != "completed":
        raise Trouble(f"The batch {batch['state']}: {batch['terminal_reason']}")
    if not ended == counts["total"] == items:
        raise Trouble(f"The counts do not add up to {items}: {counts}")


def _show_outcome(api: Api, stack: Stack, batch: JSON) -> None:
    path = f"/v1/batches/{batch['id']}"
    rows = api.get(f"{path}/results?limit={SHOWN_ROWS}")["data"]
    say(f"\n4. The first {len(rows)} rows")
    demo_report.show_rows(rows)

    say("\n5. Route receipt")
    demo_report.show_route(api.get(f"{path}/route-receipt"))

    say("\n6. Billing receipt")
    receipt = api.get(f"{path}/billing-receipt")
    demo_report.show_bill(receipt)
    _check_money(receipt["receipt"])
    file = places.var_dir() / "demo" / f"{batch['id']}-billing-receipt.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(api.fetch("GET", f"{path}/billing-receipt"))
    for line in stack.manage("verify_receipt", str(file)).strip().splitlines():
        say(f"   {line}")


def _check_money(receipt: JSON) -> None:
    reserved, charged, released, usage, fee = (
        Decimal(receipt[name])
        for name in (
            "reserved",
            "charged",
            "released",
            "provider_subtotal",
            "service_fee",
        )
    )
    if charged + released != reserved or usage + fee != charged:
        raise Trouble(f"The money does not add up: {receipt}")
