"""Many deliveries of one event at once: real threads, real commits."""

from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from batchrouter.kit.money import NANO_PER_USD
from billing.models import (
    CheckoutSession,
    LedgerTransaction,
    StripeEvent,
    Suspense,
    TopUp,
)
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
from tests.support.meanwhile import meanwhile

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


def _whose_outcome_was_not_saved() -> tuple[CheckoutSession, dict[str, Any]]:
    """Return a row of which only Stripe knows its session's id, and that session."""
    checkout = CheckoutSessionFactory.create()
    told = session_data(checkout)
    checkout.stripe_session_id = None
    checkout.save()
    return checkout, told


def _assert_credited_once(checkout: CheckoutSession) -> None:
    assert (TopUp.objects.count(), Suspense.objects.count()) == (1, 0)
    assert balance(checkout.org).available_nanousd == 25 * USD
    _assert_books_hold()


def test_two_events_about_a_session_whose_id_was_not_saved_credit_it_once() -> None:
    checkout, told = _whose_outcome_was_not_saved()
    later = event("checkout.session.async_payment_succeeded", told)
    with meanwhile(
        lambda: receive(later, now=NOON), after='UPDATE "billing_checkoutsession"'
    ) as other:
        receive(event(DONE, told), now=NOON)
    assert other.error is None
    _assert_credited_once(checkout)


def test_a_session_whose_id_is_saved_between_two_looks_is_credited() -> None:
    checkout, told = _whose_outcome_was_not_saved()

    def save() -> None:
        rows = CheckoutSession.objects.filter(stripe_session_id__isnull=True)
        rows.update(stripe_session_id=told["id"])

    with meanwhile(save, after='FROM "billing_checkoutsession"'):
        receive(event(DONE, told), now=NOON)
    _assert_credited_once(checkout)
