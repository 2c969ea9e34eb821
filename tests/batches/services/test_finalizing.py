"""The end of a batch: its files, its money, its receipts."""

from datetime import timedelta
from typing import Any

import orjson
import pytest

from batches.models import Batch, ResultRow, StoredFile
from batches.services.artifacts import RowsIncomplete
from batches.services.finalizing import finalize_batch
from batches.store import store
from batchrouter.kit import clock
from batchrouter.kit.hashing import leaf_digest, merkle_root_hex, sha256_hex
from batchrouter.kit.money import parse_usd
from billing.models import Reservation
from billing.receipts import public_keys
from billing.verification import verify_receipt_document
from tests.batches.conftest import Customer
from tests.batches.engine.builders import dispatched, run_direct
from tests.factories.batches import (
    book_problems,
    lines_of,
    make_batch,
    make_item,
    make_items,
    run_batch,
    run_units,
)
from tests.support.api_client import error_of
from tests.support.simulator import SimulatorProcess

pytestmark = pytest.mark.usefixtures("simulator")

DIRECT: dict[str, Any] = {"model": "deepseek-flash"}
REFUSED: dict[str, Any] = {**DIRECT, "input": "[[sim:400]] Say hello."}


def content_of(file: StoredFile | None) -> bytes:
    assert file is not None
    return store().path(file.storage_key).read_bytes()


def rows_of(file: StoredFile | None) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in content_of(file).splitlines()]


def mixed_items() -> list[dict[str, Any]]:
    """Return six items on two lanes, two of which fail."""
    return [
        make_item(0),
        make_item(1, **REFUSED),
        make_item(2, **DIRECT),
        make_item(3),
        make_item(4, **REFUSED),
        make_item(5, **DIRECT),
    ]


@pytest.fixture
def mixed(owner: Customer) -> Batch:
    """Run the mixed items to their end, by direct calls because they are urgent."""
    due = clock.iso(clock.now() + timedelta(minutes=30))
    return run_batch(make_batch(owner.org, mixed_items(), deadline_at=due))


def receipt_of(owner: Customer, batch: Batch, kind: str) -> dict[str, Any]:
    response = owner.api.get(f"/v1/batches/{batch.public_id}/{kind}-receipt")
    assert response.status_code == 200
    found: dict[str, Any] = response.json()
    return found


def test_every_row_is_in_exactly_one_file_in_input_order(mixed: Batch) -> None:
    output = [row["sequence_no"] for row in rows_of(mixed.output_file)]
    error = [row["sequence_no"] for row in rows_of(mixed.error_file)]

    assert (output, error) == ([0, 2, 3, 5], [1, 4])


def test_the_output_holds_the_raw_replies(mixed: Batch) -> None:
    assert all(row["raw"] for row in rows_of(mixed.output_file))


def test_the_retry_file_repeats_the_input_lines(mixed: Batch) -> None:
    items = mixed_items()

    assert content_of(mixed.retry_file) == lines_of([items[1], items[4]])


def test_files_are_what_their_rows_say(mixed: Batch) -> None:
    for file in (mixed.output_file, mixed.error_file, mixed.retry_file):
        data = content_of(file)
        assert file is not None
        assert file.sha256 == sha256_hex(data)
        assert file.size_bytes == len(data)
        assert file.line_count == data.count(b"\n")


def test_the_rows_charges_and_the_rounding_make_up_the_bill(
    owner: Customer, mixed: Batch
) -> None:
    rows = [*rows_of(mixed.output_file), *rows_of(mixed.error_file)]
    receipt = receipt_of(owner, mixed, "billing")["receipt"]

    charges = sum(parse_usd(row["cost"]["charge"]) for row in rows)
    assert mixed.charged_nanousd == charges + parse_usd(receipt["fee_rounding"])
    assert parse_usd(receipt["charged"]) == mixed.charged_nanousd


def test_the_charge_is_within_the_quote(mixed: Batch) -> None:
    assert mixed.charged_nanousd is not None
    assert 0 < mixed.charged_nanousd <= mixed.quote.total_nanousd


def test_the_reservation_is_closed_by_the_charge(mixed: Batch) -> None:
    held = Reservation.objects.get(purpose=mixed.purpose)

    assert held.state == "closed"
    assert held.usage_nanousd + held.fee_nanousd == mixed.charged_nanousd
    assert held.released_nanousd == held.amount_nanousd - (mixed.charged_nanousd or 0)


def test_failed_rows_cost_nothing(mixed: Batch) -> None:
    failed = ResultRow.objects.filter(batch_id=mixed.pk, status="failed")

    assert [row.charge_nanousd for row in failed] == [0, 0]


def test_the_books_hold_afterwards(mixed: Batch) -> None:
    assert book_problems() == []


@pytest.mark.parametrize("kind", ["route", "billing"])
def test_receipts_verify_with_the_published_key(
    owner: Customer, mixed: Batch, kind: str
) -> None:
    keys = {key["key_id"]: key["public_key"] for key in public_keys()}

    verdict = verify_receipt_document(receipt_of(owner, mixed, kind), keys)

    assert verdict.problems == ()


def test_the_merkle_root_is_over_the_rows_of_the_files(
    owner: Customer, mixed: Batch
) -> None:
    lines = [
        line + b"\n"
        for file in (mixed.output_file, mixed.error_file)
        for line in content_of(file).split(b"\n")[:-1]
    ]
    lines.sort(key=lambda line: int(orjson.loads(line)["sequence_no"]))

    rows = receipt_of(owner, mixed, "route")["receipt"]["rows"]

    assert rows["merkle_root"] == merkle_root_hex([leaf_digest(line) for line in lines])
    assert rows["total"] == 6
    assert rows["by_status"] == {"completed": 4, "failed": 2}


