"""R11 and R14 must catch the damage that they are there for."""

from datetime import timedelta

import pytest

from batchrouter.kit.money import NANO_PER_USD
from billing.models import (
    CheckoutSession,
    PulledSession,
    Reservation,
    StripePull,
    StripeRefund,
    Suspense,
    TopUp,
)
from billing.stripe_checks import owing_is_frozen, paid_is_credited
from billing.webhooks.inbox import receive
from tests.billing.helpers import top_up, without_triggers
from tests.billing.stripe_payloads import event, refund_data, session_data
from tests.billing.test_clawbacks import spend
from tests.factories.billing import NOON
from tests.factories.payments import CheckoutSessionFactory

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(hours=2)


@pytest.fixture
def checkout() -> CheckoutSession:
    """A paid session, credited and seen by a pull, with a refund."""
    checkout = CheckoutSessionFactory.create()
    receive(event("checkout.session.completed", session_data(checkout)), now=NOON)
    receive(event("refund.created", refund_data(checkout, "re_1", 500)), now=NOON)
    see(str(checkout.stripe_session_id))
    return checkout


def see(session_id: str, *, cents: int = 2_500) -> None:
    PulledSession.objects.create(
        stripe_session_id=session_id, amount_cents=cents, currency="usd", seen_at=NOON
    )


def problems() -> list[str]:
    return [*paid_is_credited(LATER), *owing_is_frozen(LATER)]


@pytest.mark.usefixtures("checkout")
def test_undamaged_books_hold() -> None:
    assert problems() == []


def test_a_paid_session_that_is_not_credited_is_found() -> None:
    see("cs_test_paid")
    assert list(paid_is_credited(NOON + timedelta(minutes=14))) == []
    [problem] = problems()
    assert problem.startswith("session cs_test_paid was paid (2500 usd) and is neither")


def test_a_top_up_that_stripe_does_not_list_as_paid_is_found() -> None:
    checkout = CheckoutSessionFactory.create()
    receive(event("checkout.session.completed", session_data(checkout)), now=NOON)
    assert problems() == []
    StripePull.objects.create(
        since=NOON - timedelta(days=3),
        started_at=NOON + timedelta(minutes=61),
        finished_at=NOON + timedelta(minutes=61),
    )
    [problem] = problems()
    assert "but Stripe does not list session" in problem


def test_a_credit_of_another_amount_is_found(checkout: CheckoutSession) -> None:
    PulledSession.objects.update(amount_cents=2_400)
    [problem] = problems()
    assert problem.endswith("its session paid 2400 cents of usd")
    assert str(TopUp.objects.get(checkout=checkout).public_id) in problem


@pytest.mark.usefixtures("checkout")
def test_a_top_up_that_the_ledger_does_not_know_is_found() -> None:
    TopUp.objects.update(amount_nanousd=30 * NANO_PER_USD)
    assert any("the ledger credited 25000000000" in problem for problem in problems())


def test_a_session_both_credited_and_in_suspense_is_found(
    checkout: CheckoutSession,
) -> None:
    Suspense.objects.create(
        reason="unknown_session",
        amount_minor=2_500,
        currency="usd",
        stripe_session_id=str(checkout.stripe_session_id),
        created_at=NOON,
        state="open",
        state_at=NOON,
    )
    [problem] = problems()
    assert problem.endswith("is in suspense too")


@pytest.mark.usefixtures("checkout")
def test_a_refund_that_the_top_up_does_not_count_is_found() -> None:
    StripeRefund.objects.all().delete()
    [problem] = problems()
    assert "says 5000000000 refunded and 0 disputed, its rows say 0 and 0" in problem


def test_an_org_that_owes_and_reserved_all_the_same_is_found(
    checkout: CheckoutSession,
) -> None:
    spend(checkout, 20)
    assert problems() == []
    receive(event("refund.created", refund_data(checkout, "re_2", 2_000)), now=NOON)
    assert problems() == []
    later = top_up(checkout.org, NANO_PER_USD)
    with without_triggers():
        Reservation.objects.update(reserve_transaction=later)
    [problem] = owing_is_frozen(LATER)
    assert "owes 20000000000 and reserved" in problem
