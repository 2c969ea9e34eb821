"""dj-stripe reads what the stand-in says, and asks it for the rest."""

from collections.abc import Iterator

import pytest
import stripe
from djstripe import models

from tests.stripe_standin.conftest import NewSession
from tests.support.stripe_standin import API_KEY, Json, StripeStandin

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _global_client(standin: StripeStandin) -> Iterator[None]:
    """dj-stripe uses the module's own client."""
    before = stripe.api_base
    stripe.api_base = standin.url
    yield
    stripe.api_base = before


@pytest.fixture
def disputed(
    standin: StripeStandin, client: stripe.StripeClient, new_session: NewSession
) -> Json:
    """A session of a customer: paid, refunded in part, then disputed."""
    customer = client.v1.customers.create({"email": "a@example.com"})
    session = standin.pay(new_session(customer=customer.id).id)
    paid_by = {"payment_intent": session["payment_intent"]}
    standin.control("refunds", {**paid_by, "amount": 500})
    standin.control("disputes", {**paid_by, "amount": 2_000, "withdraw": True})
    return session


def test_a_session_is_mirrored_with_its_payment(
    client: stripe.StripeClient, disputed: Json
) -> None:
    found = client.v1.checkout.sessions.retrieve(disputed["id"])
    mirrored = models.Session.sync_from_stripe_data(found, api_key=API_KEY)

    assert mirrored.payment_status == "paid"
    assert mirrored.payment_intent.id == disputed["payment_intent"]
    assert mirrored.customer.email == "a@example.com"


def test_a_charge_is_mirrored_with_its_balance_transaction(
    client: stripe.StripeClient, disputed: Json
) -> None:
    [found] = client.v1.charges.list().data
    mirrored = models.Charge.sync_from_stripe_data(found, api_key=API_KEY)

    assert mirrored.balance_transaction.amount == 2_500
    assert mirrored.payment_intent.id == disputed["payment_intent"]
    assert mirrored.payment_method.type == "card"


@pytest.mark.usefixtures("disputed")
def test_a_refund_is_mirrored(client: stripe.StripeClient) -> None:
    [found] = client.v1.refunds.list().data
    mirrored = models.Refund.sync_from_stripe_data(found, api_key=API_KEY)

    assert (mirrored.amount, mirrored.charge.id) == (500, found.charge)


@pytest.mark.usefixtures("disputed")
def test_a_dispute_is_mirrored(client: stripe.StripeClient) -> None:
    [found] = client.v1.disputes.list().data
    mirrored = models.Dispute.sync_from_stripe_data(found, api_key=API_KEY)

    assert mirrored.balance_transaction.amount == -2_000
    assert mirrored.charge.id == found.charge


@pytest.mark.usefixtures("disputed")
def test_every_balance_transaction_is_mirrored(client: stripe.StripeClient) -> None:
    for found in client.v1.balance_transactions.list().data:
        models.BalanceTransaction.sync_from_stripe_data(found, api_key=API_KEY)

    amounts = models.BalanceTransaction.objects.values_list("amount", flat=True)
    assert sorted(amounts) == [-2_000, -500, 2_500]


@pytest.mark.usefixtures("disputed")
def test_every_event_is_processed(client: stripe.StripeClient) -> None:
    for found in reversed(client.v1.events.list({"limit": 100}).data):
        models.Event.process(found, api_key=API_KEY)

    assert models.Event.objects.count() == 7
    assert models.Session.objects.count() == 1
    assert models.Charge.objects.count() == 1
    assert models.Dispute.objects.count() == 1
