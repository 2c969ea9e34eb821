"""The stop switch."""

import pytest

from billing.freeze import MoneyFrozen, current_freeze, freeze_money, lift_freeze
from billing.models import MoneyFreeze, Posting, Reservation
from billing.reservations import settle
from billing.selectors import balance
from tests.factories.accounts import OrgFactory
from tests.factories.billing import NOON, GrantFactory, ReservationFactory, funded_org

pytestmark = pytest.mark.django_db


def test_frozen_money_cannot_be_reserved() -> None:
    org = funded_org(usd=50)
    freeze_money(reason="R03", now=NOON)
    postings_before = Posting.objects.count()
    with pytest.raises(MoneyFrozen) as refusal:
        ReservationFactory.create(org=org)
    assert (refusal.value.status, refusal.value.code) == (503, "money_frozen")
    assert refusal.value.details == {"retry_after_seconds": 300}
    assert Posting.objects.count() == postings_before
    assert not Reservation.objects.exists()


def test_frozen_money_cannot_be_charged() -> None:
    held = ReservationFactory.create()
    freeze_money(reason="R03", now=NOON)
    with pytest.raises(MoneyFrozen):
        settle(purpose=held.purpose, usage_nanousd=1, fee_nanousd=0, now=NOON)
    held.refresh_from_db()
    assert held.state == "open"


def test_a_settlement_made_before_can_still_be_read() -> None:
    held = ReservationFactory.create()
    done = settle(purpose=held.purpose, usage_nanousd=1, fee_nanousd=0, now=NOON)
    freeze_money(reason="R03", now=NOON)
    again = settle(purpose=held.purpose, usage_nanousd=1, fee_nanousd=0, now=NOON)
    assert again == done


def test_credits_can_still_be_granted() -> None:
    freeze_money(reason="R03", now=NOON)
    grant = GrantFactory.create(org=OrgFactory.create())
    assert balance(grant.org).available_nanousd == grant.amount_nanousd > 0


def test_freezing_twice_keeps_the_first_reason() -> None:
    first = freeze_money(reason="first", now=NOON)
    assert freeze_money(reason="second", now=NOON) == first
    assert MoneyFreeze.objects.get().reason == "first"


def test_lifting_says_who_and_why_and_lets_spending_go_on() -> None:
    org = funded_org(usd=50)
    freeze_money(reason="R03", now=NOON)
    assert lift_freeze(reason="Repaired.", actor="operator:ada", now=NOON)
    ReservationFactory.create(org=org)
    kept = MoneyFreeze.objects.get()
    assert (kept.lifted_by, kept.lift_reason) == ("operator:ada", "Repaired.")
    assert current_freeze() is None


def test_lifting_needs_a_reason() -> None:
    freeze_money(reason="R03", now=NOON)
    with pytest.raises(ValueError, match="who lifts"):
        lift_freeze(reason=" ", actor="operator:ada", now=NOON)
    assert current_freeze() is not None


def test_lifting_what_is_not_frozen_does_nothing() -> None:
    assert not lift_freeze(reason="x", actor="operator:ada", now=NOON)
