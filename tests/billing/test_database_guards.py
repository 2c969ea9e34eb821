"""What PostgreSQL refuses, whoever asks and however."""

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Org
from billing.models import (
    LedgerAccount,
    LedgerTransaction,
    MoneyFreeze,
    Posting,
    Receipt,
    Reservation,
)
from billing.receipts import issue_receipt
from billing.reservations import release
from tests.billing.helpers import check_deferred, execute, top_up
from tests.factories.accounts import OrgFactory
from tests.factories.billing import NOON, ReservationFactory

pytestmark = pytest.mark.django_db

APPEND_ONLY = [LedgerTransaction, Posting, Receipt]
AppendOnly = type[LedgerTransaction] | type[Posting] | type[Receipt]


@pytest.fixture
def org() -> Org:
    org = OrgFactory.create()
    top_up(org, 5_000)
    issue_receipt(org=org, kind="billing", purpose="p:1", document={}, now=NOON)
    check_deferred()
    return org


@pytest.mark.usefixtures("org")
@pytest.mark.parametrize("model", APPEND_ONLY)
def test_refuses_to_update_what_is_written(model: AppendOnly) -> None:
    with pytest.raises(IntegrityError, match="append-only: UPDATE"):
        execute(f"UPDATE {model._meta.db_table} SET id = id")


@pytest.mark.usefixtures("org")
@pytest.mark.parametrize("model", APPEND_ONLY)
def test_refuses_to_delete_what_is_written(model: AppendOnly) -> None:
    with pytest.raises(IntegrityError, match="append-only: DELETE"):
        execute(f"DELETE FROM {model._meta.db_table}")


@pytest.mark.usefixtures("org")
@pytest.mark.parametrize("model", APPEND_ONLY)
def test_refuses_to_truncate_what_is_written(model: AppendOnly) -> None:
    with pytest.raises(IntegrityError, match="append-only: TRUNCATE"):
        execute(f"TRUNCATE {model._meta.db_table} CASCADE")


@pytest.mark.parametrize("model", APPEND_ONLY)
def test_truncating_an_empty_table_loses_nothing(model: AppendOnly) -> None:
    execute(f"TRUNCATE {model._meta.db_table} CASCADE")
    assert not model._default_manager.exists()


def _transaction(key: str = "raw") -> LedgerTransaction:
    return LedgerTransaction.objects.create(kind="raw", key=key, actor="test")


def _account(code: str) -> LedgerAccount:
    return LedgerAccount.objects.create(code=code, normal="debit", guarded=False)


def test_refuses_to_commit_an_unbalanced_transaction() -> None:
    raw = _transaction()
    bank, clearing = _account("bank"), _account("stripe_clearing")
    Posting.objects.create(transaction=raw, account=bank, amount_nanousd=2)
    Posting.objects.create(transaction=raw, account=clearing, amount_nanousd=-1)
    with pytest.raises(IntegrityError, match="adds up to 1 over 2 postings"):
        check_deferred()


def test_refuses_to_commit_a_transaction_without_postings() -> None:
    _transaction()
    with pytest.raises(IntegrityError, match="adds up to 0 over 0 postings"):
        check_deferred()


@pytest.mark.usefixtures("org")
def test_refuses_to_add_a_posting_to_an_old_transaction() -> None:
    old = LedgerTransaction.objects.get()
    Posting.objects.create(transaction=old, account=_account("bank"), amount_nanousd=1)
    with pytest.raises(IntegrityError, match="adds up to 1 over 3 postings"):
        check_deferred()


@transaction.atomic
def _commit_half_a_transaction() -> None:
    bank = _account("bank")
    Posting.objects.create(transaction=_transaction(), account=bank, amount_nanousd=2)


def test_an_unbalanced_transaction_is_gone_after_its_commit_failed(
    committed_db: None,
) -> None:
    with pytest.raises(IntegrityError, match="adds up to 2 over 1 postings"):
        _commit_half_a_transaction()
    assert not LedgerTransaction.objects.exists()
    assert connection.is_usable()


def test_refuses_a_negative_balance_of_a_customer(org: Org) -> None:
    with pytest.raises(IntegrityError, match="guarded_not_negative"):
        LedgerAccount.objects.filter(org=org, code="available:paid").update(
            balance_nanousd=-1
        )


def test_refuses_a_balance_above_the_cap(org: Org) -> None:
    with pytest.raises(IntegrityError, match="within_cap"):
        LedgerAccount.objects.filter(org=org, code="available:paid").update(
            balance_nanousd=10**18 + 1
        )


def test_refuses_a_cached_balance_of_our_own_accounts() -> None:
    bank = _account("bank")
    with pytest.raises(IntegrityError, match="unguarded_keeps_none"):
        LedgerAccount.objects.filter(pk=bank.pk).update(balance_nanousd=1)


def test_refuses_a_second_account_of_ours_with_one_code() -> None:
    _account("bank")
    with pytest.raises(IntegrityError, match="ledger_account_once"):
        _account("bank")


def test_refuses_a_second_posting_of_one_version(org: Org) -> None:
    paid = LedgerAccount.objects.get(org=org, code="available:paid")
    with pytest.raises(IntegrityError, match="posting_version_once"):
        Posting.objects.create(
            transaction=_transaction(),
            account=paid,
            amount_nanousd=-1,
            account_version=1,
            balance_after_nanousd=5_001,
        )


def test_refuses_a_posting_of_zero() -> None:
    with pytest.raises(IntegrityError, match="posting_amount_in_range"):
        Posting.objects.create(
            transaction=_transaction(), account=_account("bank"), amount_nanousd=0
        )


def test_refuses_a_version_without_a_balance() -> None:
    with pytest.raises(IntegrityError, match="posting_chain_whole"):
        Posting.objects.create(
            transaction=_transaction(),
            account=_account("bank"),
            amount_nanousd=1,
            account_version=1,
        )


def test_refuses_a_key_twice() -> None:
    _transaction("same")
    with pytest.raises(IntegrityError, match="key"):
        _transaction("same")


def test_refuses_to_settle_more_than_is_held() -> None:
    held = ReservationFactory.create()
    with pytest.raises(IntegrityError, match="never_overdrawn"):
        Reservation.objects.filter(pk=held.pk).update(
            usage_nanousd=held.amount_nanousd + 1
        )


def test_refuses_to_close_a_reservation_that_does_not_add_up() -> None:
    held = ReservationFactory.create()
    with pytest.raises(IntegrityError, match="closed_adds_up"):
        Reservation.objects.filter(pk=held.pk).update(state="closed")


def test_refuses_a_reservation_of_nothing() -> None:
    held = ReservationFactory.create()
    with pytest.raises(IntegrityError, match="amounts_not_negative"):
        Reservation.objects.filter(pk=held.pk).update(amount_nanousd=0)


def test_refuses_a_leg_that_gets_back_more_than_it_gave() -> None:
    held = ReservationFactory.create()
    release(purpose=held.purpose, now=NOON)
    with pytest.raises(IntegrityError, match="leg_within_amount"):
        execute(
            "UPDATE billing_reservationleg SET released_nanousd = amount_nanousd + 1"
        )


def test_refuses_a_second_freeze() -> None:
    MoneyFreeze.objects.create(reason="first", since=NOON)
    with pytest.raises(IntegrityError, match="one_open"):
        MoneyFreeze.objects.create(reason="second", since=NOON)