def test_the_route_receipt_names_candidates_and_attempts(
    owner: Customer, mixed: Batch
) -> None:
    receipt = receipt_of(owner, mixed, "route")["receipt"]

    assert len(receipt["decisions"]) == 2
    for decision in receipt["decisions"]:
        assert decision["candidates"]
        assert decision["fallback_order"]
    attempts = [found for unit in receipt["work_units"] for found in unit["attempts"]]
    assert {(found["provider"], found["mode"]) for found in attempts} == {
        ("openai", "direct"),
        ("deepseek", "direct"),
    }
    assert all(found["ended_at"] for found in attempts)


def test_the_route_receipt_of_a_batch_that_kept_its_lanes_has_no_change(
    owner: Customer, mixed: Batch
) -> None:
    assert receipt_of(owner, mixed, "route")["receipt"]["lane_changes"] == []


def test_the_route_receipt_tells_why_a_lane_changed(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    simulator.post_fault({"match": {"provider": "openai"}, "fault": {"kind": "401"}})
    batch = dispatched(
        owner.org, make_items(3), ("openai", "direct"), ("deepseek", "direct")
    )
    run_direct()
    finalize_batch(batch.pk, now=clock.now())
    batch.refresh_from_db()

    receipt = receipt_of(owner, batch, "route")["receipt"]
    (unit,), (change,) = receipt["work_units"], receipt["lane_changes"]
    attempts = unit["attempts"]
    assert attempts[0]["ended_at"] <= change.pop("at") <= attempts[1]["started_at"]
    assert change == {
        "work_unit_id": unit["work_unit_id"],
        "from_provider": "openai",
        "from_model": "gpt-5.4-mini",
        "from_mode": "direct",
        "to_provider": "deepseek",
        "to_model": "deepseek-flash",
        "to_mode": "direct",
        "items": 3,
        "cause": "provider_credential",
        "causes": {"provider_credential": 3},
    }


def test_the_receipts_file_is_the_receipt(owner: Customer, mixed: Batch) -> None:
    stored = orjson.loads(content_of(mixed.route_receipt_file))

    assert stored == receipt_of(owner, mixed, "route")


def test_the_billing_receipt_follows_the_route_receipt(
    owner: Customer, mixed: Batch
) -> None:
    route = receipt_of(owner, mixed, "route")
    billing = receipt_of(owner, mixed, "billing")

    assert billing["previous_sha256"] == route["sha256"]


def test_the_billing_receipt_names_the_price_and_its_source(
    owner: Customer, mixed: Batch
) -> None:
    prices = receipt_of(owner, mixed, "billing")["receipt"]["prices"]

    (direct,) = [price for price in prices if price["provider"] == "openai"]
    assert (direct["input"], direct["output"]) == ("0.75", "4.50")
    assert direct["source"].startswith("https://")
    assert direct["as_of"]


def test_the_batch_carries_its_billing_receipt_on_request(
    owner: Customer, mixed: Batch
) -> None:
    path = f"/v1/batches/{mixed.public_id}?include_billing_receipt=true"

    body = owner.api.get(path).json()

    assert body["billing_receipt"] == receipt_of(owner, mixed, "billing")


def test_an_open_batch_has_no_receipt_yet(owner: Customer) -> None:
    batch = make_batch(owner.org)

    response = owner.api.get(f"/v1/batches/{batch.public_id}/route-receipt")

    assert error_of(response) == (404, "receipt_not_ready")


def test_a_strangers_receipt_is_not_found(mixed: Batch, stranger: Customer) -> None:
    response = stranger.api.get(f"/v1/batches/{mixed.public_id}/billing-receipt")

    assert error_of(response) == (404, "not_found")


def test_a_batch_without_a_single_answer_has_failed_for_nothing(
    owner: Customer,
) -> None:
    batch = run_batch(make_batch(owner.org, [make_item(0, **REFUSED)]))

    assert (batch.state, batch.terminal_reason) == ("failed", "all_rows_failed")
    assert batch.charged_nanousd == 0
    assert batch.output_file is None
    assert book_problems() == []


def test_a_missing_row_stops_the_end(owner: Customer) -> None:
    batch = make_batch(owner.org, make_items(2, **DIRECT))
    run_units(batch)
    ResultRow.objects.filter(batch_id=batch.pk, seq=1).delete()

    with pytest.raises(RowsIncomplete):
        finalize_batch(batch.pk, now=clock.now())

    held = Reservation.objects.get(purpose=batch.purpose)
    assert held.state == "open"
    assert not StoredFile.objects.filter(purpose="output").exists()


def test_damaged_bytes_stop_the_end(owner: Customer) -> None:
    batch = make_batch(owner.org, make_items(2, **DIRECT))
    run_units(batch)
    ResultRow.objects.filter(batch_id=batch.pk, seq=1).update(length=5)

    with pytest.raises(RowsIncomplete):
        finalize_batch(batch.pk, now=clock.now())


def test_the_same_batch_again_gives_the_same_bytes(mixed: Batch) -> None:
    keys = {
        file.storage_key
        for file in (mixed.output_file, mixed.error_file, mixed.retry_file)
        if file is not None
    }

    assert all(key == f"blobs/{key[-64:-62]}/{key[-64:]}" for key in keys)
    assert {sha256_hex(store().path(key).read_bytes()) for key in keys} == {
        key[-64:] for key in keys
    }


def test_a_batch_with_open_units_is_not_ended(owner: Customer) -> None:
    batch = make_batch(owner.org)

    finalize_batch(batch.pk, now=clock.now())

    assert Batch.objects.get(pk=batch.pk).state == "priced"
