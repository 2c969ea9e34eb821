"""What a lost webhook would have told is found by asking, and changes nothing twice."""

from datetime import UTC, datetime, timedelta

import pytest
from djstripe import models as mirrored
from pytest_django.fixtures import Settings

from batchrouter.kit import clock
from batchrouter.kit.money import NANO_PER_USD
from billing import chart, stripe_gateway
from billing.checkout import open_checkout
from billing.models import (
    CheckoutSession,
    LedgerTransaction,
    Posting,
    PulledSession,
    StripeEvent,
    StripePull,
    Suspense,
    TopUp,
)
from billing.reconcile import run_checks
from billing.selectors import balance
from billing.stripe_gateway import CheckoutUnavailable
from billing.webhooks.inbox import mirror_waiting, receive, retry_deferred
from billing.webhooks.pulling import pull
from tests.factories.accounts import OrgFactory
from tests.factories.payments import CreditPackFactory
from tests.support.stripe_standin import StripeStandin

pytestmark = pytest.mark.django_db

USD = NANO_PER_USD


@pytest.fixture
def now() -> datetime:
    """The stand-in lives in the present."""
    return clock.now()


@pytest.fixture
def paid(stripe_standin: StripeStandin, now: datetime) -> CheckoutSession:
    """A session that was paid, and no event reached us."""
    CreditPackFactory.create()
    opened = open_checkout(
        org=OrgFactory.create(), pack_code="credit_25", request_key="k", now=now
    )
    stripe_standin.pay(str(opened.session.stripe_session_id))
    return opened.session


def failed_checks(now: datetime) -> list[str]:
    return [found.code for found in run_checks(now=now) if not found.ok]


def test_a_dropped_webhook_is_made_good(paid: CheckoutSession, now: datetime) -> None:
    found = pull(now=now)
    assert found is not None
    assert balance(paid.org).available_nanousd == 25 * USD
    assert StripeEvent.objects.filter(event_type="checkout.session.completed").exists()
    assert failed_checks(now) == []


def test_pulling_again_changes_nothing(paid: CheckoutSession, now: datetime) -> None:
    pull(now=now)
    before = LedgerTransaction.objects.count()
    again = pull(now=now + timedelta(minutes=5))
    assert again is not None
    assert (again.events_found, again.sessions_credited) == (0, 0)
    assert LedgerTransaction.objects.count() == before
    assert TopUp.objects.count() == 1


def test_a_delivery_after_the_pull_changes_nothing(
    paid: CheckoutSession, now: datetime
) -> None:
    pull(now=now)
    before = LedgerTransaction.objects.count()
    StripeEvent.objects.all().delete()
    for event in stripe_gateway.list_events(now - timedelta(days=1)):
        receive(event, now=now)
    assert LedgerTransaction.objects.count() == before


def test_a_paid_session_without_any_event_is_found(
    paid: CheckoutSession, now: datetime
) -> None:
    # An event that was taken in by mistake, as one of another mode would be.
    for event in stripe_gateway.list_events(now - timedelta(days=1)):
        StripeEvent.objects.create(
            event_id=event.id,
            event_type=event.type,
            payload={},
            received_at=now,
            state="ignored",
            state_at=now,
        )
    found = pull(now=now)
    assert found is not None
    assert (found.events_found, found.sessions_credited) == (0, 1)
    assert balance(paid.org).available_nanousd == 25 * USD


def test_an_open_session_is_left_alone(
    stripe_standin: StripeStandin, now: datetime
) -> None:
    assert stripe_standin.url
    CreditPackFactory.create()
    org = OrgFactory.create()
    open_checkout(org=org, pack_code="credit_25", request_key="k", now=now)
    pull(now=now)
    assert not LedgerTransaction.objects.exists()
    assert not PulledSession.objects.exists()


def test_a_foreign_payment_goes_to_suspense(
    stripe_standin: StripeStandin, now: datetime
) -> None:
    stripe_standin.control("payments", {"amount": 700})
    pull(now=now)
    assert Suspense.objects.get().amount_minor == 700
    assert failed_checks(now) == []


def test_the_fee_is_booked_once(paid: CheckoutSession, now: datetime) -> None:
    for _ in range(2):
        pull(now=now)
    fees = Posting.objects.filter(account__code=chart.EXPENSE_PAYMENT_FEES)
    # 2.9 % of 25 dollars, and 30 cents, in whole cents
    assert [fee.amount_nanousd for fee in fees] == [1_030_000_000]
    assert fees[0].transaction.key.startswith("stripe:bt:txn_")
    assert fees[0].transaction.org is None


def test_refunds_and_disputes_are_pulled_too(
    stripe_standin: StripeStandin, paid: CheckoutSession, now: datetime
) -> None:
    session = stripe_gateway.retrieve_session(str(paid.stripe_session_id))
    intent = {"payment_intent": session.payment_intent_id}
    stripe_standin.control("refunds", {**intent, "amount": 500})
    dispute = {**intent, "amount": 1_000, "withdraw": True}
    made = stripe_standin.control("disputes", dispute)
    pull(now=now)
    retry_deferred(now=now + timedelta(days=1))
    assert balance(paid.org).available_nanousd == 10 * USD
    stripe_standin.control(f"disputes/{made['id']}/close", {"status": "won"})
    pull(now=now)
    assert balance(paid.org).available_nanousd == 20 * USD
    assert failed_checks(now) == []


def test_a_stripe_that_does_not_answer_leaves_everything_as_it_was(
    stripe_standin: StripeStandin, paid: CheckoutSession, now: datetime
) -> None:
    stripe_standin.post_fault("503", match="GET /v1/events", times=9)
    with pytest.raises(CheckoutUnavailable):
        pull(now=now)
    assert not StripePull.objects.exists()
    assert balance(paid.org).total_nanousd == 0


def test_where_checkout_is_off_nobody_is_asked(settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = ""
    assert pull(now=datetime(2026, 1, 1, tzinfo=UTC)) is None
    assert not StripePull.objects.exists()


def test_dj_stripe_copies_what_is_posted(paid: CheckoutSession, now: datetime) -> None:
    pull(now=now)
    assert mirror_waiting(now=now) >= 1
    row = StripeEvent.objects.get(event_type="checkout.session.completed")
    assert row.mirrored_at == now
    assert mirrored.Event.objects.filter(id=row.event_id).exists()
    assert mirrored.Session.objects.get().id == paid.stripe_session_id


def test_a_copy_that_fails_is_tried_again_and_harms_nothing(
    stripe_standin: StripeStandin, paid: CheckoutSession, now: datetime
) -> None:
    pull(now=now)
    stripe_standin.post_fault("503", match="GET /v1/", times=500)
    assert mirror_waiting(now=now) == 0
    row = StripeEvent.objects.get(event_type="checkout.session.completed")
    assert (row.state, row.mirrored_at, row.mirror_attempts) == ("applied", None, 1)
    assert row.mirror_at == now + timedelta(seconds=30)
    assert balance(paid.org).available_nanousd == 25 * USD
    stripe_standin.call("DELETE", "/_standin/faults")
    assert mirror_waiting(now=now + timedelta(minutes=1)) >= 1
