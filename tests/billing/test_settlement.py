"""Charging what was held, and giving back the rest."""

from datetime import timedelta

import pytest
from django.db import transaction

from batchrouter.kit.money import NANO_PER_USD
from billing.costs import book_cost
from billing.ledger import AmountOutOfRange
from billing.models import LedgerTransaction, Posting, Reservation
from billing.reconcile import run_checks
from billing.reservations import (
    ChargeAboveReservation,
    ReservationNotFound,
    SettledOtherwise,
    release,
    reserve,
    settle,
)
from billing.selectors import balance
from tests.billing.helpers import balance_of, lines_of
from tests.factories.billing import NOON, GrantFactory, ReservationFactory, funded_org

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(hours=2)
USD = NANO_PER_USD


@pytest.fixture
def held() -> Reservation:
    """Ten of fifty dollars."""
    return ReservationFactory.create(amount_nanousd=10 * USD)


def test_the_worked_example_of_the_money_model() -> None:
    org = funded_org(usd=50)
    reserve(
        org=org,
        purpose="batch:example",
        amount_nanousd=4_410_000_000,
        reason="The quoted total of a batch.",
        expires_at=LATER,
        now=NOON,
    )
    done = settle(
        purpose="batch:example",
        usage_nanousd=2_613_412_250,
        fee_nanousd=130_670_613,
        now=LATER,
    )
    book_cost(
        provider="openai",
        key="execution:example",
        amount_nanousd=1_980_000_000,
        reason="970 calls.",
    )
    assert lines_of(done.settle_transaction_id) == {
        "reserved": 4_410_000_000,
        "revenue:usage": -2_613_412_250,
        "revenue:service_fee": -130_670_613,
        "available:paid": -1_665_917_137,
    }
    assert (done.charged_nanousd, done.released_nanousd) == (
        2_744_082_863,
        1_665_917_137,
    )
    assert balance(org).available_nanousd == 47_255_917_137
    assert balance(org).reserved_nanousd == 0
    assert all(result.ok for result in run_checks(now=LATER))


def test_describes_how_the_reservation_ended(held: Reservation) -> None:
    done = settle(purpose=held.purpose, usage_nanousd=7, fee_nanousd=2, now=LATER)
    settlement = LedgerTransaction.objects.get(key=f"{held.purpose}:settle")
    assert done.reservation_id == held.public_id
    assert done.reserved_nanousd == 10 * USD
    assert (done.usage_nanousd, done.fee_nanousd) == (7, 2)
    assert done.charged_nanousd == 9
    assert done.released_nanousd == 10 * USD - 9
    assert done.settled_at == LATER
    assert done.reserve_transaction_id == held.reserve_transaction.public_id
    assert done.settle_transaction_id == settlement.public_id
    assert settlement.kind == "settle"


def test_closes_the_reservation(held: Reservation) -> None:
    settle(purpose=held.purpose, usage_nanousd=7, fee_nanousd=2, now=LATER)
    held.refresh_from_db()
    assert (held.state, held.state_at) == ("closed", LATER)
    assert held.settled_nanousd + held.released_nanousd == held.amount_nanousd


def test_may_charge_all_that_is_held(held: Reservation) -> None:
    done = settle(
        purpose=held.purpose, usage_nanousd=9 * USD, fee_nanousd=USD, now=LATER
    )
    assert done.released_nanousd == 0
    assert balance_of(held.org, "available:paid") == 40 * USD


def test_refuses_a_charge_above_what_is_held(held: Reservation) -> None:
    with pytest.raises(ChargeAboveReservation):
        settle(purpose=held.purpose, usage_nanousd=10 * USD, fee_nanousd=1, now=LATER)
    held.refresh_from_db()
    assert held.state == "open"
    assert balance_of(held.org, "reserved") == 10 * USD


@pytest.mark.parametrize(("usage", "fee"), [(-1, 0), (0, -1), (5, -5)])
def test_refuses_a_negative_charge(held: Reservation, usage: int, fee: int) -> None:
    with pytest.raises(AmountOutOfRange):
        settle(purpose=held.purpose, usage_nanousd=usage, fee_nanousd=fee, now=LATER)


