"""Lists of batches, one batch, and its timeline."""

from datetime import timedelta
from typing import Any

import pytest

from batches.models import Batch
from batchrouter.kit import clock
from tests.batches.conftest import Customer
from tests.factories.batches import make_batch, make_item, make_items, run_batch
from tests.support.api_client import error_of
from tests.support.simulator import SimulatorProcess

BATCHES = "/v1/batches"


def listed(customer: Customer, query: str = "") -> list[str]:
    response = customer.api.get(BATCHES + query)
    assert response.status_code == 200, response.content
    return [batch["id"] for batch in response.json()["data"]]


def shown(customer: Customer, batch: Batch) -> dict[str, Any]:
    found: dict[str, Any] = customer.api.get(f"{BATCHES}/{batch.public_id}").json()
    return found


def test_the_list_shows_the_newest_first(owner: Customer) -> None:
    first, second = make_batch(owner.org), make_batch(owner.org)

    assert listed(owner) == [second.public_id, first.public_id]


def test_the_list_shows_no_strangers_batch(owner: Customer, stranger: Customer) -> None:
    make_batch(owner.org)

    assert listed(stranger) == []


def test_pages_walk_the_whole_list(owner: Customer) -> None:
    ids = [make_batch(owner.org).public_id for _ in range(3)][::-1]

    first = owner.api.get(f"{BATCHES}?limit=2").json()
    second = owner.api.get(f"{BATCHES}?limit=2&cursor={first['next_cursor']}").json()

    assert [batch["id"] for batch in first["data"]] == ids[:2]
    assert [batch["id"] for batch in second["data"]] == ids[2:]
    assert (first["has_more"], second["has_more"]) == (True, False)


def test_a_cursor_is_worth_nothing_to_a_stranger(
    owner: Customer, stranger: Customer
) -> None:
    for _ in range(2):
        make_batch(owner.org)
    cursor = owner.api.get(f"{BATCHES}?limit=1").json()["next_cursor"]

    response = stranger.api.get(f"{BATCHES}?limit=1&cursor={cursor}")

    assert error_of(response) == (400, "invalid_cursor")


def test_the_list_is_filtered_by_state(owner: Customer) -> None:
    batch = make_batch(owner.org)

    assert listed(owner, "?state=priced") == [batch.public_id]
    assert listed(owner, "?state=completed") == []


def test_the_list_is_filtered_by_time(owner: Customer) -> None:
    batch = make_batch(owner.org)
    before = clock.iso(batch.created_at - timedelta(seconds=1))
    after = clock.iso(batch.created_at + timedelta(seconds=1))

    assert listed(owner, f"?created_after={before}") == [batch.public_id]
    assert listed(owner, f"?created_after={after}") == []


def test_the_list_is_filtered_by_metadata(owner: Customer) -> None:
    ours = make_batch(owner.org, metadata={"team": "ops", "run": "7"})
    make_batch(owner.org, metadata={"team": "sales"})

    assert listed(owner, "?metadata.team=ops&metadata.run=7") == [ours.public_id]


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("?state=done", "state"),
        ("?state=priced&state=queued", "state"),
        ("?created_after=yesterday", "created_after"),
        ("?created_after=2026-11-22T10:00:00", "created_after"),
        ("?limit=-1", "limit"),
        ("?limit=1e9", "limit"),
        ("?cursor=", "cursor"),
    ],
)
def test_a_malformed_filter_is_refused_by_name(
    owner: Customer, query: str, param: str
) -> None:
    response = owner.api.get(BATCHES + query)

    assert error_of(response)[0] == 400
    assert response.json()["error"]["param"] == param


def test_a_strangers_batch_is_not_found(owner: Customer, stranger: Customer) -> None:
    batch = make_batch(owner.org)

    response = stranger.api.get(f"{BATCHES}/{batch.public_id}")

    assert error_of(response) == (404, "not_found")


