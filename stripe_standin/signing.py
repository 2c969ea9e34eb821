"""The Stripe-Signature header."""

import hashlib
import hmac
from collections.abc import Sequence


def signature(body: bytes, secrets: Sequence[str], now: int) -> str:
    """Return ``t=…,v1=…`` with one ``v1`` for every secret that is in force.

    Source: https://docs.stripe.com/webhooks, "Verify webhook signatures manually".
    """
    signed = f"{now}.".encode() + body
    marks = [hmac.new(s.encode(), signed, hashlib.sha256).hexdigest() for s in secrets]
    return ",".join([f"t={now}", *(f"v1={mark}" for mark in marks)])
