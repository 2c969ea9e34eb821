"""Refunds and disputes: credits follow the money back, and no further than once."""

from datetime import timedelta
from typing import Any

import pytest

from batchrouter.kit.money import NANO_PER_USD
from billing import chart
from billing.debts import CreditsOwed, written_off_nanousd
from billing.models import (
    CheckoutSession,
    LedgerTransaction,
    Reservation,
    StripeDispute,
    StripeEvent,
    StripeRefund,
    Suspense,
    TopUp,
)
from billing.reservations import reserve, settle
from billing.selectors import balance, funding_preview, owed_nanousd
from billing.webhooks.inbox import receive, retry_deferred
from tests.billing.helpers import lines_of, top_up
from tests.billing.stripe_payloads import (
    dispute_data,
    event,
    refund_data,
    session_data,
)
from tests.factories.accounts import OrgFactory
from tests.factories.billing import NOON
from tests.factories.payments import CheckoutSessionFactory

pytestmark = pytest.mark.django_db

USD = NANO_PER_USD
LATER = NOON + timedelta(minutes=1)


@pytest.fixture
def checkout() -> CheckoutSession:
    """A session of 25 dollars, paid and credited."""
    checkout = CheckoutSessionFactory.create()
    pay(checkout)
    return checkout


def pay(checkout: CheckoutSession) -> None:
    receive(event("checkout.session.completed", session_data(checkout)), now=NOON)


def spend(checkout: CheckoutSession, usd: int) -> None:
    reserve(
        org=checkout.org,
        purpose="batch:spent",
        amount_nanousd=usd * USD,
        reason="The quoted total of a batch.",
        expires_at=NOON + timedelta(days=1),
        now=NOON,
    )
    settle(purpose="batch:spent", usage_nanousd=usd * USD, fee_nanousd=0, now=NOON)


def refund(
    checkout: CheckoutSession, name: str, cents: int, **more: Any
) -> StripeEvent:
    data = refund_data(checkout, name, cents, **more)
    return receive(event("refund.created", data), now=NOON)


def dispute(
    checkout: CheckoutSession,
    status: str,
    *,
    cents: int = 2_500,
    kind: str = "charge.dispute.created",
) -> StripeEvent:
    data = dispute_data(checkout, "dp_1", cents, status)
    return receive(event(kind, data), now=NOON)


