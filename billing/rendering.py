"""Rows about money as the API shows them."""

from typing import Any

from accounts.models import Org
from batchrouter.kit.clock import iso, iso_or_none
from batchrouter.kit.money import NANO_PER_CENT, money_json
from billing.balance_watch import threshold_of
from billing.effects import effect_of
from billing.models import (
    CheckoutSession,
    CreditPack,
    LedgerTransaction,
    Reservation,
    ReservationState,
    TopUp,
)
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
    effect = effect_of(entry)
    return {
        "id": entry.public_id,
        "object": "ledger_transaction",
        "kind": entry.kind,
        "purpose": entry.purpose or None,
        "reason": entry.reason or None,
        "available_change": money_json(effect.available_nanousd),
        "reserved_change": money_json(effect.reserved_nanousd),
        "usage_charged": money_json(effect.usage_nanousd),
        "service_fee_charged": money_json(effect.fee_nanousd),
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


def profile_json(org: Org, billing_email: str) -> dict[str, Any]:
    """Return who is billed."""
    return {
        "org_id": org.public_id,
        "name": org.name,
        "currency": "usd",
        "billing_email": billing_email or None,
        "low_balance_threshold": money_json(threshold_of(org)),
    }


def pack_json(pack: CreditPack) -> dict[str, Any]:
    """Return a pack on sale."""
    return _pack_json(pack.code, pack.amount_nanousd, pack.price_cents)


def checkout_json(session: CheckoutSession) -> dict[str, Any]:
    """Return an opened checkout session with the address of its payment page."""
    return {
        "id": session.public_id,
        "object": "checkout_session",
        "url": session.url,
        "pack": _sold_json(session),
        "expires_at": iso_or_none(session.expires_at),
    }


def checkout_status_json(session: CheckoutSession) -> dict[str, Any]:
    """Return how far a checkout session is."""
    top_up = getattr(session, "top_up", None)
    return {
        "id": session.public_id,
        "object": "checkout_session",
        "status": session.state,
        "payment_status": session.payment_status,
        "credits_posted": top_up is not None,
        "top_up": top_up_json(top_up) if top_up else None,
        "pack": _sold_json(session),
        "expires_at": iso_or_none(session.expires_at),
    }


def top_up_json(top_up: TopUp) -> dict[str, Any]:
    """Return bought credits and what went back of them."""
    return {
        "id": top_up.public_id,
        "object": "top_up",
        "pack_code": top_up.checkout.pack_code,
        "amount": money_json(top_up.amount_nanousd),
        "refunded": money_json(top_up.refunded_nanousd),
        "disputed": money_json(top_up.disputed_nanousd),
        "checkout_session_id": top_up.checkout.public_id,
        "created_at": iso(top_up.created_at),
    }


def _sold_json(session: CheckoutSession) -> dict[str, Any]:
    return _pack_json(session.pack_code, session.amount_nanousd, session.price_cents)


def _pack_json(code: str, amount_nanousd: int, price_cents: int) -> dict[str, Any]:
    return {
        "code": code,
        "credits": money_json(amount_nanousd),
        "price": money_json(price_cents * NANO_PER_CENT),
    }
