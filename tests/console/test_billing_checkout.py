"""Buying credits, coming back, statements, and what warns on pages."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Org
from batchrouter.kit import clock
from billing.balance_watch import threshold_of
from billing.freeze import freeze_money
from billing.models import CheckoutSession, CheckoutState, PaymentStatus
from billing.months import month_of
from billing.profiles import billing_email
from billing.stripe_facts import SessionFact
from billing.top_ups import credit_paid_session
from tests.console.test_billing import text_of
from tests.factories.billing import NOON, GrantFactory, ReservationFactory
from tests.factories.payments import CheckoutSessionFactory


@pytest.fixture
def session(org: Org) -> CheckoutSession:
    return CheckoutSessionFactory.create(org=org)


def _path(session: CheckoutSession) -> str:
    return f"/billing/checkout/{session.public_id}"


def _post_credits(session: CheckoutSession) -> None:
    fact = SessionFact(
        id=str(session.stripe_session_id),
        url="",
        status="complete",
        mode="payment",
        payment_status="paid",
        amount_cents=session.price_cents,
        currency="usd",
        customer_id=session.stripe_customer_id,
        payment_intent_id="pi_1",
        reference=session.public_id,
        expires_at=None,
    )
    credit_paid_session(paid=fact, now=NOON)


def test_where_checkout_is_off_the_packs_say_why(owner: Client, settings: Any) -> None:
    settings.STRIPE_SECRET_KEY = ""
    body = owner.get("/billing").content.decode()
    assert "Card payment is off on this server. STRIPE_SECRET_KEY is not set." in body
    assert body.count('name="pack_code"') == body.count("disabled><data") > 0


def test_a_click_while_checkout_is_off_charges_nothing(
    owner: Client, settings: Any
) -> None:
    settings.STRIPE_SECRET_KEY = ""
    reply = owner.post("/billing/checkout", {"pack_code": "credit_25"}, follow=True)
    assert "Nothing was charged." in reply.content.decode()
    assert not CheckoutSession.objects.exists()


def test_a_viewer_may_not_buy(viewer: Client) -> None:
    reply = viewer.post("/billing/checkout", {"pack_code": "credit_25"})
    assert reply.status_code == 403
    assert not CheckoutSession.objects.exists()


def test_the_page_after_paying_waits_and_turns_by_itself(
    owner: Client, session: CheckoutSession
) -> None:
    body = owner.get(_path(session)).content.decode()
    assert f'hx-get="{_path(session)}/live" hx-trigger="every 2s"' in body
    assert f'id="live-refresh" href="{_path(session)}"' in body
    assert "Waiting for the payment" in body
    _post_credits(session)
    live = owner.get(f"{_path(session)}/live")
    assert live["HX-Refresh"] == "true"
    assert "Your credits are there" in live.content.decode()


def test_coming_back_posts_nothing(owner: Client, session: CheckoutSession) -> None:
    owner.get(_path(session))
    owner.get(f"{_path(session)}/live")
    assert "Available $50.00" in text_of(owner)


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"payment_status": PaymentStatus.PROCESSING}, "Your bank is on it"),
        ({"payment_status": PaymentStatus.FAILED}, "The payment failed"),
        ({"state": CheckoutState.EXPIRED}, "The payment page has closed"),
    ],
    ids=["processing", "failed", "expired"],
)
def test_the_page_says_how_it_ended(
    owner: Client, org: Org, changes: dict[str, str], title: str
) -> None:
    session = CheckoutSessionFactory.create(org=org, **changes)
    body = owner.get(_path(session)).content.decode()
    assert title in body
    assert "hx-get" not in body


@pytest.mark.parametrize("part", ["", "/live"])
def test_a_payment_is_nothing_to_a_stranger(
    stranger: Client, session: CheckoutSession, part: str
) -> None:
    assert stranger.get(_path(session) + part).status_code == 404


def test_leaving_the_payment_page_says_that_nothing_was_charged(owner: Client) -> None:
    body = owner.get("/billing?checkout=canceled").content.decode()
    assert "You left the payment page. Nothing was charged." in body


def test_a_top_up_is_listed(owner: Client, session: CheckoutSession) -> None:
    assert "Nothing was bought yet." in text_of(owner)
    _post_credits(session)
    assert "Credits Refunded Disputed" in text_of(owner)
    assert "$25.00 — —" in text_of(owner)


def test_promotional_credits_say_when_they_end(owner: Client, org: Org) -> None:
    GrantFactory.create(
        org=org, amount_nanousd=3_000_000_000, is_promo=True, expires_at=NOON
    )
    assert "$3.00 until 22 Nov 2026, 12:00" in text_of(owner)


def test_the_settings_are_saved(owner: Client, org: Org) -> None:
    form = {"billing_email": "books@example.com", "low_balance_threshold": "12.50"}
    assert owner.post("/billing/profile", form).status_code == 302
    assert billing_email(org) == "books@example.com"
    assert threshold_of(org) == 12_500_000_000


@pytest.mark.parametrize(
    "form",
    [
        {"billing_email": "nobody", "low_balance_threshold": "1"},
        {"billing_email": "", "low_balance_threshold": "-1"},
        {"billing_email": ""},
    ],
    ids=["email", "negative", "missing"],
)
def test_settings_that_make_no_sense_are_refused(
    owner: Client, org: Org, form: dict[str, str]
) -> None:
    assert owner.post("/billing/profile", form).status_code == 400
    assert (billing_email(org), threshold_of(org)) == ("", 10_000_000_000)


def test_a_viewer_may_not_change_the_settings(viewer: Client, org: Org) -> None:
    form = {"billing_email": "", "low_balance_threshold": "1"}
    assert viewer.post("/billing/profile", form).status_code == 403
    assert threshold_of(org) == 10_000_000_000


@pytest.mark.parametrize("path", ["/", "/billing"])
def test_a_low_balance_warns_while_it_is_low(
    owner: Client, org: Org, path: str
) -> None:
    assert "Your credits are low." not in text_of(owner, path)
    ReservationFactory.create(org=org, amount_nanousd=45_000_000_000)
    assert "Your credits are low." in text_of(owner, path)


@pytest.mark.parametrize("path", ["/", "/billing", "/batches", "/catalog/models"])
def test_every_page_says_that_spending_is_paused(owner: Client, path: str) -> None:
    freeze_money(reason="R03 of somebody", now=NOON)
    text = text_of(owner, path)
    assert "Spending is paused." in text
    assert "R03" not in text
    assert "Spending is paused." not in text_of(Client(), "/catalog/models")


def test_a_statement_is_a_page_and_a_file(owner: Client, org: Org) -> None:
    month = month_of(clock.now())
    assert (
        f'href="/billing/statements/{month}"' in owner.get("/billing").content.decode()
    )
    text = text_of(owner, f"/billing/statements/{month}")
    assert "Opening balance (USD) 0.000000000" in text
    assert "Closing balance (USD) 50.000000000" in text
    reply: Any = owner.get(f"/billing/statements/{month}.csv")
    lines = b"".join(reply.streaming_content).decode().splitlines()
    assert lines[-1].endswith(",50.000000000,0.000000000,50.000000000")


@pytest.mark.parametrize("suffix", ["", ".csv"])
@pytest.mark.parametrize("month", ["2000-01", "2026-13", "9000-01"])
def test_there_is_no_page_for_other_months(
    owner: Client, month: str, suffix: str
) -> None:
    assert owner.get(f"/billing/statements/{month}{suffix}").status_code == 404
