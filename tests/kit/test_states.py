"""Moves of a real row: a quote, active until it is accepted or expires."""

from datetime import timedelta

import pytest
from django.db import transaction

from batches.models import Quote
from batches.states import QuoteState
from batchrouter.kit.errors import Conflict
from batchrouter.kit.states import LostRace, MoveNotAllowed
from tests.factories.billing import NOON
from tests.factories.orders import QuoteFactory

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(minutes=1)


@pytest.fixture
def quote() -> Quote:
    return QuoteFactory.create()


def stored() -> tuple[object, object]:
    row = Quote.objects.get()
    return row.state, row.state_at


@pytest.mark.parametrize("to", [QuoteState.ACCEPTED, QuoteState.EXPIRED])
def test_moves_along_an_arrow(quote: Quote, to: QuoteState) -> None:
    quote.advance(to, at=LATER)
    assert (quote.state, quote.state_at) == (to, LATER)
    assert stored() == (to, LATER)


def test_refuses_a_move_without_an_arrow(quote: Quote) -> None:
    quote.advance(QuoteState.EXPIRED, at=NOON)
    with pytest.raises(MoveNotAllowed, match="Quote: expired cannot become accepted"):
        quote.advance(QuoteState.ACCEPTED, at=LATER)
    assert stored() == (QuoteState.EXPIRED, NOON)


def test_refuses_a_state_that_does_not_exist(quote: Quote) -> None:
    with pytest.raises(MoveNotAllowed):
        quote.advance("lost", at=LATER)
    assert stored() == (QuoteState.ACTIVE, NOON)


def test_staying_is_no_move(quote: Quote) -> None:
    with pytest.raises(MoveNotAllowed):
        quote.advance(QuoteState.ACTIVE, at=LATER)
    assert stored() == (QuoteState.ACTIVE, NOON)


def test_the_second_of_two_who_read_the_same_row_loses(quote: Quote) -> None:
    Quote.objects.get().advance(QuoteState.ACCEPTED, at=NOON)
    with pytest.raises(LostRace, match="Quote: active was no longer current"):
        quote.advance(QuoteState.EXPIRED, at=LATER)
    assert quote.state == QuoteState.ACTIVE
    assert stored() == (QuoteState.ACCEPTED, NOON)


def test_a_lost_race_does_not_break_the_transaction_around_it(quote: Quote) -> None:
    Quote.objects.get().advance(QuoteState.ACCEPTED, at=NOON)
    with transaction.atomic():
        with pytest.raises(LostRace):
            quote.advance(QuoteState.EXPIRED, at=LATER)
        assert stored() == (QuoteState.ACCEPTED, NOON)


@pytest.mark.parametrize("refusal", [MoveNotAllowed, LostRace])
def test_both_refusals_are_conflicts_of_one_code(refusal: type[Conflict]) -> None:
    assert (refusal.code, refusal.status) == ("state_conflict", 409)
