"""Many at once on one balance: real threads, real commits."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction

from accounts.models import Org
from batchrouter.kit.money import NANO_PER_USD
from billing.costs import book_cost
from billing.grants import expire_due_grants
from billing.ledger import InsufficientCredits
from billing.models import LedgerTransaction, Posting, Reservation
from billing.receipts import issue_receipt
from billing.reconcile import run_checks
from billing.reservations import SettledOtherwise, release, reserve, settle
from billing.selectors import Balance, balance
from tests.billing.helpers import top_up
from tests.factories.accounts import OrgFactory
from tests.factories.billing import NOON, GrantFactory, ReservationFactory, funded_org
from tests.support.meanwhile import meanwhile

pytestmark = pytest.mark.usefixtures("committed_db")

THREADS = 40
USD = NANO_PER_USD


def at_once(task: Callable[[int], str], times: int = THREADS) -> list[str]:
    """Run a task that many times, all started together; return what each said."""
    gate = threading.Barrier(times)

    def run(number: int) -> str:
        gate.wait()
        try:
            return task(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


def _reserve(org: Org, purpose: str, amount_nanousd: int) -> str:
    try:
        reserve(
            org=org,
            purpose=purpose,
            amount_nanousd=amount_nanousd,
            reason="A race.",
            expires_at=NOON + timedelta(days=1),
            now=NOON,
        )
    except InsufficientCredits:
        return "refused"
    return "held"


def _assert_books_hold() -> None:
    failed = [result for result in run_checks(now=NOON) if not result.ok]
    assert failed == []


def test_forty_reservations_get_exactly_what_the_balance_covers() -> None:
    org = funded_org(usd=100)
    outcomes = at_once(lambda n: _reserve(org, f"batch:race-{n}", 7 * USD))
    assert outcomes.count("held") == 14  # floor(100 / 7)
    assert balance(org).available_nanousd == 2 * USD
    assert balance(org).reserved_nanousd == 98 * USD
    _assert_books_hold()


def test_forty_reservations_over_promotional_and_paid_credits_never_deadlock() -> None:
    org = funded_org(usd=50)
    for key, days in (("late", 9), ("soon", 1), ("middle", 5)):
        GrantFactory.create(
            org=org,
            amount_nanousd=10 * USD,
            is_promo=True,
            expires_at=NOON + timedelta(days=days),
            key=key,
        )
    settled = [
        ReservationFactory.create(org=org, amount_nanousd=USD) for _ in range(20)
    ]

    def either(number: int) -> str:
        if number < len(settled):
            release(purpose=settled[number].purpose, now=NOON)
            return "released"
        return _reserve(org, f"batch:race-{number}", 3 * USD)

    outcomes = at_once(either)
    assert outcomes.count("released") == 20
    assert outcomes.count("held") == 20
    assert balance(org).available_nanousd == 20 * USD
    _assert_books_hold()


def test_forty_holders_of_one_purpose_hold_once() -> None:
    org = funded_org(usd=100)
    outcomes = at_once(lambda _: _reserve(org, "batch:same", 7 * USD))
    assert outcomes == ["held"] * THREADS
    assert Reservation.objects.count() == 1
    assert balance(org).reserved_nanousd == 7 * USD


def test_forty_posts_of_one_key_post_once() -> None:
    org = OrgFactory.create()
    identities = at_once(lambda _: top_up(org, 5 * USD).public_id)
    assert len(set(identities)) == 1
    assert Posting.objects.count() == 2
    assert balance(org).available_nanousd == 5 * USD


def test_fifty_settlements_of_one_batch_post_once() -> None:
    held = ReservationFactory.create(amount_nanousd=10 * USD)

    def close(_number: int) -> str:
        ended = settle(
            purpose=held.purpose, usage_nanousd=3 * USD, fee_nanousd=USD, now=NOON
        )
        return ended.settle_transaction_id

    identities = at_once(close, 50)
    assert len(identities) == 50
    assert len(set(identities)) == 1
    assert LedgerTransaction.objects.filter(kind="settle").count() == 1
    assert balance(held.org) == Balance(46 * USD, 0)
    _assert_books_hold()


def test_settle_and_release_at_once_close_it_one_way_only() -> None:
    held = ReservationFactory.create()

    def close(number: int) -> str:
        usage = 3 * USD if number % 2 else 0
        try:
            settle(purpose=held.purpose, usage_nanousd=usage, fee_nanousd=0, now=NOON)
        except SettledOtherwise:
            return "refused"
        return f"charged {usage}"

    outcomes = at_once(close)
    assert outcomes.count("refused") == THREADS // 2
    assert len(set(outcomes) - {"refused"}) == 1
    assert balance(held.org).reserved_nanousd == 0
    _assert_books_hold()


def test_forty_receipts_get_forty_numbers_in_one_chain() -> None:
    org = OrgFactory.create()

    def issue(number: int) -> str:
        receipt = issue_receipt(
            org=org, kind="billing", purpose=f"p:{number}", document={}, now=NOON
        )
        return str(receipt.number)

    numbers = at_once(issue)
    assert sorted(map(int, numbers)) == list(range(1, THREADS + 1))
    _assert_books_hold()


def test_a_grant_that_is_over_once_it_is_given_is_ended_by_who_waited_for_it() -> None:
    org = funded_org(usd=10)
    ended: list[int] = []

    def expire() -> None:
        ended.append(expire_due_grants(org=org, now=NOON + timedelta(seconds=1)))

    with meanwhile(expire, after='INSERT INTO "billing_posting"') as other:
        GrantFactory.create(
            org=org,
            amount_nanousd=USD,
            is_promo=True,
            expires_at=NOON + timedelta(milliseconds=1),
        )
    assert (other.error, ended) == (None, [1])
    assert balance(org).available_nanousd == 10 * USD
    _assert_books_hold()


def test_the_first_costs_of_a_provider_do_not_wait_in_a_circle() -> None:
    def book(number: int, *, ambiguous: bool) -> None:
        book_cost(
            provider="openai",
            key=f"execution:{number}",
            amount_nanousd=5,
            reason="A race.",
            ambiguous=ambiguous,
        )

    with (
        meanwhile(
            lambda: book(2, ambiguous=True), after='INSERT INTO "billing_posting"'
        ) as other,
        transaction.atomic(),
    ):
        book(1, ambiguous=False)
        book(1, ambiguous=True)
    assert other.error is None
    assert LedgerTransaction.objects.count() == 3
