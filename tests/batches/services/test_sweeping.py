"""What no message announced."""

from datetime import timedelta

import pytest

from batches.models import Batch, Quote
from batches.services.submission import QuoteExpired, submit_quote
from batches.services.sweeping import expire_quotes
from batchrouter.kit import clock
from billing.models import Reservation
from tests.batches.conftest import Customer
from tests.factories.batches import make_batch, make_quote


def test_quotes_past_their_time_expire(owner: Customer) -> None:
    quote = make_quote(owner.org)

    expire_quotes(now=quote.valid_until)
    assert Quote.objects.get(pk=quote.pk).state == "active"

    expire_quotes(now=quote.valid_until + timedelta(seconds=1))
    assert Quote.objects.get(pk=quote.pk).state == "expired"


def test_an_accepted_quote_stays_accepted(owner: Customer) -> None:
    batch = make_batch(owner.org)

    expire_quotes(now=clock.now() + timedelta(hours=1))

    assert Quote.objects.get(pk=batch.quote_id).state == "accepted"


def test_an_expired_quote_cannot_be_submitted(owner: Customer) -> None:
    quote = make_quote(owner.org)
    expire_quotes(now=quote.valid_until + timedelta(seconds=1))

    with pytest.raises(QuoteExpired):
        submit_quote(org=owner.org, quote=quote, api_key=None, now=quote.created_at)

    assert not Batch.objects.exists()
    assert not Reservation.objects.exists()


def test_a_quote_ends_at_its_very_instant(owner: Customer) -> None:
    quote = make_quote(owner.org)

    with pytest.raises(QuoteExpired):
        submit_quote(org=owner.org, quote=quote, api_key=None, now=quote.valid_until)
