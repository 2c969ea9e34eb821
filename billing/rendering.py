"""Rows about money as the API shows them."""

from typing import Any

from batchrouter.kit.clock import iso, iso_or_none
from batchrouter.kit.money import money_json
from billing import chart
from billing.models import LedgerTransaction, Reservation, ReservationState
from billing.selectors import Balance


def balance_json(held: Balance) -> dict[str, Any]:
    """Return a balance."""
    return {
        "available": money_json(held.available_nanousd),
        "reserved": money_json(held.reserved_nanousd),
        "total": money_json(held.total_nanousd),
    }


def ledger_json(entry: LedgerTransaction) -> dict[str, Any]:
    """Return a transaction by what it did to the organization's credits.

    The changes of ``available`` and ``reserved`` add up to what left or came; what the
    customer paid for usage and fee stands beside them.
    """
    sums = {"available": 0, "reserved": 0, "usage": 0, "fee": 0}
    words = {
        chart.RESERVED: "reserved",
        chart.REVENUE_USAGE: "usage",
        chart.REVENUE_SERVICE_FEE: "fee",
    }
    for posting in entry.postings.all():
        code = posting.account.code
        word = "available" if code.startswith(chart.AVAILABLE_PREFIX) else None
        word = word or words.get(code)
        if word:
            # All four are on the credit side: a credit is a gain of the account.
            sums[word] -= posting.amount_nanousd
    return {
        "id": entry.public_id,
        "object": "ledger_transaction",
        "kind": entry.kind,
        "purpose": entry.purpose or None,
        "reason": entry.reason or None,
        "available_change": money_json(sums["available"]),
        "reserved_change": money_json(sums["reserved"]),
        "usage_charged": money_json(sums["usage"]),
        "service_fee_charged": money_json(sums["fee"]),
        "created_at": iso(entry.created_at),
    }


def reservation_json(held: Reservation) -> dict[str, Any]:
    """Return a reservation with its purpose and why it is held."""
    closed = held.state == ReservationState.CLOSED
    return {
        "id": held.public_id,
        "object": "credit_reservation",
        "state": held.state,
        "purpose": held.purpose,
        "reason": held.reason,
        "amount": money_json(held.amount_nanousd),
        "settled": money_json(held.settled_nanousd),
        "released": money_json(held.released_nanousd),
        "created_at": iso(held.created_at),
        "expires_at": iso(held.expires_at),
        "closed_at": iso_or_none(held.state_at if closed else None),
    }
