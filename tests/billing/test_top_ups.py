"""Sessions become credits: what was paid, to whom our own row says."""

from typing import Any

import pytest

from batchrouter.kit.money import NANO_PER_USD
from billing import chart
from billing.models import (
    CheckoutSession,
    LedgerTransaction,
    StripeEvent,
    Suspense,
    TopUp,
)
from billing.selectors import balance
from billing.webhooks.inbox import receive
from tests.billing.helpers import lines_of
from tests.billing.stripe_payloads import event, payment_of, session_data
from tests.factories.accounts import OrgFactory
from tests.factories.billing import NOON
from tests.factories.payments import CheckoutSessionFactory

pytestmark = pytest.mark.django_db

USD = NANO_PER_USD
DONE = "checkout.session.completed"


@pytest.fixture
def checkout() -> CheckoutSession:
    return CheckoutSessionFactory.create()


def hear(checkout: CheckoutSession, kind: str = DONE, **more: Any) -> StripeEvent:
    row = receive(event(kind, session_data(checkout, **more)), now=NOON)
    checkout.refresh_from_db()
    return row


def test_a_paid_session_is_credited(checkout: CheckoutSession) -> None:
    hear(checkout)
    top_up = TopUp.objects.get()
    posted = top_up.transaction
    assert top_up.public_id.startswith("topup_")
    assert (top_up.org, top_up.amount_nanousd) == (checkout.org, 25 * USD)
    assert posted.key == f"stripe:cs:{checkout.stripe_session_id}:topup"
    assert lines_of(posted.public_id) == {
        chart.STRIPE_CLEARING: 25 * USD,
        chart.AVAILABLE_PAID: -25 * USD,
    }
    assert (checkout.state, checkout.payment_status) == ("complete", "paid")


def test_two_events_about_one_session_credit_it_once(checkout: CheckoutSession) -> None:
    hear(checkout)
    hear(checkout, "checkout.session.async_payment_succeeded")
    assert TopUp.objects.count() == 1
    assert LedgerTransaction.objects.count() == 1


def test_a_bank_debit_is_credited_when_the_money_comes(
    checkout: CheckoutSession,
) -> None:
    hear(checkout, payment_status="unpaid")
    assert (checkout.state, checkout.payment_status) == ("complete", "processing")
    assert not LedgerTransaction.objects.exists()
    hear(checkout, "checkout.session.async_payment_succeeded")
    assert balance(checkout.org).available_nanousd == 25 * USD


def test_a_failed_bank_debit_credits_nothing(checkout: CheckoutSession) -> None:
    failed = "checkout.session.async_payment_failed"
    hear(checkout, failed, payment_status="unpaid")
    hear(checkout, payment_status="unpaid")  # told late
    assert (checkout.state, checkout.payment_status) == ("complete", "failed")
    assert not LedgerTransaction.objects.exists()


def test_an_expired_session_credits_nothing(checkout: CheckoutSession) -> None:
    hear(checkout, "checkout.session.expired", payment_status="unpaid")
    assert (checkout.state, checkout.payment_status) == ("expired", "unpaid")
    assert not LedgerTransaction.objects.exists()


def test_money_counts_even_after_an_expiry(checkout: CheckoutSession) -> None:
    hear(checkout, "checkout.session.expired", payment_status="unpaid")
    hear(checkout)
    assert checkout.state == "complete"
    assert balance(checkout.org).available_nanousd == 25 * USD


def test_what_was_really_paid_is_credited(checkout: CheckoutSession) -> None:
    hear(checkout, amount_total=1_999)
    assert balance(checkout.org).available_nanousd == 19_990_000_000


def test_tampered_metadata_gives_the_credits_to_our_own_row(
    checkout: CheckoutSession,
) -> None:
    thief = CheckoutSessionFactory.create()
    metadata = {"checkout_session": thief.public_id, "org": thief.org.public_id}
    hear(checkout, metadata=metadata, client_reference_id=thief.public_id)
    assert balance(thief.org).total_nanousd == 0
    assert balance(checkout.org).available_nanousd == 25 * USD


def test_a_session_whose_answer_was_lost_is_known_by_our_reference() -> None:
    lost = CheckoutSessionFactory.create(stripe_session_id=None)
    data = session_data(lost, id="cs_test_lost")
    receive(event(DONE, data), now=NOON)
    lost.refresh_from_db()
    assert lost.stripe_session_id == "cs_test_lost"
    assert balance(lost.org).available_nanousd == 25 * USD


@pytest.mark.parametrize(
    "more",
    [{"customer": "cus_other"}, {"customer": None}, {"amount_total": 100}],
    ids=["other-customer", "no-customer", "other-price"],
)
def test_a_reference_alone_proves_nothing(more: dict[str, Any]) -> None:
    lost = CheckoutSessionFactory.create(stripe_session_id=None)
    data = session_data(lost, id="cs_test_foreign", **more)
    receive(event(DONE, data), now=NOON)
    assert balance(lost.org).total_nanousd == 0
    assert Suspense.objects.get().reason == "unknown_session"


def test_a_foreign_payment_waits_in_suspense(caplog: pytest.LogCaptureFixture) -> None:
    foreign = CheckoutSessionFactory.build(
        org=OrgFactory.build(), stripe_session_id="cs_test_foreign"
    )
    receive(event(DONE, session_data(foreign)), now=NOON)
    ticket = Suspense.objects.get()
    assert ticket.public_id.startswith("susp_")
    assert (ticket.amount_minor, ticket.currency) == (2_500, "usd")
    assert ticket.transaction is not None
    assert lines_of(ticket.transaction.public_id) == {
        chart.STRIPE_CLEARING: 25 * USD,
        chart.SUSPENSE: -25 * USD,
    }
    assert not TopUp.objects.exists()
    assert "cs_test_foreign is in suspense" in caplog.text
    assert caplog.records[-1].levelname == "CRITICAL"


def test_another_currency_waits_in_suspense_outside_the_ledger(
    checkout: CheckoutSession,
) -> None:
    hear(checkout, currency="eur")
    ticket = Suspense.objects.get()
    assert (ticket.reason, ticket.currency) == ("wrong_currency", "eur")
    assert (ticket.org_hint, ticket.transaction) == (checkout.org, None)
    assert not LedgerTransaction.objects.exists()


def test_a_foreign_payment_is_parked_once() -> None:
    foreign = CheckoutSessionFactory.build(
        org=OrgFactory.build(), stripe_session_id="cs_test_foreign"
    )
    for _ in range(2):
        receive(event(DONE, session_data(foreign)), now=NOON)
    assert Suspense.objects.count() == 1
    assert LedgerTransaction.objects.count() == 1


def test_an_unpaid_foreign_session_is_none_of_our_business() -> None:
    foreign = CheckoutSessionFactory.build(org=OrgFactory.build())
    data = session_data(foreign, payment_status="unpaid")
    assert receive(event(DONE, data), now=NOON).state == "ignored"


def test_an_event_of_another_kind_is_ignored(checkout: CheckoutSession) -> None:
    assert hear(checkout, "customer.updated").state == "ignored"
    assert not LedgerTransaction.objects.exists()


def test_the_payment_is_remembered_for_refunds(checkout: CheckoutSession) -> None:
    hear(checkout)
    assert TopUp.objects.get().stripe_payment_intent_id == payment_of(checkout)
