"""Many deliveries of one event at once: real threads, real commits."""

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from batchrouter.kit.money import NANO_PER_USD
from billing.models import LedgerTransaction, StripeEvent, TopUp
from billing.reconcile import run_checks
from billing.selectors import balance
from billing.webhooks.inbox import receive
from tests.billing.stripe_payloads import (
    SECRET,
    dispute_data,
    encoded,
    event,
    event_data,
    refund_data,
    session_data,
    signed,
)
from tests.billing.test_races import at_once
from tests.factories.billing import NOON
from tests.factories.payments import CheckoutSessionFactory

pytestmark = pytest.mark.usefixtures("committed_db")

DELIVERIES = 50
USD = NANO_PER_USD
DONE = "checkout.session.completed"


def _assert_books_hold() -> None:
    assert [found for found in run_checks(now=NOON) if not found.ok] == []


def test_fifty_deliveries_of_one_event_post_once(settings: Settings) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]
    checkout = CheckoutSessionFactory.create()
    body = encoded(event_data(DONE, session_data(checkout)))
    signature = signed(body)

    def deliver(_number: int) -> str:
        reply = Client().post(
            "/v1/billing/stripe/webhook",
            body,
            content_type="application/json",
            headers={"Stripe-Signature": signature},
        )
        return str(reply.status_code)

    assert at_once(deliver, DELIVERIES) == ["200"] * DELIVERIES
    assert StripeEvent.objects.count() == 1
    assert TopUp.objects.count() == 1
    assert LedgerTransaction.objects.count() == 1
    assert balance(checkout.org).available_nanousd == 25 * USD
    _assert_books_hold()


def test_different_events_about_one_payment_at_once_post_each_fact_once() -> None:
    checkout = CheckoutSessionFactory.create()
    receive(event(DONE, session_data(checkout)), now=NOON)
    told = [
        ("checkout.session.async_payment_succeeded", session_data(checkout)),
        ("refund.created", refund_data(checkout, "re_1", 500)),
        ("refund.updated", refund_data(checkout, "re_1", 500)),
        ("refund.created", refund_data(checkout, "re_2", 300)),
        (
            "charge.dispute.created",
            dispute_data(checkout, "dp_1", 1_000, "needs_response"),
        ),
        ("charge.dispute.closed", dispute_data(checkout, "dp_1", 1_000, "won")),
    ]

    def hear(number: int) -> str:
        kind, data = told[number % len(told)]
        return receive(event(kind, data), now=NOON).state

    assert set(at_once(hear, 30)) == {"applied"}
    assert balance(checkout.org).available_nanousd == 17 * USD
    _assert_books_hold()
