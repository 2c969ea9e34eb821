"""GET /v1/billing and its lists, as a program calls them."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client, RequestFactory

from accounts.keys import create_key
from accounts.models import Org
from batchrouter.kit.money import NANO_PER_USD
from billing.api import signing_keys
from billing.models import LedgerTransaction
from billing.receipts import public_keys
from billing.reservations import settle
from tests.factories.accounts import OrgFactory
from tests.factories.billing import NOON, ReservationFactory, funded_org

pytestmark = pytest.mark.django_db

USD = NANO_PER_USD


def usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "usd"}


def key_of(org: Org, *scopes: str) -> str:
    return create_key(org=org, name="test", scopes=scopes or ("billing",)).secret


def get(path: str, *, key: str | None, **query: Any) -> tuple[int, Any]:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    response = Client().get(path, query, headers=headers)
    return response.status_code, response.json()


@pytest.fixture
def org() -> Org:
    """Fifty dollars: ten held, of ten others 2.5 and 0.5 charged."""
    org = funded_org(usd=50)
    ReservationFactory.create(org=org, purpose="batch:done", amount_nanousd=10 * USD)
    settle(
        purpose="batch:done",
        usage_nanousd=2_500_000_000,
        fee_nanousd=500_000_000,
        now=NOON,
    )
    ReservationFactory.create(org=org, purpose="batch:open", amount_nanousd=10 * USD)
    return org


def test_the_overview_shows_the_balance(org: Org) -> None:
    status, body = get("/v1/billing", key=key_of(org))
    assert status == 200
    assert body["balance"] == {
        "available": usd("37.00"),
        "reserved": usd("10.00"),
        "total": usd("47.00"),
        "promotional": [],
    }
    assert body["billing_profile"]["org_id"] == org.public_id
    assert body["top_ups"] == []


def test_the_overview_shows_what_is_held_and_why(org: Org) -> None:
    _, body = get("/v1/billing", key=key_of(org))
    assert [row["purpose"] for row in body["reservations"]] == ["batch:open"]
    held = body["reservations"][0]
    assert held["reason"] == "The quoted total of a batch."
    assert held["state"] == "open"
    assert held["amount"] == usd("10.00")
    assert held["closed_at"] is None


def test_the_overview_shows_recent_entries_newest_first(org: Org) -> None:
    _, body = get("/v1/billing", key=key_of(org))
    assert [row["kind"] for row in body["recent_ledger"]] == [
        "reserve",
        "settle",
        "reserve",
        "goodwill",
    ]


def test_a_ledger_entry_says_what_it_did_to_the_credits(org: Org) -> None:
    _, body = get("/v1/billing/ledger", key=key_of(org))
    entry = body["data"][1]
    settled = LedgerTransaction.objects.get(key="batch:done:settle")
    del entry["created_at"]
    assert entry == {
        "id": settled.public_id,
        "object": "ledger_transaction",
        "kind": "settle",
        "purpose": "batch:done",
        "reason": "Charged 3.00 USD, released 7.00 USD.",
        "available_change": usd("7.00"),
        "reserved_change": usd("-10.00"),
        "usage_charged": usd("2.50"),
        "service_fee_charged": usd("0.50"),
    }


def test_reservations_are_listed_with_how_they_ended(org: Org) -> None:
    _, body = get("/v1/billing/reservations", key=key_of(org))
    done = body["data"][1]
    assert done["id"].startswith("cres_")
    assert done["object"] == "credit_reservation"
    assert (done["purpose"], done["state"]) == ("batch:done", "closed")
    assert done["settled"] == usd("3.00")
    assert done["released"] == usd("7.00")
    assert done["closed_at"] == "2026-11-22T12:00:00.000Z"
    assert done["expires_at"] == "2026-11-23T12:00:00.000Z"


def test_lists_walk_by_cursor(org: Org) -> None:
    key = key_of(org)
    _, first = get("/v1/billing/ledger", key=key, limit=3)
    _, second = get("/v1/billing/ledger", key=key, limit=3, cursor=first["next_cursor"])
    assert first["has_more"] is True
    assert second["has_more"] is False
    assert second["next_cursor"] is None
    kinds = [row["kind"] for row in first["data"] + second["data"]]
    assert kinds == ["reserve", "settle", "reserve", "goodwill"]


def test_the_signing_keys_are_public(rf: RequestFactory) -> None:
    response = signing_keys(rf.get("/.well-known/batchrouter-keys.json"))
    assert json.loads(response.content) == {"keys": public_keys()}
    assert response["Cache-Control"] == "public, max-age=3600"


PATHS = ["/v1/billing", "/v1/billing/ledger", "/v1/billing/reservations"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.usefixtures("org")
def test_a_stranger_sees_nothing_of_it(path: str) -> None:
    status, body = get(path, key=key_of(OrgFactory.create()))
    assert status == 200
    assert body.get("data", []) == []
    assert body.get("recent_ledger", []) == []
    assert body.get("reservations", []) == []


@pytest.mark.parametrize("path", PATHS)
def test_nobody_gets_in_without_a_key(path: str) -> None:
    status, body = get(path, key=None)
    assert (status, body["error"]["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize("path", PATHS)
def test_a_key_without_the_scope_is_refused(path: str, org: Org) -> None:
    status, body = get(path, key=key_of(org, "quote", "submit", "read"))
    assert (status, body["error"]["code"]) == (403, "scope_required")


def test_the_ledger_reads_a_fixed_number_of_times(
    org: Org, django_assert_max_num_queries: Any
) -> None:
    key = key_of(org)
    for number in range(5):
        ReservationFactory.create(
            org=org,
            purpose=f"batch:{number}",
            amount_nanousd=1,
            expires_at=NOON + timedelta(days=1),
        )
    with django_assert_max_num_queries(6):
        get("/v1/billing/ledger", key=key)
