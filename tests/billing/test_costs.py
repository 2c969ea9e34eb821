"""Booking what providers cost us."""

import pytest

from billing.chart import UnknownAccount
from billing.costs import book_cost
from billing.ledger import AmountOutOfRange, LedgerKeyReused
from billing.models import LedgerTransaction
from tests.billing.helpers import lines_of

pytestmark = pytest.mark.django_db


def _book(
    amount_nanousd: int, *, provider: str = "openai", ambiguous: bool = False
) -> LedgerTransaction | None:
    return book_cost(
        provider=provider,
        key="execution:pexec_1",
        amount_nanousd=amount_nanousd,
        reason="970 calls.",
        ambiguous=ambiguous,
    )


def test_books_the_cost_against_what_we_owe_the_provider() -> None:
    booked = _book(1_980_000_000)
    assert booked is not None
    assert lines_of(booked.public_id) == {
        "cogs:openai": 1_980_000_000,
        "payable:openai": -1_980_000_000,
    }
    assert (booked.kind, booked.key) == ("cogs", "execution:pexec_1:cogs")


def test_books_unknown_outcomes_as_an_expense_of_their_own() -> None:
    booked = _book(5, ambiguous=True)
    assert booked is not None
    assert lines_of(booked.public_id) == {"expense:ambiguous": 5, "payable:openai": -5}
    assert (booked.kind, booked.key) == (
        "cogs_ambiguous",
        "execution:pexec_1:ambiguous",
    )


def test_belongs_to_no_customer() -> None:
    booked = _book(5)
    assert booked is not None
    assert booked.org is None


def test_books_a_key_once() -> None:
    assert _book(5) == _book(5)
    assert LedgerTransaction.objects.count() == 1


def test_refuses_another_cost_for_the_same_key() -> None:
    _book(5)
    with pytest.raises(LedgerKeyReused):
        _book(6)


def test_books_nothing_for_work_that_was_free() -> None:
    assert _book(0) is None
    assert not LedgerTransaction.objects.exists()


def test_refuses_a_negative_cost() -> None:
    with pytest.raises(AmountOutOfRange):
        _book(-1)


def test_refuses_a_provider_that_is_no_name() -> None:
    with pytest.raises(UnknownAccount):
        _book(1, provider="Open AI")
