"""POST /v1/batches."""

from datetime import timedelta
from typing import Any

import pytest

from batches.models import Batch, Manifest, Quote
from batchrouter.kit import clock
from billing.models import LedgerTransaction, Reservation
from tests.batches.conftest import Customer, make_customer
from tests.factories.batches import (
    book_problems,
    make_item,
    make_items,
    make_manifest,
    make_quote,
)
from tests.support.api_client import error_of

BATCHES = "/v1/batches"


def created(customer: Customer, body: dict[str, Any], **headers: str) -> dict[str, Any]:
    response = customer.api.post(BATCHES, body, **headers)
    assert response.status_code == 202, response.content
    found: dict[str, Any] = response.json()
    return found


def test_a_manifest_becomes_a_priced_batch(owner: Customer) -> None:
    body = created(owner, {"items": make_items(3), "metadata": {"team": "ops"}})

    assert body["state"] == "priced"
    assert body["counts"] == {
        "total": 3,
        "pending": 3,
        "running": 0,
        "completed": 0,
        "failed": 0,
        "canceled": 0,
        "expired": 0,
    }
    assert body["metadata"] == {"team": "ops"}
    assert body["org_id"] == owner.org.public_id


def test_the_batch_stands_at_top_level_and_under_batch(owner: Customer) -> None:
    body = created(owner, {"items": make_items(1)})

    inner = body.pop("batch")
    assert inner == body


def test_the_total_is_reserved_at_once(owner: Customer) -> None:
    body = created(owner, {"items": make_items(1)})

    held = Reservation.objects.get()
    assert held.amount_nanousd == 248_601
    assert held.purpose == f"batch:{body['id']}"


def test_a_quote_is_submitted_by_its_id(owner: Customer) -> None:
    quote = make_quote(owner.org, make_items(2))

    body = created(owner, {"quote_id": quote.public_id})

    assert body["quote_id"] == quote.public_id
    assert body["counts"]["total"] == 2
    shown = owner.api.get(f"/v1/quotes/{quote.public_id}").json()
    assert shown["state"] == "accepted"


def test_a_quote_is_submitted_with_the_same_manifest(owner: Customer) -> None:
    manifest = {"items": make_items(2), "sla_tier": "flex"}
    quote = owner.api.post("/v1/batches/quote", manifest).json()

    body = created(owner, {"quote_id": quote["quote_id"], **manifest})

    assert body["quote_id"] == quote["quote_id"]


def test_a_quote_with_another_manifest_is_refused(owner: Customer) -> None:
    quote = make_quote(owner.org, make_items(2))

    response = owner.api.post(
        BATCHES, {"quote_id": quote.public_id, "items": make_items(3)}
    )

    assert error_of(response) == (409, "quote_manifest_mismatch")
    quote.refresh_from_db()
    assert quote.state == "active"
    assert Manifest.objects.count() == 1


def test_a_quote_with_other_wishes_is_refused(owner: Customer) -> None:
    manifest = {"items": make_items(2)}
    quote = owner.api.post("/v1/batches/quote", manifest).json()

    response = owner.api.post(
        BATCHES, {"quote_id": quote["quote_id"], **manifest, "sla_tier": "flex"}
    )

    assert error_of(response) == (409, "quote_manifest_mismatch")


def test_a_quote_makes_one_batch_only(owner: Customer) -> None:
    quote = make_quote(owner.org)
    created(owner, {"quote_id": quote.public_id})

    response = owner.api.post(BATCHES, {"quote_id": quote.public_id})

    assert error_of(response) == (409, "quote_accepted")
    assert Batch.objects.count() == 1
    assert Reservation.objects.count() == 1


def points_of(customer: Customer, **wishes: Any) -> dict[str, str]:
    """Quote an item and return the ids of the curve's points by tier."""
    body = {"items": make_items(1), **wishes}
    quote = customer.api.post("/v1/batches/quote", body).json()
    return {
        point["sla_tier"]: point["quote_id"] for point in quote["price_deadline_curve"]
    }


def test_a_point_of_the_curve_is_submitted_by_its_id(owner: Customer) -> None:
    flex = points_of(owner)["flex"]

    body = created(owner, {"quote_id": flex})

    assert (body["quote_id"], body["sla_tier"]) == (flex, "flex")
    shown = owner.api.get(f"/v1/quotes/{flex}").json()
    assert shown["state"] == "accepted"
    assert shown["pricing_estimate"] == body["pricing_estimate"]
    assert shown["deadline_at"] == body["deadline_at"]


def test_of_the_points_of_a_curve_one_makes_a_batch(owner: Customer) -> None:
    points = points_of(owner)
    created(owner, {"quote_id": points["flex"]})

    response = owner.api.post(BATCHES, {"quote_id": points["standard"]})

    assert error_of(response) == (409, "quote_accepted")
    assert Batch.objects.count() == 1
    assert Reservation.objects.count() == 1
    shown = owner.api.get(f"/v1/quotes/{points['standard']}").json()
    assert shown["state"] == "void"


def test_a_point_is_submitted_with_the_manifest_at_its_tier(owner: Customer) -> None:
    flex = points_of(owner)["flex"]
    manifest = {"items": make_items(1), "sla_tier": "flex"}

    body = created(owner, {"quote_id": flex, **manifest})

    assert body["quote_id"] == flex


