"""Refunds: whole or in parts, by the API or as the dashboard makes them."""

from stripe_standin import balance, happenings, params
from stripe_standin.desk import Desk
from stripe_standin.wire import Json, invalid, new_id, no_such

_REASONS = ("duplicate", "fraudulent", "requested_by_customer")
# A dispute in one of these holds the money that a refund would need.
_HOLDING = ("needs_response", "under_review", "lost")


def create(desk: Desk, given: Json) -> Json:
    """POST /v1/refunds.

    Raises:
        ApiError: 400 when more is asked for than is left, or it is disputed.
    """
    params.known(
        given, "payment_intent", "charge", "amount", "reason", "metadata", "status"
    )
    charge = charge_of(desk, given)
    amount = _amount(desk, given, charge)
    if "reason" in given:
        params.choice(given["reason"], "reason", *_REASONS)
    status = params.choice(
        given.get("status", "succeeded"), "status", "succeeded", "pending"
    )
    refund = _shape(desk, charge, amount, status)
    refund |= {"reason": given.get("reason"), "metadata": params.metadata(given)}
    kind = (
        "refund"
        if charge["payment_method_details"]["type"] == "card"
        else ("payment_refund")
    )
    booked = balance.book(desk, kind, refund, -amount, as_="refund")
    refund["balance_transaction"] = booked["id"]
    happenings.emit(desk, "refund.created", desk.save(refund))
    _announce_refunded(desk, charge)
    return refund


def settle(desk: Desk, refund_id: str) -> Json:
    """Let a pending refund succeed.

    Raises:
        ApiError: 400 when it is not pending.
    """
    refund = desk.get("refund", refund_id)
    if refund["status"] != "pending":
        raise invalid(f"This refund has {refund['status']} already.")
    refund["status"] = "succeeded"
    happenings.emit(desk, "refund.updated", desk.save(refund), {"status": "pending"})
    return refund


def fail(desk: Desk, refund_id: str) -> Json:
    """Let the payer's bank give a refund back; the money returns to the account.

    Raises:
        ApiError: 400 when it has failed already.
    """
    refund = desk.get("refund", refund_id)
    if refund["status"] == "failed":
        raise invalid("This refund has failed already.")
    before = refund["status"]
    booked = balance.book(
        desk, "refund_failure", refund, refund["amount"], as_="refund_failure"
    )
    refund |= {
        "failure_balance_transaction": booked["id"],
        "failure_reason": "lost_or_stolen_card",
        "status": "failed",
    }
    desk.save(refund)
    charge = desk.get("charge", refund["charge"])
    _recount(desk, charge)
    happenings.emit(desk, "refund.updated", refund, {"status": before})
    happenings.emit(desk, "refund.failed", refund)
    return refund


def charge_of(desk: Desk, given: Json) -> Json:
    """Return the paid charge that ``charge`` or ``payment_intent`` names.

    Raises:
        ApiError: 400 when nothing is named or it was not paid, 404 when unknown.
    """
    charge_id = given.get("charge")
    if not charge_id:
        intent_id = str(given.get("payment_intent") or "")
        if not intent_id:
            raise invalid(
                "One of the following params should be provided: charge, "
                "payment_intent.",
                code="parameter_missing",
            )
        intent = desk.get("payment_intent", intent_id)
        charge_id = intent["latest_charge"]
        if intent["status"] != "succeeded":
            raise invalid("This PaymentIntent has no successful charge.")
    charge = desk.store.find(str(charge_id))
    if charge is None or charge["object"] != "charge":
        raise no_such("charge", str(charge_id))
    if not charge["paid"]:
        raise invalid("This charge was not paid.")
    return charge


def of_charge(desk: Desk, charge_id: str) -> list[Json]:
    """Return all refunds of a charge, newest first."""
    return [r for r in desk.store.newest("refund") if r["charge"] == charge_id]


def _amount(desk: Desk, given: Json, charge: Json) -> int:
    left = charge["amount"] - charge["amount_refunded"]
    if not left:
        message = f"Charge {charge['id']} has already been refunded."
        raise invalid(message, code="charge_already_refunded")
    disputes = desk.store.newest("dispute")
    if any(d["charge"] == charge["id"] and d["status"] in _HOLDING for d in disputes):
        message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
        raise invalid(message, code="charge_disputed")
    amount = params.integer(given.get("amount", left), "amount", least=1)
    if amount > left:
        raise invalid(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge "
            f"({left})",
            param="amount",
        )
    return amount


def _announce_refunded(desk: Desk, charge: Json) -> None:
    before = {"amount_refunded": charge["amount_refunded"]}
    _recount(desk, charge)
    happenings.emit(desk, "charge.refunded", charge, before)


def _recount(desk: Desk, charge: Json) -> None:
    made = of_charge(desk, charge["id"])
    total = sum(refund["amount"] for refund in made if refund["status"] != "failed")
    charge["amount_refunded"] = total
    charge["refunded"] = total == charge["amount"]
    desk.save(charge)


def _shape(desk: Desk, charge: Json, amount: int, status: str) -> Json:
    return {
        "id": new_id("re_3"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": desk.now,
        "currency": charge["currency"],
        "destination_details": {"type": charge["payment_method_details"]["type"]},
        "failure_balance_transaction": None,
        "failure_reason": None,
        "livemode": charge["livemode"],
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": None,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": status,
        "transfer_reversal": None,
    }
