"""Payment intents and charges: one try of a payer to pay a session."""

from stripe_standin import balance, cards, happenings
from stripe_standin.cards import Decline
from stripe_standin.desk import Desk
from stripe_standin.wire import Json, new_id


def open_intent(desk: Desk, session: Json, method: Json) -> Json:
    """Return the session's payment intent, made at the payer's first try."""
    known = session["payment_intent"]
    intent = desk.get("payment_intent", known) if known else _intent(desk, session)
    intent["payment_method"] = method["id"]
    intent["payment_method_types"] = [method["type"]]
    session["payment_intent"] = intent["id"]
    return desk.save(intent)


def card(desk: Desk, number: str) -> Json:
    """Return a payment method for a card number."""
    return _method(desk, "card", cards.card_details(number))


def bank_account(desk: Desk) -> Json:
    """Return a payment method for a bank debit."""
    return _method(desk, "us_bank_account", cards.bank_details())


def succeed(desk: Desk, intent: Json) -> Json:
    """Charge the whole amount and announce it; returns the charge."""
    charge = _charge(desk, intent)
    kind = "charge" if _is_card(charge) else "payment"
    fee = balance.card_fee(charge["amount"])
    booked = balance.book(desk, kind, charge, charge["amount"], fee, as_="charge")
    charge |= {
        "amount_captured": charge["amount"],
        "balance_transaction": booked["id"],
        "captured": True,
        "paid": True,
        "status": "succeeded",
    }
    intent |= {
        "amount_received": intent["amount"],
        "last_payment_error": None,
        "latest_charge": charge["id"],
        "next_action": None,
        "status": "succeeded",
    }
    desk.save(intent)
    happenings.emit(desk, "charge.succeeded", desk.save(charge))
    happenings.emit(desk, "payment_intent.succeeded", intent)
    return charge


def fail(desk: Desk, intent: Json, why: Decline) -> None:
    """Record a failed charge and announce it; another try may follow."""
    charge = _charge(desk, intent)
    charge |= {
        "failure_code": why.code,
        "failure_message": why.message,
        "outcome": {**charge["outcome"], "network_status": "declined_by_network"},
        "status": "failed",
    }
    method = desk.get("payment_method", intent["payment_method"])
    intent |= {
        "last_payment_error": {
            "charge": charge["id"],
            "code": why.code,
            "decline_code": why.decline_code,
            "message": why.message,
            "payment_method": method,
            "type": "card_error" if _is_card(charge) else "invalid_request_error",
        },
        "latest_charge": charge["id"],
        "payment_method": None,
        "status": "requires_payment_method",
    }
    desk.save(intent)
    happenings.emit(desk, "charge.failed", desk.save(charge))
    happenings.emit(desk, "payment_intent.payment_failed", intent)


def _is_card(charge: Json) -> bool:
    return bool(charge["payment_method_details"]["type"] == "card")


def _method(desk: Desk, kind: str, details: Json) -> Json:
    return desk.save(
        {
            "id": new_id("pm_1"),
            "object": "payment_method",
            "allow_redisplay": "limited",
            "billing_details": _no_details(),
            "created": desk.now,
            "customer": None,
            "livemode": False,
            "metadata": {},
            "type": kind,
            kind: details,
        }
    )


def _no_details() -> Json:
    return {"address": None, "email": None, "name": None, "phone": None}


def _intent(desk: Desk, session: Json) -> Json:
    given = session["_intent"]
    intent_id = new_id("pi_3")
    return {
        "id": intent_id,
        "object": "payment_intent",
        "amount": session["amount_total"],
        "amount_capturable": 0,
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": f"{intent_id}_secret_{new_id('', 25)}",
        "confirmation_method": "automatic",
        "created": desk.now,
        "currency": session["currency"],
        "customer": session["customer"],
        "description": given.get("description"),
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": session["livemode"],
        "metadata": dict(given.get("metadata") or {}),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_options": {},
        "payment_method_types": [],
        "processing": None,
        "receipt_email": given.get("receipt_email"),
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": given.get("statement_descriptor"),
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": given.get("transfer_group"),
    }


def _charge(desk: Desk, intent: Json) -> Json:
    method = desk.get("payment_method", intent["payment_method"])
    kind = method["type"]
    return {
        "id": new_id("ch_3" if kind == "card" else "py_3"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": "STAND-IN",
        "captured": False,
        "created": desk.now,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": intent["livemode"],
        "metadata": dict(intent["metadata"]),
        "on_behalf_of": None,
        "outcome": {
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "seller_message": None,
            "type": "authorized",
        },
        "paid": False,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": {"type": kind, kind: method[kind]},
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": None,
        "status": "pending",
        "transfer_data": None,
        "transfer_group": intent["transfer_group"],
    }