def test_a_strangers_point_is_not_found(owner: Customer, stranger: Customer) -> None:
    flex = points_of(owner)["flex"]

    response = stranger.api.post(BATCHES, {"quote_id": flex})

    assert error_of(response) == (404, "not_found")
    assert not Batch.objects.exists()


def test_a_manifest_submitted_at_once_leaves_no_points_behind(
    owner: Customer,
) -> None:
    created(owner, {"items": make_items(1)})

    assert Quote.objects.get().reply["price_deadline_curve"] == []


def test_an_expired_quote_reserves_nothing(owner: Customer) -> None:
    quote = make_quote(owner.org)
    Quote.objects.filter(pk=quote.pk).update(
        valid_until=clock.now() - timedelta(seconds=1)
    )

    response = owner.api.post(BATCHES, {"quote_id": quote.public_id})

    assert error_of(response) == (410, "quote_expired")
    assert not Batch.objects.exists()
    assert not Reservation.objects.exists()


def test_a_strangers_quote_is_not_found(owner: Customer, stranger: Customer) -> None:
    quote = make_quote(owner.org)

    response = stranger.api.post(BATCHES, {"quote_id": quote.public_id})

    assert error_of(response) == (404, "not_found")


@pytest.mark.parametrize("quote_id", [7, None, ["a"]])
def test_a_quote_id_that_is_no_text_is_refused(
    owner: Customer, quote_id: object
) -> None:
    response = owner.api.post(BATCHES, {"quote_id": quote_id})

    assert error_of(response) == (400, "invalid_request")
    assert response.json()["error"]["param"] == "quote_id"


def test_too_few_credits_change_nothing_and_show_the_funding(market: None) -> None:
    poor = make_customer(usd=1)
    entries_before = LedgerTransaction.objects.count()
    items = make_items(5, input={"input": "Say hello.", "max_output_tokens": 100_000})

    response = poor.api.post(BATCHES, {"items": items})

    assert error_of(response) == (402, "insufficient_credits")
    error = response.json()["error"]
    assert error["type"] == "billing_error"
    assert error["details"] == {
        "available": {"amount": "1.00", "currency": "usd"},
        "reserved": {"amount": "0.00", "currency": "usd"},
        # 5 times (26 * 375 + 100,000 * 2,250); for every rounding but one a token
        # of input and a nano-dollar; and the fee.
        "quote_total": {"amount": "1.191428219", "currency": "usd"},
        "shortfall": {"amount": "0.191428219", "currency": "usd"},
        "can_fund": False,
    }
    assert not Batch.objects.exists()
    assert not Quote.objects.exists()
    assert not Reservation.objects.exists()
    assert LedgerTransaction.objects.count() == entries_before


def test_the_same_key_and_body_give_the_first_reply_again(owner: Customer) -> None:
    body = {"items": make_items(1)}
    first = owner.api.post(BATCHES, body, idempotency_key="k-1")

    again = owner.api.post(BATCHES, body, idempotency_key="k-1")

    assert again.status_code == 202
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert Batch.objects.count() == 1


def test_the_same_key_with_another_body_is_refused(owner: Customer) -> None:
    created(owner, {"items": make_items(1)}, idempotency_key="k-1")

    response = owner.api.post(BATCHES, {"items": make_items(2)}, idempotency_key="k-1")

    assert error_of(response) == (422, "idempotency_key_reused")
    assert Batch.objects.count() == 1


def test_a_refused_create_leaves_its_key_unused(owner: Customer) -> None:
    refused = {"items": make_items(1), "max_price": "0.0001"}
    response = owner.api.post(BATCHES, refused, idempotency_key="k-1")
    assert error_of(response) == (422, "max_price_exceeded")

    created(owner, {"items": make_items(1)}, idempotency_key="k-1")
    assert Batch.objects.count() == 1


def test_two_organizations_may_use_one_key(owner: Customer, stranger: Customer) -> None:
    body = {"items": make_items(1)}

    first = created(owner, body, idempotency_key="k-1")
    second = created(stranger, body, idempotency_key="k-1")

    assert first["id"] != second["id"]


@pytest.mark.parametrize("key", ["", "a b", "ü", "x" * 256])
def test_a_key_that_is_not_visible_ascii_is_refused(owner: Customer, key: str) -> None:
    response = owner.api.post(BATCHES, {"items": make_items(1)}, idempotency_key=key)

    assert error_of(response) == (400, "invalid_request")
    assert response.json()["error"]["param"] == "Idempotency-Key"
    assert not Batch.objects.exists()


def test_a_file_serves_many_batches(owner: Customer) -> None:
    file_id = make_manifest(owner.org, make_items(2)).file.public_id

    first = created(owner, {"input_file_id": file_id})
    second = created(owner, {"input_file_id": file_id})

    assert first["id"] != second["id"]
    assert first["input_file_id"] == second["input_file_id"] == file_id


def test_a_webhook_is_shown_without_its_secret(owner: Customer) -> None:
    delivery = {"webhook_url": "https://example.com/hook", "secret": "s" * 32}

    body = created(owner, {"items": make_items(1), "delivery": delivery})

    assert body["delivery"] == {
        "webhook_url": "https://example.com/hook",
        "last_attempt": None,
    }
    assert "s" * 32 not in str(body)


def test_creates_reconcile(owner: Customer) -> None:
    created(owner, {"items": make_items(2)}, idempotency_key="k-1")
    created(owner, {"items": [make_item(0)]})

    assert book_problems() == []
