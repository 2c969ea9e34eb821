"""POST /v1/billing/stripe/webhook: what is let in, and what leaves no trace."""

from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from batchrouter.kit.money import NANO_PER_USD
from billing.models import CheckoutSession, LedgerTransaction, StripeEvent, TopUp
from billing.selectors import balance
from tests.billing.stripe_payloads import (
    SECRET,
    encoded,
    event_data,
    session_data,
    signed,
)
from tests.factories.payments import CheckoutSessionFactory

pytestmark = pytest.mark.django_db

OTHER_SECRET = "whsec_" + "elsewhere" * 4


@pytest.fixture(autouse=True)
def _secrets(settings: Settings) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]


@pytest.fixture
def checkout() -> CheckoutSession:
    return CheckoutSessionFactory.create()


def deliver(body: bytes, signature: str | None) -> Any:
    headers = {} if signature is None else {"Stripe-Signature": signature}
    # As from outside: with the CSRF check that browsers meet.
    return Client(enforce_csrf_checks=True).post(
        "/v1/billing/stripe/webhook",
        body,
        content_type="application/json",
        headers=headers,
    )


def paid(checkout: CheckoutSession, **more: Any) -> bytes:
    return encoded(
        event_data("checkout.session.completed", session_data(checkout), **more)
    )


def nothing_happened() -> bool:
    return not StripeEvent.objects.exists() and not LedgerTransaction.objects.exists()


def test_a_signed_delivery_of_a_paid_session_credits_it(
    checkout: CheckoutSession,
) -> None:
    body = paid(checkout)
    reply = deliver(body, signed(body))
    assert reply.status_code == 200
    assert balance(checkout.org).available_nanousd == 25 * NANO_PER_USD
    assert TopUp.objects.get().stripe_session_id == checkout.stripe_session_id


def test_a_delivery_again_changes_nothing(checkout: CheckoutSession) -> None:
    body = paid(checkout)
    for _ in range(3):
        assert deliver(body, signed(body)).status_code == 200
    assert StripeEvent.objects.count() == 1
    assert LedgerTransaction.objects.count() == 1


def test_either_of_two_secrets_may_sign(
    checkout: CheckoutSession, settings: Settings
) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = [OTHER_SECRET, SECRET]
    body = paid(checkout)
    assert deliver(body, signed(body)).status_code == 200
    assert TopUp.objects.count() == 1


@pytest.mark.parametrize(
    "signature",
    [None, "", "nonsense", "t=1,v1=", "t=now,v1=00", "v1=00", "t=9999999999999,v1=00"],
)
def test_what_is_not_signed_is_refused(
    checkout: CheckoutSession, signature: str | None
) -> None:
    reply = deliver(paid(checkout), signature)
    assert reply.status_code == 400
    assert reply.json()["error"]["code"] == "signature_invalid"
    assert nothing_happened()


def test_another_secret_is_refused(checkout: CheckoutSession) -> None:
    body = paid(checkout)
    assert deliver(body, signed(body, secret=OTHER_SECRET)).status_code == 400
    assert nothing_happened()


def test_a_changed_body_is_refused(checkout: CheckoutSession) -> None:
    body = paid(checkout)
    forged = body.replace(b"2500", b"9500")
    assert forged != body
    assert deliver(forged, signed(body)).status_code == 400
    assert nothing_happened()


@pytest.mark.parametrize("age_seconds", [301, 86_400, -400])
def test_a_delivery_out_of_its_time_is_refused(
    checkout: CheckoutSession, age_seconds: int
) -> None:
    body = paid(checkout)
    reply = deliver(body, signed(body, age_seconds=age_seconds))
    assert reply.status_code == 400
    assert nothing_happened()


def test_without_a_secret_of_ours_nothing_comes_in(
    checkout: CheckoutSession, settings: Settings
) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = []
    body = paid(checkout)
    assert deliver(body, signed(body, secret="")).status_code == 400
    assert nothing_happened()


def test_a_body_above_one_mebibyte_is_refused_unread(
    checkout: CheckoutSession,
) -> None:
    body = paid(checkout, padding="x" * 1024 * 1024)
    reply = deliver(body, signed(body))
    assert reply.status_code == 413
    assert reply.json()["error"]["code"] == "request_too_large"
    assert nothing_happened()


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"{", b'{"object": "event"}', b"\xff\xfe"]
)
def test_a_signed_body_that_is_no_event_is_refused(body: bytes) -> None:
    assert deliver(body, signed(body)).status_code == 400
    assert nothing_happened()


@pytest.mark.parametrize(
    "more", [{"livemode": True}, {"account": "acct_elsewhere"}], ids=["mode", "account"]
)
def test_an_event_of_elsewhere_is_kept_and_credits_nothing(
    checkout: CheckoutSession, more: dict[str, Any]
) -> None:
    body = paid(checkout, **more)
    assert deliver(body, signed(body)).status_code == 200
    assert StripeEvent.objects.get().state == "ignored"
    assert not LedgerTransaction.objects.exists()


def test_only_post_is_taken() -> None:
    reply = Client().get("/v1/billing/stripe/webhook")
    assert reply.status_code == 405
