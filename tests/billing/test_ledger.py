"""Posting: the only way money moves."""

import logging

import pytest

from accounts.models import Org
from billing import chart
from billing.ledger import (
    AmountOutOfRange,
    InsufficientCredits,
    LedgerKeyReused,
    UnbalancedTransaction,
    credit,
    debit,
    post,
)
from billing.models import LedgerAccount, LedgerTransaction, Posting
from tests.billing.helpers import balance_of, lines_of, top_up
from tests.factories.accounts import OrgFactory

pytestmark = pytest.mark.django_db

CAP = 10**18


@pytest.fixture
def org() -> Org:
    return OrgFactory.create()


def test_credits_the_customer_and_debits_the_clearing_account(org: Org) -> None:
    posted = top_up(org, 5_000)
    assert lines_of(posted.public_id) == {
        "stripe_clearing": 5_000,
        "available:paid": -5_000,
    }


def test_keeps_the_balance_of_a_customer_account(org: Org) -> None:
    top_up(org, 5_000, key="a")
    top_up(org, 7_000, key="b")
    assert balance_of(org, "available:paid") == 12_000


def test_writes_the_chain_of_a_customer_account(org: Org) -> None:
    top_up(org, 5_000, key="a")
    top_up(org, 7_000, key="b")
    chain = Posting.objects.filter(account__code="available:paid").order_by("pk")
    found = chain.values_list("account_version", "balance_after_nanousd")
    assert list(found) == [(1, 5_000), (2, 12_000)]


def test_keeps_no_balance_of_our_own_accounts(org: Org) -> None:
    top_up(org, 5_000)
    clearing = LedgerAccount.objects.get(code="stripe_clearing")
    posting = Posting.objects.get(account=clearing)
    assert (clearing.org, clearing.balance_nanousd, clearing.version) == (None, 0, 0)
    assert (posting.account_version, posting.balance_after_nanousd) == (None, None)


def test_the_same_key_posts_once(org: Org) -> None:
    first = top_up(org, 5_000)
    again = top_up(org, 5_000)
    assert again == first
    assert balance_of(org, "available:paid") == 5_000
    assert Posting.objects.count() == 2


def test_the_same_key_with_another_amount_is_refused_and_alarmed(
    org: Org, caplog: pytest.LogCaptureFixture
) -> None:
    top_up(org, 5_000)
    with caplog.at_level(logging.CRITICAL), pytest.raises(LedgerKeyReused):
        top_up(org, 5_001)
    assert "topup-1" in caplog.text
    assert balance_of(org, "available:paid") == 5_000


def test_the_same_key_for_another_organization_is_refused(org: Org) -> None:
    top_up(org, 5_000)
    with pytest.raises(LedgerKeyReused):
        top_up(OrgFactory.create(), 5_000)


def test_refuses_to_take_more_than_the_account_holds(org: Org) -> None:
    top_up(org, 5_000)
    with pytest.raises(InsufficientCredits) as refusal:
        post(
            kind="refund_card",
            key="refund-1",
            org=org,
            entries=[
                debit(chart.AVAILABLE_PAID, 5_001),
                credit(chart.STRIPE_CLEARING, 5_001),
            ],
        )
    assert (refusal.value.status, refusal.value.code) == (402, "insufficient_credits")
    assert balance_of(org, "available:paid") == 5_000
    assert not LedgerTransaction.objects.filter(key="refund-1").exists()


def test_a_refused_key_can_be_posted_later(org: Org) -> None:
    entries = [debit(chart.AVAILABLE_PAID, 1), credit(chart.STRIPE_CLEARING, 1)]
    with pytest.raises(InsufficientCredits):
        post(kind="refund_card", key="refund-1", org=org, entries=entries)
    top_up(org, 1)
    post(kind="refund_card", key="refund-1", org=org, entries=entries)
    assert balance_of(org, "available:paid") == 0


def test_refuses_entries_that_do_not_add_up(org: Org) -> None:
    with pytest.raises(UnbalancedTransaction):
        post(
            kind="top_up",
            key="k",
            org=org,
            entries=[debit(chart.BANK, 2), credit(chart.AVAILABLE_PAID, 1)],
        )
    assert not LedgerTransaction.objects.exists()


def test_refuses_an_account_that_stands_twice(org: Org) -> None:
    with pytest.raises(UnbalancedTransaction):
        post(kind="x", key="k", entries=[debit(chart.BANK, 1), credit(chart.BANK, 1)])


def test_refuses_a_customer_account_without_an_organization() -> None:
    with pytest.raises(UnbalancedTransaction):
        post(
            kind="x",
            key="k",
            entries=[debit(chart.BANK, 1), credit(chart.AVAILABLE_PAID, 1)],
        )


def test_refuses_no_entries_at_all() -> None:
    with pytest.raises(UnbalancedTransaction):
        post(kind="x", key="k", entries=[])


def test_refuses_an_amount_above_the_cap(org: Org) -> None:
    with pytest.raises(AmountOutOfRange):
        top_up(org, CAP + 1)


def test_takes_an_amount_at_the_cap(org: Org) -> None:
    top_up(org, CAP)
    assert balance_of(org, "available:paid") == CAP


def test_refuses_a_balance_above_the_cap(org: Org) -> None:
    top_up(org, CAP, key="a")
    with pytest.raises(AmountOutOfRange):
        top_up(org, 1, key="b")
    assert balance_of(org, "available:paid") == CAP


def test_refuses_a_zero_amount(org: Org) -> None:
    with pytest.raises(AmountOutOfRange):
        top_up(org, 0)


def test_accounts_of_two_organizations_are_apart(org: Org) -> None:
    stranger = OrgFactory.create()
    top_up(org, 5, key="a")
    top_up(stranger, 7, key="b")
    assert balance_of(org, "available:paid") == 5
    assert balance_of(stranger, "available:paid") == 7


def test_remembers_who_and_why(org: Org) -> None:
    posted = post(
        kind="goodwill",
        key="k",
        org=org,
        purpose="ticket:7",
        reason="A late batch.",
        actor="operator:ada",
        entries=[debit(chart.EXPENSE_GOODWILL, 1), credit(chart.AVAILABLE_PAID, 1)],
    )
    posted.refresh_from_db()
    assert (posted.actor, posted.reason, posted.purpose) == (
        "operator:ada",
        "A late batch.",
        "ticket:7",
    )
    assert posted.public_id.startswith("ltx_")