def test_an_open_batch_tells_what_it_was_asked_for(owner: Customer) -> None:
    batch = make_batch(owner.org, sla_tier="flex", routing_mode="cheapest")

    body = shown(owner, batch)

    assert body["sla_tier"] == "flex"
    assert body["routing_mode"] == "cheapest"
    assert body["privacy_tier"] == "standard"
    assert body["allowed_regions"] == ["global"]
    assert body["pricing_estimate"]["total"] == "0.000248601"
    assert body["charged"] is None
    assert body["completeness"] == 0.0
    assert body["output_file_id"] is None
    assert body["route_receipt_url"] is None


def test_an_open_batch_expects_its_end_before_the_deadline(owner: Customer) -> None:
    progress = shown(owner, make_batch(owner.org))["progress"]

    assert progress["percent"] == 0.0
    assert progress["eta_low"] < progress["eta_high"]
    assert progress["stall"] is None


def test_a_batch_shows_its_billing_receipt_on_request_when_there_is_one(
    owner: Customer,
) -> None:
    batch = make_batch(owner.org)
    path = f"{BATCHES}/{batch.public_id}?include_billing_receipt="

    assert owner.api.get(path + "true").json()["billing_receipt"] is None
    assert "billing_receipt" not in owner.api.get(path + "false").json()
    assert error_of(owner.api.get(path + "yes")) == (400, "invalid_request")


def test_the_timeline_begins_with_the_submission(owner: Customer) -> None:
    batch = make_batch(owner.org)

    (event,) = owner.api.get(f"{BATCHES}/{batch.public_id}/events").json()["data"]

    assert event["type"] == "batch.submitted"
    assert event["data"] == {
        "quote_id": batch.quote.public_id,
        "items": 1,
        "reserved": "0.000248601",
    }


def test_a_strangers_timeline_is_not_found(owner: Customer, stranger: Customer) -> None:
    batch = make_batch(owner.org)

    response = stranger.api.get(f"{BATCHES}/{batch.public_id}/events")

    assert error_of(response) == (404, "not_found")


@pytest.mark.usefixtures("simulator")
class TestEnded:
    """A batch that ran to its end."""

    def test_the_timeline_tells_every_move(self, owner: Customer) -> None:
        batch = run_batch(make_batch(owner.org))

        page = owner.api.get(f"{BATCHES}/{batch.public_id}/events").json()

        assert [event["type"] for event in reversed(page["data"])] == [
            "batch.submitted",
            "batch.queued",
            "batch.running",
            "batch.finalizing",
            "batch.completed",
        ]

    def test_everything_is_counted_and_linked(self, owner: Customer) -> None:
        bad = make_item(9, input="[[sim:400]] Say hello.", model="deepseek-flash")
        batch = run_batch(make_batch(owner.org, [*make_items(3), bad]))

        body = shown(owner, batch)

        assert body["state"] == "completed"
        assert body["counts"] == {
            "total": 4,
            "pending": 0,
            "running": 0,
            "completed": 3,
            "failed": 1,
            "canceled": 0,
            "expired": 0,
        }
        assert body["completeness"] == 0.75
        assert body["progress"] == {
            "percent": 100.0,
            "eta_low": None,
            "eta_high": None,
            "stall": None,
        }
        for name in ("output", "error", "retry", "route_receipt"):
            assert body[f"{name}_file_id"].startswith("file_")
            assert body[f"{name}_file_url"].startswith("http://127.0.0.1:8000/v1/files")
        assert body["review_file_id"] is None
        assert body["route_receipt_url"] == body["route_receipt_file_url"]

    def test_the_summary_names_who_delivered_what(self, owner: Customer) -> None:
        items = [*make_items(2), make_item(2, model="deepseek-flash")]
        batch = run_batch(make_batch(owner.org, items))

        summary = shown(owner, batch)["execution_summary"]

        assert sorted(summary.pop("routed_providers")) == ["deepseek", "openai"]
        assert summary == {
            "final_provider_breakdown": {"openai": 2, "deepseek": 1},
            "fallbacks": 0,
            "retries": 0,
        }

    def test_no_provider_margin_is_shown(
        self, owner: Customer, simulator: SimulatorProcess
    ) -> None:
        batch = run_batch(make_batch(owner.org))

        assert "cost_nanousd" not in str(shown(owner, batch))
