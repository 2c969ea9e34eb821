"""What Stripe sends, as far as we read it, and its signature."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

from billing.models import CheckoutSession
from billing.stripe_facts import EventFact, read_event

SECRET = "whsec_" + "unittest" * 4
_numbers: Iterator[int] = count(1)


def session_data(checkout: CheckoutSession, **more: Any) -> dict[str, Any]:
    """Return the paid session of one of our rows."""
    return {
        "id": checkout.stripe_session_id,
        "object": "checkout.session",
        "url": None,
        "status": "complete",
        "mode": "payment",
        "payment_status": "paid",
        "amount_total": checkout.price_cents,
        "currency": "usd",
        "customer": checkout.stripe_customer_id,
        "payment_intent": payment_of(checkout),
        "metadata": {"checkout_session": checkout.public_id},
        "expires_at": 1_800_000_000,
        **more,
    }


def payment_of(checkout: CheckoutSession) -> str:
    """Name the payment of a session."""
    return f"pi_of_{checkout.public_id}"


def refund_data(
    checkout: CheckoutSession, name: str, cents: int, **more: Any
) -> dict[str, Any]:
    """Return a refund of a session's payment."""
    return {
        "id": name,
        "object": "refund",
        "status": "succeeded",
        "amount": cents,
        "currency": "usd",
        "payment_intent": payment_of(checkout),
        "charge": f"ch_of_{checkout.public_id}",
        "metadata": {},
        **more,
    }


def dispute_data(
    checkout: CheckoutSession, name: str, cents: int, status: str
) -> dict[str, Any]:
    """Return a dispute of a session's payment."""
    return {
        "id": name,
        "object": "dispute",
        "status": status,
        "amount": cents,
        "currency": "usd",
        "payment_intent": payment_of(checkout),
        "charge": f"ch_of_{checkout.public_id}",
    }


def event_data(kind: str, subject: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return an event about an object."""
    return {
        "id": f"evt_{next(_numbers)}",
        "object": "event",
        "type": kind,
        "api_version": "2026-05-27.dahlia",
        "created": 1_763_812_800,
        "livemode": False,
        "data": {"object": subject},
        **more,
    }


def event(kind: str, subject: dict[str, Any], **more: Any) -> EventFact:
    """Return an event as it is read from a verified delivery."""
    return read_event(event_data(kind, subject, **more))


def signed(body: bytes, *, secret: str = SECRET, age_seconds: int = 0) -> str:
    """Return the header that Stripe signs a body with."""
    stamp = int(time.time()) - age_seconds
    mac = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256)
    return f"t={stamp},v1={mac.hexdigest()}"


def encoded(data: dict[str, Any]) -> bytes:
    """Return the bytes of a delivery."""
    return json.dumps(data).encode()
