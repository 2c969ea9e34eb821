"""Checkout: sessions by the API, and the page a person pays on."""

import re
from urllib.parse import urlsplit

import httpx2 as httpx
import pytest
import stripe
from stripe.checkout import Session

from tests.stripe_standin.conftest import (
    CANCEL_URL,
    DECLINED,
    NewSession,
    Shop,
    client_of,
    wait_for,
    wished,
)
from tests.support.stripe_standin import Json, StripeStandin

PAID = "4242 4242 4242 4242"
NO_FUNDS = "4000 0000 0000 9995"


def submit(session: Session, **fields: str) -> httpx.Response:
    """Send the page's form as a browser does, without following the answer."""
    return httpx.post(str(session.url), data=fields, follow_redirects=False)


def test_a_session_holds_what_was_asked_for(new_session: NewSession) -> None:
    session = new_session(
        metadata={"top_up": "tu_1"},
        client_reference_id="tu_1",
        customer_email="a@example.com",
    )

    assert (session.status, session.payment_status) == ("open", "unpaid")
    assert (session.amount_total, session.currency) == (2_500, "usd")
    assert session.metadata is not None
    assert session.metadata.to_dict() == {"top_up": "tu_1"}
    assert session.client_reference_id == "tu_1"
    assert session.customer_email == "a@example.com"
    assert session.payment_intent is None
    assert session.livemode is False


