"""What a key may spend: taken by a submit, given back by the settlement."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from accounts.keys import rotate_key
from accounts.models import ApiKey, SpendLimit
from accounts.spending import KeySpendLimitExceeded, give_back, take
from batches.models import Batch, Quote
from batches.services.finalizing import finalize_batch
from batches.services.submission import QuoteModeDiffers, submit_quote
from batchrouter.kit import clock
from billing.models import Reservation
from billing.selectors import balance
from tests.batches.conftest import Customer, make_customer
from tests.factories.accounts import make_key
from tests.factories.batches import (
    book_problems,
    make_batch,
    make_items,
    make_quote,
    run_batch,
)
from tests.support.api_client import error_of

# What one of make_item costs at most (test_quoting.py).
TOTAL = 248_601
BODY = {"items": make_items(1)}


def limited(limit_nanousd: int) -> Customer:
    return make_customer(spend_limit_nanousd=limit_nanousd)


def spent() -> int:
    return SpendLimit.objects.get().spent_nanousd


@pytest.mark.usefixtures("market")
def test_a_submit_takes_the_total_from_the_keys_limit() -> None:
    customer = limited(TOTAL)
    assert customer.api.post("/v1/batches", BODY).status_code == 202
    assert spent() == TOTAL


@pytest.mark.usefixtures("market")
def test_what_does_not_fit_is_refused_and_nothing_is_reserved() -> None:
    customer = limited(TOTAL - 1)

    reply = customer.api.post("/v1/batches", BODY)

    assert error_of(reply) == (402, "key_spend_limit_exceeded")
    error = reply.json()["error"]
    assert error["type"] == "billing_error"
    assert error["details"] == {
        "limit": {"amount": "0.0002486", "currency": "usd"},
        "spent": {"amount": "0.00", "currency": "usd"},
        "needed": {"amount": "0.000248601", "currency": "usd"},
    }
    assert spent() == 0
    assert not Batch.objects.exists()
    assert not Reservation.objects.exists()
    assert balance(customer.org).reserved_nanousd == 0


@pytest.mark.usefixtures("market")
def test_a_refused_quote_can_be_submitted_by_another_key() -> None:
    customer = limited(1)
    quote = make_quote(customer.org)
    with pytest.raises(KeySpendLimitExceeded):
        submit_quote(
            org=customer.org, quote=quote, api_key=customer.key, now=clock.now()
        )
    other = make_key(customer.org).row
    submit_quote(org=customer.org, quote=quote, api_key=other, now=clock.now())
    assert Batch.objects.get().api_key == other


@pytest.mark.usefixtures("market")
def test_a_submit_without_enough_credits_takes_nothing_from_the_limit() -> None:
    customer = make_customer(usd=1, spend_limit_nanousd=10**18)
    reply = customer.api.post("/v1/batches", {"items": make_items(5_000)})
    assert error_of(reply) == (402, "insufficient_credits")
    assert spent() == 0


@pytest.mark.usefixtures("market")
def test_a_key_and_its_successor_spend_from_one_limit() -> None:
    customer = limited(TOTAL)
    make_batch(customer.org, api_key=customer.key)
    successor = rotate_key(customer.key, now=clock.now()).row
    with pytest.raises(KeySpendLimitExceeded):
        make_batch(customer.org, api_key=successor)
    assert spent() == TOTAL


@pytest.mark.usefixtures("simulator")
def test_the_settlement_gives_back_what_was_not_charged() -> None:
    customer = limited(TOTAL)
    batch = run_batch(make_batch(customer.org, api_key=customer.key))
    assert batch.charged_nanousd is not None
    assert 0 < batch.charged_nanousd < TOTAL
    assert spent() == batch.charged_nanousd
    assert book_problems() == []


@pytest.mark.usefixtures("simulator")
def test_finishing_twice_gives_back_once() -> None:
    customer = limited(TOTAL)
    batch = run_batch(make_batch(customer.org, api_key=customer.key))
    finalize_batch(batch.pk, now=clock.now())
    assert spent() == batch.charged_nanousd


@pytest.mark.usefixtures("simulator")
def test_a_batch_goes_on_when_its_key_is_revoked_and_settles_its_limit() -> None:
    customer = limited(TOTAL)
    batch = make_batch(customer.org, api_key=customer.key)
    ApiKey.objects.update(revoked_at=clock.now())
    ended = run_batch(batch)
    assert ended.state == "completed"
    assert spent() == ended.charged_nanousd


@pytest.mark.usefixtures("simulator")
def test_a_batch_of_a_person_touches_no_limit() -> None:
    customer = limited(TOTAL)
    run_batch(make_batch(customer.org))
    assert spent() == 0


@pytest.mark.usefixtures("market")
def test_r21_finds_a_limit_that_is_not_what_its_batches_hold() -> None:
    customer = limited(2 * TOTAL)
    make_batch(customer.org, api_key=customer.key)
    assert book_problems() == []
    limit = SpendLimit.objects.get()
    SpendLimit.objects.update(spent_nanousd=TOTAL - 1)
    assert book_problems() == [
        f"R21: spend limit {limit.pk}: spent {TOTAL - 1}, batches hold or cost {TOTAL}"
    ]


@pytest.mark.django_db
def test_a_key_without_a_limit_spends_freely() -> None:
    key = make_customer().key
    take(key, 10**18)
    give_back(key.pk, 10**18)
    assert not SpendLimit.objects.exists()


@pytest.mark.django_db
def test_a_limit_is_used_to_its_last_nano_dollar() -> None:
    key = limited(10).key
    take(key, 7)
    take(key, 3)
    with pytest.raises(KeySpendLimitExceeded):
        take(key, 1)
    give_back(key.pk, 4)
    take(key, 4)
    assert spent() == 10


def test_twenty_submits_at_once_spend_what_the_limit_covers(
    committed_db: None, market: None
) -> None:
    customer = limited(7 * TOTAL)
    quotes = [make_quote(customer.org) for _ in range(20)]
    gate = threading.Barrier(len(quotes))

    def submit(quote: Quote) -> str:
        gate.wait()
        try:
            submit_quote(
                org=customer.org, quote=quote, api_key=customer.key, now=clock.now()
            )
        except KeySpendLimitExceeded:
            return "refused"
        finally:
            connection.close()
        return "submitted"

    with ThreadPoolExecutor(len(quotes)) as pool:
        outcomes = Counter(pool.map(submit, quotes))

    assert outcomes == {"submitted": 7, "refused": 13}
    assert spent() == 7 * TOTAL
    assert balance(customer.org).reserved_nanousd == 7 * TOTAL
    assert book_problems() == []


# --- Test keys ---


@pytest.fixture
def live_lanes(market: None, settings: object) -> None:
    """Let one provider have a key, so that it has live lanes."""
    settings.PROVIDER_API_KEYS = {"openai": "sk-live"}  # type: ignore[attr-defined] # of pytest-django


@pytest.mark.usefixtures("live_lanes")
@pytest.mark.parametrize("is_test", [True, False])
def test_a_key_submits_no_quote_of_the_other_mode(*, is_test: bool) -> None:
    customer = make_customer(is_test=is_test)
    quote = make_quote(customer.org, is_test=not is_test)

    reply = customer.api.post("/v1/batches", {"quote_id": quote.public_id})

    assert error_of(reply) == (409, "quote_mode_mismatch")
    assert not Batch.objects.exists()
    assert not Reservation.objects.exists()


@pytest.mark.usefixtures("live_lanes")
def test_every_stage_of_a_test_keys_batch_is_a_sandbox_lane() -> None:
    customer = make_customer(is_test=True)
    assert customer.api.post("/v1/batches", BODY).status_code == 202
    decisions = Batch.objects.get().quote.decisions
    stages = [stage for decision in decisions for stage in decision["stages"]]
    assert stages
    assert {stage["is_sandbox"] for stage in stages} == {True}


@pytest.mark.usefixtures("market")
def test_a_quote_of_the_other_mode_is_refused_by_the_service_too() -> None:
    customer = make_customer(is_test=True)
    quote = make_quote(customer.org, is_test=False)
    with pytest.raises(QuoteModeDiffers):
        submit_quote(
            org=customer.org, quote=quote, api_key=customer.key, now=clock.now()
        )
    quote.refresh_from_db()
    assert quote.state == "active"