def test_settling_again_with_the_same_amounts_returns_the_same(
    held: Reservation,
) -> None:
    first = settle(purpose=held.purpose, usage_nanousd=7, fee_nanousd=2, now=NOON)
    postings_before = Posting.objects.count()
    again = settle(purpose=held.purpose, usage_nanousd=7, fee_nanousd=2, now=LATER)
    assert again == first
    assert Posting.objects.count() == postings_before


def test_settling_again_with_other_amounts_is_refused(held: Reservation) -> None:
    settle(purpose=held.purpose, usage_nanousd=7, fee_nanousd=2, now=NOON)
    with pytest.raises(SettledOtherwise):
        settle(purpose=held.purpose, usage_nanousd=8, fee_nanousd=1, now=NOON)
    assert balance_of(held.org, "available:paid") == 50 * USD - 9


def test_refuses_a_purpose_that_was_never_reserved() -> None:
    with pytest.raises(ReservationNotFound):
        settle(purpose="batch:none", usage_nanousd=0, fee_nanousd=0, now=NOON)


def test_releasing_gives_everything_back(held: Reservation) -> None:
    done = release(purpose=held.purpose, now=LATER)
    assert lines_of(done.settle_transaction_id) == {
        "reserved": 10 * USD,
        "available:paid": -10 * USD,
    }
    assert balance_of(held.org, "available:paid") == 50 * USD
    assert LedgerTransaction.objects.filter(kind="release").count() == 1


def test_releasing_twice_gives_back_once(held: Reservation) -> None:
    assert release(purpose=held.purpose, now=NOON) == release(
        purpose=held.purpose, now=LATER
    )
    assert balance_of(held.org, "available:paid") == 50 * USD


def test_a_settled_reservation_cannot_be_released(held: Reservation) -> None:
    settle(purpose=held.purpose, usage_nanousd=7, fee_nanousd=2, now=NOON)
    with pytest.raises(SettledOtherwise):
        release(purpose=held.purpose, now=NOON)


def test_a_released_reservation_cannot_be_settled(held: Reservation) -> None:
    release(purpose=held.purpose, now=NOON)
    with pytest.raises(SettledOtherwise):
        settle(purpose=held.purpose, usage_nanousd=7, fee_nanousd=2, now=NOON)


def test_the_rest_goes_back_to_the_leg_that_was_taken_last() -> None:
    org = funded_org(usd=50)
    grant = GrantFactory.create(
        org=org, amount_nanousd=3 * USD, is_promo=True, key="promo"
    )
    promo = f"available:promo:{grant.public_id}"
    held = ReservationFactory.create(org=org, amount_nanousd=10 * USD)
    done = settle(purpose=held.purpose, usage_nanousd=2 * USD, fee_nanousd=0, now=NOON)
    # 3 promotional and 7 paid dollars were held; 8 come back: all 7 paid, 1 promo.
    assert lines_of(done.settle_transaction_id) == {
        "reserved": 10 * USD,
        "revenue:usage": -2 * USD,
        "available:paid": -7 * USD,
        promo: -1 * USD,
    }
    assert balance_of(org, promo) == USD


def test_what_comes_back_to_an_expired_grant_expires_with_it() -> None:
    org = funded_org(usd=50)
    grant = GrantFactory.create(
        org=org,
        amount_nanousd=3 * USD,
        is_promo=True,
        expires_at=NOON + timedelta(hours=1),
        key="promo",
    )
    held = ReservationFactory.create(org=org, amount_nanousd=2 * USD)
    release(purpose=held.purpose, now=LATER)
    assert balance_of(org, f"available:promo:{grant.public_id}") == 0
    assert balance(org).available_nanousd == 50 * USD
    assert all(result.ok for result in run_checks(now=LATER))


def test_rolls_back_with_the_callers_transaction(held: Reservation) -> None:
    with transaction.atomic():
        settle(purpose=held.purpose, usage_nanousd=7, fee_nanousd=2, now=NOON)
        transaction.set_rollback(True)
    held.refresh_from_db()
    assert held.state == "open"
    assert balance_of(held.org, "reserved") == 10 * USD
