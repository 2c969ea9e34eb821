"""Refunds, disputes and payouts, and what they do to the balance."""

from typing import Any

import pytest
import stripe

from tests.stripe_standin.conftest import NewSession, Shop
from tests.support.stripe_standin import Json, StripeStandin


def booked(client: stripe.StripeClient, **filters: Any) -> list[tuple[str, int, int]]:
    """Return type, amount and fee of balance transactions, oldest first."""
    wanted: Any = {"limit": 100, **filters}
    found = client.v1.balance_transactions.list(wanted).data
    return [(each.type, each.amount, each.fee) for each in reversed(found)]


def charge_of(client: stripe.StripeClient, session: Json) -> stripe.Charge:
    intent = client.v1.payment_intents.retrieve(
        session["payment_intent"], {"expand": ["latest_charge"]}
    )
    assert isinstance(intent.latest_charge, stripe.Charge)
    return intent.latest_charge


def refund(client: stripe.StripeClient, session: Json, amount: int) -> stripe.Refund:
    return client.v1.refunds.create(
        {"payment_intent": session["payment_intent"], "amount": amount}
    )


def test_several_refunds_add_up(
    standin: StripeStandin, client: stripe.StripeClient, shop: Shop, paid: Json
) -> None:
    first, second = refund(client, paid, 1_000), refund(client, paid, 1_500)
    standin.wait_until_quiet()
    charge = charge_of(client, paid)

    assert (charge.amount_refunded, charge.refunded) == (2_500, True)
    told = [e.data.object for e in shop.events() if e.type == "charge.refunded"]
    assert sorted(each["amount_refunded"] for each in told) == [1_000, 2_500]
    made = client.v1.refunds.list({"charge": charge.id}).data
    assert [each.id for each in made] == [second.id, first.id]
    assert booked(client)[1:] == [("refund", -1_000, 0), ("refund", -1_500, 0)]


def test_more_than_is_left_is_not_refunded(
    client: stripe.StripeClient, paid: Json
) -> None:
    refund(client, paid, 2_000)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        refund(client, paid, 501)

    assert refusal.value.param == "amount"
    assert charge_of(client, paid).amount_refunded == 2_000
    assert len(client.v1.refunds.list().data) == 1


def test_a_whole_refund_cannot_be_made_twice(
    client: stripe.StripeClient, paid: Json
) -> None:
    client.v1.refunds.create({"payment_intent": paid["payment_intent"]})
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.refunds.create({"payment_intent": paid["payment_intent"]})

    assert refusal.value.code == "charge_already_refunded"


def test_the_dashboard_refunds_too(
    standin: StripeStandin, shop: Shop, paid: Json
) -> None:
    made = standin.control(
        "refunds", {"payment_intent": paid["payment_intent"], "amount": 500}
    )
    standin.wait_until_quiet()

    assert shop.of_type("refund.created")["id"] == made["id"]
    assert shop.of_type("charge.refunded")["amount_refunded"] == 500


def test_a_refund_that_fails_returns_to_the_balance(
    standin: StripeStandin, client: stripe.StripeClient, shop: Shop, paid: Json
) -> None:
    made = refund(client, paid, 1_000)
    standin.control(f"refunds/{made.id}/fail")
    standin.wait_until_quiet()

    assert shop.of_type("refund.failed")["status"] == "failed"
    assert charge_of(client, paid).amount_refunded == 0
    assert booked(client)[1:] == [("refund", -1_000, 0), ("refund_failure", 1_000, 0)]


def test_a_pending_refund_succeeds_later(
    standin: StripeStandin, client: stripe.StripeClient, shop: Shop, paid: Json
) -> None:
    wanted = {"payment_intent": paid["payment_intent"], "status": "pending"}
    made = standin.control("refunds", wanted)
    standin.control(f"refunds/{made['id']}/settle")
    standin.wait_until_quiet()

    assert made["status"] == "pending"
    assert shop.of_type("refund.updated")["status"] == "succeeded"


def dispute(standin: StripeStandin, session: Json, **wanted: object) -> Json:
    body = {"payment_intent": session["payment_intent"], **wanted}
    return standin.control("disputes", body)


def test_a_dispute_takes_the_money_and_a_fee(
    standin: StripeStandin, client: stripe.StripeClient, shop: Shop, paid: Json
) -> None:
    made = dispute(standin, paid)
    standin.control(f"disputes/{made['id']}/withdraw")
    standin.wait_until_quiet()
    found = client.v1.disputes.retrieve(made["id"])

    assert (found.status, found.amount) == ("needs_response", 2_500)
    assert booked(client)[1:] == [("adjustment", -2_500, 1_500)]
    assert shop.of_type("charge.dispute.created")["balance_transactions"] == []
    assert shop.of_type("charge.dispute.funds_withdrawn")["id"] == made["id"]


