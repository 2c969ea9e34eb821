"""Buying credits over HTTP, as a program does."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Org
from billing.balance_watch import threshold_of
from billing.models import BillingProfile, CheckoutSession, LedgerTransaction
from billing.webhooks.inbox import receive
from tests.billing.stripe_payloads import event, refund_data, session_data
from tests.factories.accounts import OrgFactory, make_key
from tests.factories.billing import NOON
from tests.factories.payments import CheckoutSessionFactory, CreditPackFactory
from tests.support.calls import bearer, client, refusal
from tests.support.stripe_standin import StripeStandin

pytestmark = pytest.mark.django_db

SESSIONS = "/v1/billing/checkout-sessions"
PACK = {
    "code": "credit_25",
    "credits": {"amount": "25.00", "currency": "usd"},
    "price": {"amount": "25.00", "currency": "usd"},
}


@pytest.fixture
def org() -> Org:
    CreditPackFactory.create()
    return OrgFactory.create()


def send(
    org: Org, method: str, path: str, body: Any = None, **headers: str
) -> tuple[Any, Any]:
    caller = {**bearer(make_key(org, scopes=["billing"]).secret), **headers}
    reply = client().generic(
        method, path, body or "", content_type="application/json", headers=caller
    )
    return reply, reply.json()


def buy(org: Org, body: str = '{"pack_code": "credit_25"}', key: str = "k") -> Any:
    return send(org, "POST", SESSIONS, body, **{"Idempotency-Key": key})


def paid(org: Org) -> CheckoutSession:
    checkout = CheckoutSessionFactory.create(org=org)
    receive(event("checkout.session.completed", session_data(checkout)), now=NOON)
    return checkout


def test_a_session_is_opened(stripe_standin: StripeStandin, org: Org) -> None:
    reply, body = buy(org)
    assert reply.status_code == 201
    assert set(body) == {"id", "object", "url", "pack", "expires_at"}
    assert body["id"] == CheckoutSession.objects.get().public_id
    assert body["url"].startswith(stripe_standin.url)
    assert body["pack"] == PACK
    assert body["expires_at"].endswith("Z")


@pytest.mark.usefixtures("stripe_standin")
def test_the_same_key_is_replayed(org: Org) -> None:
    _, first = buy(org)
    reply, again = buy(org)
    assert (reply.status_code, again) == (201, first)
    assert reply["Idempotent-Replayed"] == "true"


@pytest.mark.usefixtures("stripe_standin")
def test_a_key_with_another_body_is_refused(org: Org) -> None:
    CreditPackFactory.create(code="credit_10", price_cents=1_000)
    buy(org)
    reply, _ = buy(org, '{"pack_code": "credit_10"}')
    assert reply.status_code == 422
    assert refusal(reply)["code"] == "idempotency_key_reused"
    assert CheckoutSession.objects.count() == 1


@pytest.mark.usefixtures("stripe_standin")
def test_an_unknown_pack_is_refused_by_its_field(org: Org) -> None:
    reply, _ = buy(org, '{"pack_code": "credit_7"}')
    assert reply.status_code == 400
    error = refusal(reply)
    assert (error["code"], error["param"]) == ("unknown_pack", "pack_code")
    assert not CheckoutSession.objects.exists()


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ("{}", "pack_code"),
        ('{"pack_code": null}', "pack_code"),
        ('{"pack_code": 25}', "pack_code"),
        ('{"pack_code": "credit_25", "price": 1}', "price"),
        ('{"pack_code": "credit_25", "org_id": "org_x"}', "org_id"),
    ],
    ids=["missing", "null", "number", "price", "org"],
)
@pytest.mark.usefixtures("stripe_standin")
def test_a_body_of_another_form_is_refused(org: Org, body: str, param: str) -> None:
    reply, _ = buy(org, body)
    assert reply.status_code == 400
    assert refusal(reply)["param"] == param
    assert not CheckoutSession.objects.exists()


def test_where_checkout_is_off_it_says_so(org: Org) -> None:
    reply, _ = buy(org)
    assert reply.status_code == 503
    assert refusal(reply)["code"] == "checkout_unavailable"
    assert not CheckoutSession.objects.exists()


def test_a_stripe_that_is_down_is_told_with_a_time_to_wait(
    stripe_standin: StripeStandin, org: Org
) -> None:
    stripe_standin.post_fault("503", match="POST /v1/customers", times=3)
    reply, _ = buy(org)
    assert reply.status_code == 503
    assert refusal(reply)["code"] == "checkout_unavailable"
    assert reply["Retry-After"] == "5"
    assert buy(org)[0].status_code == 201


def test_an_open_session_has_posted_nothing(org: Org) -> None:
    checkout = CheckoutSessionFactory.create(org=org)
    reply, body = send(org, "GET", f"{SESSIONS}/{checkout.public_id}")
    assert reply.status_code == 200
    assert (body["status"], body["payment_status"]) == ("open", "unpaid")
    assert (body["credits_posted"], body["top_up"]) == (False, None)
    assert not LedgerTransaction.objects.exists()


def test_a_paid_session_shows_its_top_up(org: Org) -> None:
    checkout = paid(org)
    _, body = send(org, "GET", f"{SESSIONS}/{checkout.public_id}")
    assert (body["status"], body["payment_status"]) == ("complete", "paid")
    assert body["credits_posted"] is True
    assert body["top_up"]["id"].startswith("topup_")
    assert body["top_up"]["amount"] == {"amount": "25.00", "currency": "usd"}
    assert body["top_up"]["checkout_session_id"] == checkout.public_id


def test_a_strangers_session_is_not_found(org: Org) -> None:
    checkout = CheckoutSessionFactory.create()
    reply, _ = send(org, "GET", f"{SESSIONS}/{checkout.public_id}")
    assert reply.status_code == 404


def test_top_ups_are_listed_with_what_went_back(org: Org) -> None:
    checkout = paid(org)
    data = refund_data(checkout, "re_1", 700)
    receive(event("refund.created", data), now=NOON + timedelta(hours=1))
    _, body = send(org, "GET", "/v1/billing/top-ups")
    [row] = body["data"]
    assert row["pack_code"] == "credit_25"
    assert row["refunded"] == {"amount": "7.00", "currency": "usd"}
    assert row["disputed"] == {"amount": "0.00", "currency": "usd"}
    _, theirs = send(OrgFactory.create(), "GET", "/v1/billing/top-ups")
    assert theirs["data"] == []


def test_the_overview_shows_packs_and_top_ups(org: Org) -> None:
    CreditPackFactory.create(code="credit_old", price_cents=900, is_active=False)
    paid(org)
    _, body = send(org, "GET", "/v1/billing")
    assert PACK in body["credit_packs"]
    assert "credit_old" not in {pack["code"] for pack in body["credit_packs"]}
    assert [row["object"] for row in body["top_ups"]] == ["top_up"]


def test_the_billing_address_is_changed(org: Org) -> None:
    reply, body = send(
        org, "PATCH", "/v1/billing/profile", '{"billing_email": "pay@example.com"}'
    )
    assert reply.status_code == 200
    assert body["billing_email"] == "pay@example.com"
    _, overview = send(org, "GET", "/v1/billing")
    assert overview["billing_profile"] == body


def test_the_billing_address_is_removed_by_null(org: Org) -> None:
    BillingProfile.objects.create(org=org, billing_email="pay@example.com")
    _, body = send(org, "PATCH", "/v1/billing/profile", '{"billing_email": null}')
    assert body["billing_email"] is None
    assert BillingProfile.objects.get().billing_email == ""


def test_the_line_of_the_warning_is_changed(org: Org) -> None:
    _, body = send(
        org, "PATCH", "/v1/billing/profile", '{"low_balance_threshold": "25.50"}'
    )
    assert body["low_balance_threshold"] == {"amount": "25.50", "currency": "usd"}
    assert threshold_of(org) == 25_500_000_000


@pytest.mark.parametrize("value", ['"-1"', '"1e3"', "25", '"2000000000"', '"x"'])
def test_a_line_that_is_no_amount_is_refused(org: Org, value: str) -> None:
    body = f'{{"low_balance_threshold": {value}}}'
    reply, told = send(org, "PATCH", "/v1/billing/profile", body)
    assert reply.status_code == 400
    assert told["error"]["param"] == "low_balance_threshold"
    assert threshold_of(org) == 10_000_000_000


@pytest.mark.parametrize(
    "body",
    [
        '{"billing_email": 7}',
        '{"billing_email": "nobody"}',
        '{"billing_email": "a@example.com\\nBcc: b@example.com"}',
        '{"billing_email": "%s@example.com"}' % ("a" * 250),
        '{"billing_email": "a@example.com", "name": "x"}',
    ],
    ids=["number", "word", "two lines", "long", "more"],
)
def test_what_is_no_address_is_refused(org: Org, body: str) -> None:
    reply, _ = send(org, "PATCH", "/v1/billing/profile", body)
    assert reply.status_code == 400
    assert not BillingProfile.objects.exists()
