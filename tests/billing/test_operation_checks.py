"""R12, R15 and R18 must catch the damage that they are there for."""

from datetime import timedelta

import pytest

from billing.freeze import current_freeze
from billing.models import BalanceNotice, CheckoutSession, ReconcileRun, Suspense
from billing.reconcile import reconcile
from billing.webhooks.inbox import receive
from tests.billing.helpers import execute, without_triggers
from tests.billing.stripe_payloads import (
    dispute_data,
    event,
    refund_data,
    session_data,
)
from tests.billing.test_reconcile import failed
from tests.factories.accounts import OrgFactory
from tests.factories.billing import NOON, ReservationFactory, funded_org
from tests.factories.payments import CheckoutSessionFactory

pytestmark = pytest.mark.django_db

DONE = "checkout.session.completed"


@pytest.fixture(autouse=True)
def checkout() -> CheckoutSession:
    """A payment with a refund and a dispute, and another that is nobody's."""
    checkout = CheckoutSessionFactory.create()
    receive(event(DONE, session_data(checkout)), now=NOON)
    receive(event("refund.created", refund_data(checkout, "re_1", 500)), now=NOON)
    disputed = dispute_data(checkout, "dp_1", 300, "needs_response")
    receive(event("charge.dispute.created", disputed), now=NOON)
    foreign = CheckoutSessionFactory.build(
        org=OrgFactory.build(), stripe_session_id="cs_test_foreign"
    )
    receive(event(DONE, session_data(foreign)), now=NOON)
    return checkout


def test_undamaged_books_hold() -> None:
    assert failed() == {}


def test_r12_catches_money_at_stripe_that_no_payment_explains() -> None:
    with without_triggers():
        execute(
            "UPDATE billing_ledgertransaction SET kind = 'gift' WHERE kind = 'suspense'"
        )
    (problem,) = failed()["R12"]
    assert problem.endswith("a gift, moved 25000000000 of what Stripe holds")


def test_r12_catches_a_refund_of_another_amount() -> None:
    execute("UPDATE billing_striperefund SET amount_nanousd = 4000000000")
    assert failed()["R12"] == [
        (
            "5000000000 went back to cards by the ledger, 4000000000 by the refunds "
            "themselves"
        )
    ]


def test_r12_catches_a_dispute_that_was_won_without_an_entry() -> None:
    execute("UPDATE billing_stripedispute SET state = 'won'")
    assert failed()["R12"] == [
        (
            "3000000000 is withheld for disputes by the ledger, 0 by the disputes "
            "themselves"
        )
    ]


def test_r15_catches_suspense_without_a_ticket() -> None:
    held = Suspense.objects.get().transaction
    assert held is not None
    with without_triggers():
        execute("DELETE FROM billing_suspense")
    assert failed() == {
        "R15": [f"{held.public_id} moved -25000000000 of suspense without a ticket"]
    }


def test_r15_catches_a_ticket_closed_over_its_money() -> None:
    ticket = Suspense.objects.get()
    execute(
        "UPDATE billing_suspense SET state = 'resolved', resolved_by = 'operator:eve',"
        " resolution = 'none'"
    )
    assert failed() == {
        "R15": [f"ticket {ticket.public_id} is resolved and holds 25000000000"]
    }


def _wait_for_days() -> BalanceNotice:
    """Leave a notice that nobody handed on."""
    org = funded_org(usd=50)
    ReservationFactory.create(
        org=org, amount_nanousd=45_000_000_000, expires_at=NOON + timedelta(days=9)
    )
    BalanceNotice.objects.filter(org=org).update(handed_on_at=None, created_at=NOON)
    return BalanceNotice.objects.get(org=org)


def test_r18_catches_a_notice_that_waits_for_days() -> None:
    notice = _wait_for_days()
    assert failed(NOON + timedelta(hours=80)) == {}
    assert failed(NOON + timedelta(hours=80, seconds=1)) == {
        "R18": [f"notice {notice.public_id} (credits.low) waits since 2026-11-22 12:00"]
    }


def test_a_late_notice_is_recorded_but_stops_nobody() -> None:
    _wait_for_days()
    reconcile(freeze=True, now=NOON + timedelta(hours=81))
    assert not ReconcileRun.objects.get().is_ok
    assert current_freeze() is None
