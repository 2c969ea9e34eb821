"""Disputes and inquiries, as the payer's bank makes and decides them."""

from stripe_standin import balance, happenings, params, refunds
from stripe_standin.desk import Desk
from stripe_standin.wire import Json, invalid, new_id

# https://docs.stripe.com/disputes/how-disputes-work; not given back when won.
FEE = 1_500
_EVIDENCE_SECONDS = 9 * 24 * 3600


def open_dispute(desk: Desk, wanted: Json) -> Json:
    """Open a dispute over a charge; an inquiry where the status is a warning.

    Args:
        desk: the transaction it happens in.
        wanted: ``charge`` or ``payment_intent``; ``status``, ``amount``, ``reason``;
            with ``withdraw`` the money is taken at once.

    Raises:
        ApiError: 400 when the charge is disputed already or the amount too large.
    """
    params.known(
        wanted, "charge", "payment_intent", "status", "amount", "reason", "withdraw"
    )
    charge = refunds.charge_of(desk, wanted)
    status = params.choice(
        wanted.get("status", "needs_response"),
        "status",
        "needs_response",
        "warning_needs_response",
    )
    if charge["disputed"]:
        raise invalid("This charge is disputed already.")
    amount = params.integer(
        wanted.get("amount", charge["amount"]),
        "amount",
        least=1,
        most=charge["amount"],
    )
    dispute = _shape(desk, charge, amount, status, wanted.get("reason", "fraudulent"))
    charge["disputed"] = True
    desk.save(charge)
    happenings.emit(desk, "charge.dispute.created", desk.save(dispute))
    return withdraw(desk, dispute["id"]) if wanted.get("withdraw") else dispute


def escalate(desk: Desk, dispute_id: str) -> Json:
    """Turn an inquiry into a dispute.

    Raises:
        ApiError: 400 when it is no open inquiry.
    """
    dispute = desk.get("dispute", dispute_id)
    if dispute["status"] != "warning_needs_response":
        raise invalid("This is no open inquiry.")
    before = {"status": dispute["status"]}
    dispute |= {"status": "needs_response", "is_charge_refundable": False}
    happenings.emit(desk, "charge.dispute.updated", desk.save(dispute), before)
    return dispute


def withdraw(desk: Desk, dispute_id: str) -> Json:
    """Take the disputed amount and the fee from the balance.

    Raises:
        ApiError: 400 for an inquiry, and where it was taken already.
    """
    dispute = desk.get("dispute", dispute_id)
    if dispute["status"].startswith("warning_"):
        raise invalid("An inquiry takes no money.")
    if dispute["balance_transactions"]:
        raise invalid("The money was withdrawn already.")
    booked = balance.book(
        desk, "adjustment", dispute, -dispute["amount"], FEE, as_="dispute"
    )
    dispute["balance_transactions"] = [booked]
    dispute["balance_transaction"] = booked["id"]
    desk.save(dispute)
    happenings.emit(desk, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def respond(desk: Desk, dispute_id: str) -> Json:
    """Hand in evidence, as the dashboard would.

    Raises:
        ApiError: 400 when it waits for none.
    """
    dispute = desk.get("dispute", dispute_id)
    if not dispute["status"].endswith("needs_response"):
        raise invalid("This dispute waits for no response.")
    before = {"status": dispute["status"]}
    dispute["status"] = dispute["status"].replace("needs_response", "under_review")
    happenings.emit(desk, "charge.dispute.updated", desk.save(dispute), before)
    return dispute


def close(desk: Desk, dispute_id: str, status: str) -> Json:
    """Decide a dispute as ``won``, ``lost`` or ``warning_closed``.

    Won, money that was taken comes back without the fee.

    Raises:
        ApiError: 400 when it is decided already, or the word does not fit its kind.
    """
    dispute = desk.get("dispute", dispute_id)
    inquiry = dispute["status"].startswith("warning_")
    params.choice(
        status, "status", *(["warning_closed"] if inquiry else ["won", "lost"])
    )
    if dispute["status"] in ("won", "lost", "warning_closed"):
        raise invalid("This dispute is closed already.")
    dispute |= {"status": status, "is_charge_refundable": status != "lost"}
    if status == "won" and dispute["balance_transactions"]:
        _reinstate(desk, dispute)
    happenings.emit(desk, "charge.dispute.closed", desk.save(dispute))
    return dispute


def _reinstate(desk: Desk, dispute: Json) -> None:
    booked = balance.book(
        desk, "adjustment", dispute, dispute["amount"], as_="dispute_reversal"
    )
    dispute["balance_transactions"].append(booked)
    desk.save(dispute)
    happenings.emit(desk, "charge.dispute.funds_reinstated", dispute)


def _shape(desk: Desk, charge: Json, amount: int, status: str, reason: str) -> Json:
    return {
        "id": new_id("du_1"),
        "object": "dispute",
        "amount": amount,
        "balance_transaction": None,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": desk.now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {},
        "evidence_details": {
            "due_by": desk.now + _EVIDENCE_SECONDS,
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": status.startswith("warning_"),
        "livemode": charge["livemode"],
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {"brand": "visa", "case_type": "chargeback"},
            "type": "card",
        },
        "reason": reason,
        "status": status,
    }
