"""The stand-in delivers as Stripe does: doubled, out of order, or not at all."""

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from batchrouter.kit import clock
from batchrouter.kit.money import NANO_PER_USD
from billing.checkout import open_checkout
from billing.models import CheckoutSession, LedgerTransaction, StripeEvent
from billing.reconcile import run_checks
from billing.selectors import balance
from billing.webhooks.inbox import retry_deferred
from billing.webhooks.pulling import pull
from tests.factories.accounts import OrgFactory
from tests.factories.payments import CreditPackFactory
from tests.support.stripe_standin import API_KEY, WEBHOOK_SECRET, StripeStandin

pytestmark = pytest.mark.usefixtures("committed_db")

USD = NANO_PER_USD
WEBHOOK = "/v1/billing/stripe/webhook"


@pytest.fixture
def standin(live_server: LiveServer, settings: Settings) -> Iterator[StripeStandin]:
    """A stand-in that tells our own server."""
    with StripeStandin(webhook_url=live_server.url + WEBHOOK) as standin:
        settings.STRIPE_SECRET_KEY = API_KEY
        settings.STRIPE_API_BASE = standin.url
        settings.STRIPE_WEBHOOK_SECRETS = [WEBHOOK_SECRET]
        yield standin


@pytest.fixture
def checkout(standin: StripeStandin) -> CheckoutSession:
    assert standin.url
    CreditPackFactory.create()
    return open_checkout(
        org=OrgFactory.create(),
        pack_code="credit_25",
        request_key="form-1",
        now=clock.now(),
    ).session


def test_a_payment_is_credited_by_the_webhook_alone(
    standin: StripeStandin, checkout: CheckoutSession
) -> None:
    standin.settings(duplicate=2)
    standin.pay(str(checkout.stripe_session_id))
    standin.wait_until_quiet()
    assert balance(checkout.org).available_nanousd == 25 * USD
    assert LedgerTransaction.objects.filter(kind="top_up").count() == 1
    assert {row["state"] for row in standin.deliveries()} == {"delivered"}


def test_a_refund_that_arrives_before_its_payment_waits(
    standin: StripeStandin, checkout: CheckoutSession
) -> None:
    standin.settings(paused=True)
    session = standin.pay(str(checkout.stripe_session_id))
    standin.control(
        "refunds", {"payment_intent": session["payment_intent"], "amount": 500}
    )
    standin.release("refund.created", "charge.refunded")
    assert not LedgerTransaction.objects.exists()
    assert StripeEvent.objects.filter(state="deferred").count() == 2
    standin.release()
    retry_deferred(now=clock.now())
    assert balance(checkout.org).available_nanousd == 20 * USD
    assert not StripeEvent.objects.filter(state="deferred").exists()


def test_what_is_dropped_is_credited_by_the_pull(
    standin: StripeStandin, checkout: CheckoutSession
) -> None:
    standin.settings(drop=100)
    standin.pay(str(checkout.stripe_session_id))
    standin.wait_until_quiet()
    assert not StripeEvent.objects.exists()
    now = clock.now()
    pull(now=now)
    assert balance(checkout.org).available_nanousd == 25 * USD
    assert [found for found in run_checks(now=now) if not found.ok] == []
