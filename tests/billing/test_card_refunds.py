"""Refunds to the card, asked of the stand-in by the official client."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.models import Org
from batchrouter.kit.money import NANO_PER_CENT, NANO_PER_USD
from billing import chart, stripe_gateway
from billing.card_refunds import ask_for_refunds, refundable_nanousd
from billing.clawbacks import post_refund
from billing.freeze import MoneyFrozen, freeze_money
from billing.models import (
    CardRefund,
    CardRefundState,
    LedgerTransaction,
    OperationState,
    OperatorRequest,
    StripeRefund,
    TopUp,
)
from billing.operations import Asking, Limits, request_card_refund
from billing.reconcile import run_checks
from billing.top_ups import credit_paid_session
from tests.billing.helpers import balance_of, lines_of
from tests.factories.accounts import OrgFactory
from tests.factories.billing import NOON, ReservationFactory
from tests.factories.payments import CheckoutSessionFactory
from tests.support.stripe_standin import API_KEY, StripeStandin

pytestmark = pytest.mark.django_db

USD = NANO_PER_USD
LIMITS = Limits(alone_nanousd=100 * USD, alone_day_nanousd=1000 * USD)


@pytest.fixture(scope="module")
def stripe_standin() -> Iterator[StripeStandin]:
    with StripeStandin() as running:
        yield running


@pytest.fixture(autouse=True)
def _stripe(stripe_standin: StripeStandin, settings: Any) -> None:
    stripe_standin.reset()
    settings.STRIPE_SECRET_KEY = API_KEY
    settings.STRIPE_API_BASE = stripe_standin.url


@pytest.fixture
def org() -> Org:
    return OrgFactory.create()


def _paid(stripe: StripeStandin, org: Org, cents: int) -> TopUp:
    """Let a customer pay a session in the stand-in, and credit it."""
    checkout = CheckoutSessionFactory.create(
        org=org, price_cents=cents, stripe_session_id=None
    )
    customer = stripe_gateway.create_customer(
        name=org.name,
        email="",
        org_id=org.public_id,
        idempotency_key=f"customer:{checkout.public_id}",
    )
    checkout.stripe_customer_id = customer
    fact = stripe_gateway.create_checkout(
        reference=checkout.public_id,
        customer_id=customer,
        label="Credits",
        price_cents=cents,
        success_url="http://127.0.0.1/ok",
        cancel_url="http://127.0.0.1/no",
    )
    checkout.stripe_session_id = fact.id
    checkout.save()
    stripe.pay(fact.id)
    made = credit_paid_session(paid=stripe_gateway.retrieve_session(fact.id), now=NOON)
    assert isinstance(made, TopUp)
    return made


def _refund(org: Org, usd: int, **more: Any) -> OperatorRequest:
    asked = request_card_refund(
        org=org,
        amount_nanousd=usd * USD,
        asking=Asking("operator:ada", "They asked for it.", f"k:{usd}", LIMITS),
        now=NOON,
        **more,
    )
    asked.refresh_from_db()
    return asked


def _ask(now: datetime = NOON) -> int:
    return ask_for_refunds(now=now)


def _refunds_at_stripe(top_up: TopUp) -> list[int]:
    top_up.refresh_from_db()
    charge = StripeRefund.objects.filter(top_up=top_up).order_by("id")
    return [row.amount_nanousd // NANO_PER_CENT for row in charge]


def _books_hold() -> None:
    assert [result for result in run_checks(now=NOON) if not result.ok] == []


def test_the_credits_are_taken_before_stripe_is_asked(
    stripe_standin: StripeStandin, org: Org
) -> None:
    _paid(stripe_standin, org, 5000)
    asked = _refund(org, 20)
    refund = CardRefund.objects.get()
    assert asked.state == OperationState.APPROVED
    assert (refund.state, refund.stripe_refund_id) == (CardRefundState.POSTED, "")
    assert lines_of(refund.transaction.public_id) == {
        chart.AVAILABLE_PAID: 20 * USD,
        chart.STRIPE_CLEARING: -20 * USD,
    }
    _books_hold()


def test_a_refund_reaches_stripe_and_ends_the_request(
    stripe_standin: StripeStandin, org: Org
) -> None:
    top_up = _paid(stripe_standin, org, 5000)
    asked = _refund(org, 20)
    assert _ask() == 1
    asked.refresh_from_db()
    refund = CardRefund.objects.get()
    assert asked.state == OperationState.DONE
    assert asked.outcome == "20.00 of 20.00 USD went back."
    assert refund.state == CardRefundState.CONFIRMED
    assert _refunds_at_stripe(top_up) == [2000]
    assert top_up.refunded_nanousd == 20 * USD
    assert balance_of(org, chart.AVAILABLE_PAID) == 30 * USD
    _books_hold()


def test_the_webhook_of_our_own_refund_posts_nothing_more(
    stripe_standin: StripeStandin, org: Org
) -> None:
    top_up = _paid(stripe_standin, org, 5000)
    _refund(org, 20)
    refund = CardRefund.objects.get()
    # Told before our own call's answer is written down.
    fact = stripe_gateway.create_refund(
        refund.payment_intent_id, refund.amount_cents, refund.public_id
    )
    top_up = TopUp.objects.select_for_update().get(pk=top_up.pk)
    post_refund(top_up=top_up, fact=fact, now=NOON)
    assert _ask() == 1
    assert LedgerTransaction.objects.filter(kind__startswith="refund").count() == 1
    assert _refunds_at_stripe(top_up) == [2000]
    _books_hold()


def test_asking_again_after_a_lost_answer_pays_back_once(
    stripe_standin: StripeStandin, org: Org
) -> None:
    top_up = _paid(stripe_standin, org, 5000)
    _refund(org, 20)
    refund = CardRefund.objects.get()
    first = stripe_gateway.create_refund(
        refund.payment_intent_id, refund.amount_cents, refund.public_id
    )
    _ask()
    refund.refresh_from_db()
    assert refund.stripe_refund_id == first.id
    assert _refunds_at_stripe(top_up) == [2000]


def test_an_old_refund_is_looked_for_before_it_is_asked_for_again(
    stripe_standin: StripeStandin, org: Org
) -> None:
    _paid(stripe_standin, org, 5000)
    _refund(org, 20)
    refund = CardRefund.objects.get()
    first = stripe_gateway.create_refund(
        refund.payment_intent_id, refund.amount_cents, refund.public_id
    )
    _ask(now=NOON + timedelta(days=2))
    refund.refresh_from_db()
    assert refund.stripe_refund_id == first.id


def test_the_oldest_payments_go_back_first(
    stripe_standin: StripeStandin, org: Org
) -> None:
    first, second = (_paid(stripe_standin, org, cents) for cents in (1000, 2500))
    _refund(org, 15)
    _ask()
    assert (_refunds_at_stripe(first), _refunds_at_stripe(second)) == ([1000], [500])
    _books_hold()


def test_one_payment_may_be_chosen(stripe_standin: StripeStandin, org: Org) -> None:
    first, second = (_paid(stripe_standin, org, cents) for cents in (1000, 2500))
    _refund(org, 15, top_up_id=second.public_id)
    _ask()
    assert (_refunds_at_stripe(first), _refunds_at_stripe(second)) == ([], [1500])


def test_more_than_the_payments_have_left_fails(
    stripe_standin: StripeStandin, org: Org
) -> None:
    first = _paid(stripe_standin, org, 1000)
    _paid(stripe_standin, org, 2500)
    asked = _refund(org, 11, top_up_id=first.public_id)
    assert asked.state == OperationState.FAILED
    assert "have 10.00 USD left" in asked.outcome
    assert not CardRefund.objects.exists()
    assert balance_of(org, chart.AVAILABLE_PAID) == 35 * USD


def test_two_refunds_cannot_promise_the_same_payment(
    stripe_standin: StripeStandin, org: Org
) -> None:
    _paid(stripe_standin, org, 2500)
    assert _refund(org, 20).state == OperationState.APPROVED
    assert _refund(org, 6).state == OperationState.FAILED
    assert CardRefund.objects.count() == 1


def test_credits_that_are_held_cannot_go_back(
    stripe_standin: StripeStandin, org: Org
) -> None:
    _paid(stripe_standin, org, 2500)
    ReservationFactory.create(org=org, amount_nanousd=10 * USD)
    asked = _refund(org, 16)
    assert asked.state == OperationState.FAILED
    assert balance_of(org, chart.AVAILABLE_PAID) == 15 * USD
    assert refundable_nanousd(org) == 15 * USD


def test_a_refund_that_stripe_refuses_gives_the_credits_back(
    stripe_standin: StripeStandin, org: Org
) -> None:
    top_up = _paid(stripe_standin, org, 2500)
    # Somebody refunded it by hand, and no event has told us yet.
    stripe_gateway.create_refund(top_up.stripe_payment_intent_id, 2500, "by-hand")
    asked = _refund(org, 20)
    _ask()
    asked.refresh_from_db()
    refund = CardRefund.objects.get()
    assert (asked.state, refund.state) == (OperationState.FAILED, "reversed")
    assert asked.outcome == "0.00 of 20.00 USD went back."
    assert refund.reversal is not None
    assert refund.reversal.key == f"reverse:{refund.transaction.public_id}"
    assert lines_of(refund.reversal.public_id) == {
        chart.AVAILABLE_PAID: -20 * USD,
        chart.STRIPE_CLEARING: 20 * USD,
    }
    assert balance_of(org, chart.AVAILABLE_PAID) == 25 * USD
    _books_hold()


def test_a_refund_that_the_bank_sends_back_gives_the_credits_back(
    stripe_standin: StripeStandin, org: Org
) -> None:
    top_up = _paid(stripe_standin, org, 2500)
    _refund(org, 20)
    _ask()
    refund = CardRefund.objects.get()
    stripe_standin.control(f"refunds/{refund.stripe_refund_id}/fail")
    fact = stripe_gateway.find_refund(refund.payment_intent_id, refund.public_id)
    assert fact is not None
    assert fact.has_failed
    top_up = TopUp.objects.select_for_update().get(pk=top_up.pk)
    post_refund(top_up=top_up, fact=fact, now=NOON)
    _ask()
    refund.refresh_from_db()
    assert refund.state == CardRefundState.REVERSED
    assert balance_of(org, chart.AVAILABLE_PAID) == 25 * USD
    top_up.refresh_from_db()
    assert top_up.refunded_nanousd == 0
    _books_hold()


def test_while_stripe_is_down_the_refund_waits(
    stripe_standin: StripeStandin, org: Org, settings: Any
) -> None:
    _paid(stripe_standin, org, 2500)
    asked = _refund(org, 20)
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    assert _ask() == 0
    refund = CardRefund.objects.get()
    assert (refund.state, refund.attempts) == (CardRefundState.POSTED, 1)
    settings.STRIPE_API_BASE = stripe_standin.url
    assert _ask() == 1
    asked.refresh_from_db()
    assert asked.state == OperationState.DONE


def test_nothing_goes_back_while_money_is_frozen(
    stripe_standin: StripeStandin, org: Org
) -> None:
    _paid(stripe_standin, org, 2500)
    freeze_money(reason="R03", now=NOON)
    with pytest.raises(MoneyFrozen):
        _refund(org, 20)
    assert not OperatorRequest.objects.exists()
    assert balance_of(org, chart.AVAILABLE_PAID) == 25 * USD


def test_a_day_without_an_answer_is_an_alarm(
    stripe_standin: StripeStandin, org: Org
) -> None:
    _paid(stripe_standin, org, 2500)
    _refund(org, 20)
    late = run_checks(now=NOON + timedelta(hours=25))
    (failed,) = [result for result in late if not result.ok]
    assert failed.code == "R12"