def test_a_sum_is_quantity_times_unit_amount(client: stripe.StripeClient) -> None:
    wanted = wished(amount=700)
    wanted["line_items"][0]["quantity"] = 3
    session = client.v1.checkout.sessions.create(wanted)
    [item] = client.v1.checkout.sessions.line_items.list(session.id).data

    assert session.amount_total == 2_100
    assert (item.quantity, item.amount_total, item.description) == (
        3,
        2_100,
        "25 credits",
    )


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"mode": "subscription"}, "mode"),
        ({"success_url": "javascript:alert(1)"}, "success_url"),
        ({"success_url": "http://a;style-src/"}, "success_url"),
        ({"success_url": "http://a/\r\nX: y"}, "success_url"),
        ({"line_items": [{"quantity": 1}]}, "line_items[0][price_data]"),
        ({"line_items": "x"}, "line_items"),
        ({"payment_intent_data": "x"}, "payment_intent_data"),
        ({"expires_at": 1}, "expires_at"),
        ({"customer": "cus_unknown"}, "id"),
    ],
    ids=[
        "mode",
        "script",
        "policy",
        "header",
        "no price",
        "no lines",
        "payment_intent_data",
        "expires_at",
        "customer",
    ],
)
def test_a_session_that_makes_no_sense_is_refused(
    client: stripe.StripeClient, new_session: NewSession, changes: Json, param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        new_session(**changes)

    assert refusal.value.param == param
    assert client.v1.checkout.sessions.list().data == []


def test_another_currency_is_refused(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.checkout.sessions.create(wished(currency="eur"))

    assert refusal.value.param == "line_items[0][price_data][currency]"


def test_a_page_of_no_session_says_so(standin: StripeStandin) -> None:
    answer = httpx.get(f"{standin.url}/pay/cs_test_unknown")

    assert answer.status_code == 404
    assert "There is no such checkout" in answer.text


def test_a_good_card_pays_and_leads_back_to_the_shop(
    client: stripe.StripeClient, new_session: NewSession
) -> None:
    session = new_session()
    answer = submit(session, card_number=PAID, method="card")
    found = client.v1.checkout.sessions.retrieve(session.id)

    assert answer.status_code == 303
    assert answer.headers["location"] == (
        f"http://shop.example.com/paid?session_id={session.id}"
    )
    assert (found.status, found.payment_status) == ("complete", "paid")
    assert found.url is None


def test_a_payment_is_charged_with_its_fee(
    standin: StripeStandin, client: stripe.StripeClient, new_session: NewSession
) -> None:
    session = new_session(payment_intent_data={"metadata": {"top_up": "tu_1"}})
    standin.pay(session.id)
    path = "payment_intent.latest_charge.balance_transaction"
    found = client.v1.checkout.sessions.retrieve(session.id, {"expand": [path]})

    intent = found.payment_intent
    assert isinstance(intent, stripe.PaymentIntent)
    assert (intent.status, intent.amount_received) == ("succeeded", 2_500)
    assert intent.metadata.to_dict() == {"top_up": "tu_1"}
    charge = intent.latest_charge
    assert isinstance(charge, stripe.Charge)
    assert (charge.paid, charge.amount_captured) == (True, 2_500)
    booked = charge.balance_transaction
    assert isinstance(booked, stripe.BalanceTransaction)
    assert (booked.amount, booked.fee, booked.net) == (2_500, 103, 2_397)
    assert [detail.amount for detail in booked.fee_details] == [103]
    assert booked.source == charge.id


def test_a_second_click_pays_once(
    client: stripe.StripeClient, new_session: NewSession
) -> None:
    session = new_session()
    answers = [submit(session, card_number=PAID) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert len(client.v1.charges.list().data) == 1


@pytest.mark.parametrize(
    ("number", "words"),
    [(DECLINED, "was declined"), (NO_FUNDS, "insufficient funds")],
    ids=["declined", "no funds"],
)
def test_a_refused_card_says_so_and_the_session_stays_open(
    client: stripe.StripeClient,
    shop: Shop,
    standin: StripeStandin,
    new_session: NewSession,
    number: str,
    words: str,
) -> None:
    session = new_session()
    answer = submit(session, card_number=number)
    standin.wait_until_quiet()
    found = client.v1.checkout.sessions.retrieve(session.id)

    assert words in answer.text
    assert 'role="alert"' in answer.text
    assert (found.status, found.payment_status) == ("open", "unpaid")
    failed = shop.of_type("payment_intent.payment_failed")
    assert failed["last_payment_error"]["code"] == "card_declined"


def test_after_a_refusal_another_card_pays_the_same_intent(
    client: stripe.StripeClient, new_session: NewSession
) -> None:
    session = new_session()
    submit(session, card_number=DECLINED)
    first = client.v1.checkout.sessions.retrieve(session.id).payment_intent
    submit(session, card_number=PAID)
    found = client.v1.checkout.sessions.retrieve(session.id)

    assert found.payment_status == "paid"
    assert found.payment_intent == first


def test_a_number_that_is_no_test_card_is_not_charged(
    client: stripe.StripeClient, new_session: NewSession
) -> None:
    answer = submit(new_session(), card_number="5555 5555 5555 4444")

    assert "not one of the test cards" in answer.text
    assert client.v1.charges.list().data == []


def test_a_bank_debit_is_complete_before_it_is_paid(
    client: stripe.StripeClient, new_session: NewSession
) -> None:
    session = new_session()
    answer = submit(session, method="bank_debit")
    found = client.v1.checkout.sessions.retrieve(session.id)

    assert answer.status_code == 303
    assert (found.status, found.payment_status) == ("complete", "unpaid")


@pytest.mark.parametrize(
    ("outcome", "status"), [("succeeded", "paid"), ("failed", "unpaid")]
)
def test_a_bank_debit_is_settled_later(
    standin: StripeStandin,
    client: stripe.StripeClient,
    shop: Shop,
    new_session: NewSession,
    outcome: str,
    status: str,
) -> None:
    session = new_session()
    standin.pay(session.id, bank_debit=True)
    standin.control(f"sessions/{session.id}/settle", {"outcome": outcome})
    standin.wait_until_quiet()

    assert client.v1.checkout.sessions.retrieve(session.id).payment_status == status
    told = shop.of_type(f"checkout.session.async_payment_{outcome}")
    assert (told["id"], told["payment_status"]) == (session.id, status)


def test_a_bank_debit_may_settle_by_itself(
    standin: StripeStandin, client: stripe.StripeClient, new_session: NewSession
) -> None:
    standin.settings(bank_debit_seconds=0.1)
    session = new_session()
    standin.pay(session.id, bank_debit=True)

    def is_paid() -> bool:
        found = client.v1.checkout.sessions.retrieve(session.id)
        return found.payment_status == "paid"

    wait_for(is_paid)


def test_an_expired_session_cannot_be_paid(
    client: stripe.StripeClient,
    shop: Shop,
    standin: StripeStandin,
    new_session: NewSession,
) -> None:
    session = new_session()
    client.v1.checkout.sessions.expire(session.id)
    answer = submit(session, card_number=PAID)
    standin.wait_until_quiet()

    assert "This checkout is expired" in answer.text
    assert client.v1.charges.list().data == []
    assert shop.types() == ["checkout.session.expired"]


def test_a_paid_session_cannot_expire(
    standin: StripeStandin, client: stripe.StripeClient, paid: Json
) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.checkout.sessions.expire(paid["id"])

    assert client.v1.checkout.sessions.retrieve(paid["id"]).status == "complete"


def test_the_page_shows_sum_product_and_the_way_back(new_session: NewSession) -> None:
    page = httpx.get(str(new_session().url)).text

    assert "Stand-in: no real money" in page
    assert "$25.00" in page
    assert "<h1>Pay for 25 credits</h1>" in page
    assert f'href="{CANCEL_URL}"' in page
    assert '<label for="card_number">' in page
    assert "<script" not in page


def test_the_page_shows_a_product_name_as_text(client: stripe.StripeClient) -> None:
    wanted = wished()
    wanted["line_items"][0]["price_data"]["product_data"]["name"] = "<script>x</script>"
    page = httpx.get(str(client.v1.checkout.sessions.create(wanted).url)).text

    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_the_page_allows_nothing_but_its_form_and_style(
    new_session: NewSession,
) -> None:
    policy = httpx.get(str(new_session().url)).headers["content-security-policy"]

    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]+'; "
        r"form-action 'self' http://shop\.example\.com; base-uri 'none'; "
        r"frame-ancestors 'none'",
        policy,
    )


def test_the_page_is_where_the_api_was_reached(
    standin: StripeStandin, new_session: NewSession
) -> None:
    assert str(new_session().url).startswith(f"{standin.url}/pay/cs_test_")


def test_a_configured_address_is_where_the_page_is() -> None:
    with StripeStandin(public_url="https://pay.example.com") as standin:
        session = client_of(standin).v1.checkout.sessions.create(wished())

    assert urlsplit(str(session.url)).netloc == "pay.example.com"