def test_a_dispute_that_is_won_gives_the_money_back_without_the_fee(
    standin: StripeStandin, client: stripe.StripeClient, shop: Shop, paid: Json
) -> None:
    made = dispute(standin, paid, withdraw=True, amount=1_000)
    standin.control(f"disputes/{made['id']}/respond")
    standin.control(f"disputes/{made['id']}/close", {"status": "won"})
    standin.wait_until_quiet()

    assert booked(client)[1:] == [
        ("adjustment", -1_000, 1_500),
        ("adjustment", 1_000, 0),
    ]
    assert shop.of_type("charge.dispute.updated")["status"] == "under_review"
    assert shop.of_type("charge.dispute.funds_reinstated")["id"] == made["id"]
    assert shop.of_type("charge.dispute.closed")["status"] == "won"


def test_a_dispute_that_is_lost_gives_nothing_back(
    standin: StripeStandin, client: stripe.StripeClient, shop: Shop, paid: Json
) -> None:
    made = dispute(standin, paid, withdraw=True)
    standin.control(f"disputes/{made['id']}/close", {"status": "lost"})
    standin.wait_until_quiet()

    assert booked(client)[1:] == [("adjustment", -2_500, 1_500)]
    assert shop.of_type("charge.dispute.closed")["status"] == "lost"


def test_an_inquiry_takes_nothing(
    standin: StripeStandin, client: stripe.StripeClient, shop: Shop, paid: Json
) -> None:
    made = dispute(standin, paid, status="warning_needs_response")
    with pytest.raises(RuntimeError, match="An inquiry takes no money"):
        standin.control(f"disputes/{made['id']}/withdraw")
    standin.control(f"disputes/{made['id']}/close", {"status": "warning_closed"})
    standin.wait_until_quiet()

    assert [kind for kind, _, _ in booked(client)] == ["charge"]
    assert shop.of_type("charge.dispute.closed")["status"] == "warning_closed"


def test_an_inquiry_may_become_a_dispute(
    standin: StripeStandin, client: stripe.StripeClient, paid: Json
) -> None:
    made = dispute(standin, paid, status="warning_needs_response")
    standin.control(f"disputes/{made['id']}/escalate")
    standin.control(f"disputes/{made['id']}/withdraw")

    assert client.v1.disputes.retrieve(made["id"]).status == "needs_response"
    assert booked(client)[1:] == [("adjustment", -2_500, 1_500)]


def test_a_disputed_charge_is_not_refunded(
    standin: StripeStandin, client: stripe.StripeClient, paid: Json
) -> None:
    dispute(standin, paid, withdraw=True)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        refund(client, paid, 100)

    assert refusal.value.code == "charge_disputed"
    assert client.v1.refunds.list().data == []


def test_disputes_are_listed_by_payment(
    standin: StripeStandin,
    client: stripe.StripeClient,
    new_session: NewSession,
    paid: Json,
) -> None:
    made = dispute(standin, paid)
    dispute(standin, standin.pay(new_session().id))
    found = client.v1.disputes.list({"payment_intent": paid["payment_intent"]}).data

    assert [each.id for each in found] == [made["id"]]


def test_a_payout_sends_what_is_there_and_names_its_parts(
    standin: StripeStandin, client: stripe.StripeClient, paid: Json
) -> None:
    refund(client, paid, 1_000)
    made = standin.control("payouts")

    [found] = client.v1.payouts.list().data
    assert (found.id, found.amount) == (made["id"], 2_500 - 103 - 1_000)
    assert booked(client, payout=made["id"]) == [
        ("charge", 2_500, 103),
        ("refund", -1_000, 0),
        ("payout", -1_397, 0),
    ]


def test_balance_transactions_are_listed_by_type_and_source(
    client: stripe.StripeClient, paid: Json
) -> None:
    made = refund(client, paid, 1_000)

    assert booked(client, type="charge") == [("charge", 2_500, 103)]
    assert booked(client, source=made.id) == [("refund", -1_000, 0)]


def test_a_payment_of_somebody_else_may_be_live_and_in_another_currency(
    standin: StripeStandin, shop: Shop
) -> None:
    wanted = {"amount": 700, "currency": "eur", "livemode": True}
    made = standin.control("payments", wanted)
    standin.wait_until_quiet()

    told = shop.of_type("checkout.session.completed")
    assert told["id"] == made["id"]
    assert (told["amount_total"], told["currency"]) == (700, "eur")
    assert (told["livemode"], told["metadata"]) == (True, {})
    assert all(event.livemode for event in shop.events())