def money(checkout: CheckoutSession) -> tuple[int, int, int]:
    """Return what is available, owed and written off, in whole dollars."""
    org = checkout.org
    amounts = (
        balance(org).available_nanousd,
        owed_nanousd(org),
        written_off_nanousd(org),
    )
    assert all(amount % USD == 0 for amount in amounts)
    available, owed, given_up = (amount // USD for amount in amounts)
    return available, owed, given_up


def test_a_refund_takes_its_credits(checkout: CheckoutSession) -> None:
    refund(checkout, "re_1", 1_000)
    made = StripeRefund.objects.get()
    assert made.transaction.key == "stripe:re:re_1"
    assert lines_of(made.transaction.public_id) == {
        chart.AVAILABLE_PAID: 10 * USD,
        chart.STRIPE_CLEARING: -10 * USD,
    }
    assert money(checkout) == (15, 0, 0)
    assert TopUp.objects.get().refunded_nanousd == 10 * USD


def test_several_refunds_take_their_own_amounts(checkout: CheckoutSession) -> None:
    refund(checkout, "re_1", 1_000)
    refund(checkout, "re_2", 500)
    assert money(checkout) == (10, 0, 0)
    assert TopUp.objects.get().refundable_nanousd == 10 * USD


def test_two_events_about_one_refund_take_once(checkout: CheckoutSession) -> None:
    refund(checkout, "re_1", 1_000)
    data = refund_data(checkout, "re_1", 1_000)
    receive(event("charge.refund.updated", data), now=NOON)
    assert money(checkout) == (15, 0, 0)


def test_a_charge_that_lists_its_refunds_takes_each_once(
    checkout: CheckoutSession,
) -> None:
    listed = [refund_data(checkout, f"re_{n}", 500) for n in (1, 2)]
    charge = {"id": "ch_1", "object": "charge", "refunds": {"data": listed}}
    refund(checkout, "re_1", 500)
    receive(event("charge.refunded", charge), now=NOON)
    assert money(checkout) == (15, 0, 0)


def test_a_refund_that_fails_gives_the_credits_back(checkout: CheckoutSession) -> None:
    refund(checkout, "re_1", 1_000)
    refund(checkout, "re_1", 1_000, status="failed")
    assert money(checkout) == (25, 0, 0)
    assert StripeRefund.objects.get().state == "failed"
    assert TopUp.objects.get().refunded_nanousd == 0


def test_a_failure_that_is_heard_first_ends_the_same(checkout: CheckoutSession) -> None:
    refund(checkout, "re_1", 1_000, status="failed")
    refund(checkout, "re_1", 1_000)
    assert money(checkout) == (25, 0, 0)


def test_a_refund_of_spent_credits_is_owed(checkout: CheckoutSession) -> None:
    spend(checkout, 20)
    refund(checkout, "re_1", 2_500)
    assert money(checkout) == (0, 20, 0)


def test_who_owes_reserves_nothing(checkout: CheckoutSession) -> None:
    spend(checkout, 20)
    refund(checkout, "re_1", 2_500)
    with pytest.raises(CreditsOwed) as refused:
        reserve(
            org=checkout.org,
            purpose="batch:more",
            amount_nanousd=1,
            reason="The quoted total of a batch.",
            expires_at=LATER,
            now=NOON,
        )
    assert refused.value.details == {"owed": {"amount": "20.00", "currency": "usd"}}
    assert (refused.value.code, refused.value.status) == ("credits_owed", 402)
    assert not Reservation.objects.filter(purpose="batch:more").exists()


def test_the_preview_asks_for_the_debt_too(checkout: CheckoutSession) -> None:
    spend(checkout, 20)
    refund(checkout, "re_1", 2_500)
    top_up(checkout.org, 22 * USD)
    preview = funding_preview(checkout.org, 5 * USD)
    assert preview["shortfall"] == {"amount": "3.00", "currency": "usd"}
    assert preview["can_fund"] is False
    assert funding_preview(checkout.org, 2 * USD)["can_fund"] is True


def test_the_next_top_up_pays_the_debt_first(checkout: CheckoutSession) -> None:
    spend(checkout, 20)
    refund(checkout, "re_1", 2_500)
    pay(CheckoutSessionFactory.create(org=checkout.org))
    assert money(checkout) == (5, 0, 0)


def test_credits_from_elsewhere_pay_the_debt_before_more_is_reserved(
    checkout: CheckoutSession,
) -> None:
    spend(checkout, 20)
    refund(checkout, "re_1", 2_500)
    top_up(checkout.org, 30 * USD)
    reserve(
        org=checkout.org,
        purpose="batch:more",
        amount_nanousd=10 * USD,
        reason="The quoted total of a batch.",
        expires_at=LATER,
        now=NOON,
    )
    assert money(checkout) == (0, 0, 0)


def test_a_refund_before_its_top_up_waits_for_it() -> None:
    checkout = CheckoutSessionFactory.create()
    early = refund(checkout, "re_1", 1_000)
    assert (early.state, early.attempts) == ("deferred", 1)
    assert early.next_attempt_at == NOON + timedelta(seconds=15)
    assert early.mirror_at is None
    assert not LedgerTransaction.objects.exists()
    pay(checkout)
    assert retry_deferred(now=NOON) == 1
    assert money(checkout) == (15, 0, 0)


def test_a_deferred_event_is_not_tried_before_its_time() -> None:
    checkout = CheckoutSessionFactory.create()
    early = refund(checkout, "re_1", 1_000)
    assert retry_deferred(now=NOON) == 0
    assert retry_deferred(now=LATER) == 0
    early.refresh_from_db()
    assert (early.state, early.attempts) == ("deferred", 2)
    assert early.next_attempt_at == LATER + timedelta(seconds=30)


def test_an_event_whose_payment_never_comes_is_given_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    early = refund(CheckoutSessionFactory.create(), "re_1", 1_000)
    retry_deferred(now=NOON + timedelta(days=31))
    early.refresh_from_db()
    assert early.state == "ignored"
    assert caplog.records[-1].levelname == "CRITICAL"


def test_a_refund_of_a_foreign_payment_leaves_suspense() -> None:
    foreign = CheckoutSessionFactory.build(org=OrgFactory.build())
    pay(foreign)
    ticket = Suspense.objects.get()
    for _ in range(2):
        refund(foreign, "re_1", 2_500)
    posted = LedgerTransaction.objects.get(key="stripe:re:re_1")
    assert lines_of(posted.public_id) == {
        chart.SUSPENSE: 25 * USD,
        chart.STRIPE_CLEARING: -25 * USD,
    }
    assert posted.purpose == f"suspense:{ticket.public_id}"


def test_a_dispute_takes_its_credits(checkout: CheckoutSession) -> None:
    dispute(checkout, "needs_response")
    made = StripeDispute.objects.get()
    assert (made.state, made.transaction.key) == ("open", "stripe:dp:dp_1:open")
    assert money(checkout) == (0, 0, 0)
    assert TopUp.objects.get().disputed_nanousd == 25 * USD


def test_opening_and_withdrawal_take_once(checkout: CheckoutSession) -> None:
    dispute(checkout, "needs_response", cents=1_000)
    kind = "charge.dispute.funds_withdrawn"
    dispute(checkout, "needs_response", cents=1_000, kind=kind)
    assert money(checkout) == (15, 0, 0)


@pytest.mark.parametrize(
    "status", ["warning_needs_response", "warning_under_review", "warning_closed"]
)
def test_an_inquiry_takes_nothing(checkout: CheckoutSession, status: str) -> None:
    assert dispute(checkout, status).state == "ignored"
    assert money(checkout) == (25, 0, 0)


def test_an_inquiry_that_becomes_a_dispute_takes_then(
    checkout: CheckoutSession,
) -> None:
    dispute(checkout, "warning_needs_response")
    dispute(checkout, "needs_response", kind="charge.dispute.funds_withdrawn")
    assert money(checkout) == (0, 0, 0)


def test_a_won_dispute_is_reversed_exactly(checkout: CheckoutSession) -> None:
    spend(checkout, 20)
    dispute(checkout, "needs_response")
    assert money(checkout) == (0, 20, 0)
    dispute(checkout, "won", kind="charge.dispute.closed")
    dispute(checkout, "won", kind="charge.dispute.funds_reinstated")
    assert money(checkout) == (5, 0, 0)
    opened = LedgerTransaction.objects.get(key="stripe:dp:dp_1:open")
    won = LedgerTransaction.objects.get(key="stripe:dp:dp_1:won")
    mirrored = {code: -amount for code, amount in lines_of(opened.public_id).items()}
    assert lines_of(won.public_id) == mirrored


def test_a_lost_dispute_writes_off_what_is_owed(checkout: CheckoutSession) -> None:
    spend(checkout, 20)
    dispute(checkout, "needs_response")
    dispute(checkout, "lost", kind="charge.dispute.closed")
    assert money(checkout) == (0, 0, 20)
    assert StripeDispute.objects.get().state == "lost"


def test_a_lost_dispute_that_is_covered_costs_us_nothing(
    checkout: CheckoutSession,
) -> None:
    dispute(checkout, "lost", kind="charge.dispute.closed", cents=1_000)
    assert money(checkout) == (15, 0, 0)


def test_a_bank_that_thinks_again_undoes_the_loss(checkout: CheckoutSession) -> None:
    spend(checkout, 20)
    dispute(checkout, "lost", kind="charge.dispute.closed")
    dispute(checkout, "won", kind="charge.dispute.funds_reinstated")
    assert money(checkout) == (5, 0, 0)


def test_an_undone_loss_leaves_what_a_refund_made_them_owe(
    checkout: CheckoutSession,
) -> None:
    spend(checkout, 20)
    receive(event("refund.created", refund_data(checkout, "re_1", 1_000)), now=NOON)
    dispute(checkout, "lost", kind="charge.dispute.closed", cents=300)
    assert money(checkout) == (0, 5, 3)
    dispute(checkout, "won", kind="charge.dispute.funds_reinstated", cents=300)
    assert money(checkout) == (0, 5, 0)


def test_news_from_before_the_end_changes_nothing(checkout: CheckoutSession) -> None:
    dispute(checkout, "won", kind="charge.dispute.closed")
    dispute(checkout, "needs_response")
    dispute(checkout, "lost", kind="charge.dispute.closed")
    assert money(checkout) == (25, 0, 0)
    assert StripeDispute.objects.get().state == "won"
