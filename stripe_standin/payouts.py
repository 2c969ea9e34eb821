"""Payouts: the balance sent to a bank account, made by a control call only."""

from stripe_standin import balance, params
from stripe_standin.desk import Desk
from stripe_standin.wire import Json, invalid, new_id


def make(desk: Desk, wanted: Json) -> Json:
    """Pay out all of one currency that no payout has sent yet.

    Raises:
        ApiError: 400 when that is nothing or less.
    """
    params.known(wanted, "currency")
    currency = params.currency(wanted.get("currency", "usd"), "currency")
    waiting = [
        booked
        for booked in desk.store.newest("balance_transaction")
        if booked["currency"] == currency and "_payout" not in booked
    ]
    amount = sum(booked["net"] for booked in waiting)
    if amount <= 0:
        raise invalid("There is nothing to pay out.", code="balance_insufficient")
    payout = _shape(desk, amount, currency)
    booked = balance.book(desk, "payout", payout, -amount)
    payout["balance_transaction"] = booked["id"]
    for each in [*waiting, booked]:
        desk.save({**each, "status": "available", "_payout": payout["id"]})
    return desk.save(payout)


def _shape(desk: Desk, amount: int, currency: str) -> Json:
    return {
        "id": new_id("po_1"),
        "object": "payout",
        "amount": amount,
        "arrival_date": desk.now,
        "automatic": True,
        "balance_transaction": None,
        "created": desk.now,
        "currency": currency,
        "description": "STRIPE PAYOUT",
        "destination": None,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "original_payout": None,
        "reconciliation_status": "completed",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": "paid",
        "type": "bank_account",
    }
