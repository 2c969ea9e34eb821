"""The headers of a delivery. Pure: secrets and time come in.

``webhook-signature`` is Standard Webhooks 1.0: HMAC-SHA256 over ``id.timestamp.body``
with the secret's key, once for each secret that holds. ``X-BatchRouter-Signature`` is
the original's: the hex HMAC-SHA256 of the body alone, with the secret's own text.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence

from batches.delivery.secrets import key_of


def headers_of(
    event_id: str, body: bytes, secrets: Sequence[str], *, timestamp: int
) -> tuple[tuple[str, str], ...]:
    """Return what makes a delivery verifiable.

    Args:
        event_id: the same on every try.
        body: the bytes that are sent.
        secrets: the present one first, then the one before it while it holds.
        timestamp: of this try, in whole seconds since 1970.
    """
    signed = b"%s.%d." % (event_id.encode(), timestamp) + body
    standard = " ".join(
        "v1," + base64.b64encode(_mac(key_of(secret), signed)).decode()
        for secret in secrets
    )
    present, *before = [_mac(secret.encode(), body).hex() for secret in secrets]
    return (
        ("Content-Type", "application/json"),
        ("User-Agent", "BatchRouter-Webhooks/1"),
        ("webhook-id", event_id),
        ("webhook-timestamp", str(timestamp)),
        ("webhook-signature", standard),
        ("X-BatchRouter-Signature", present),
        *(("X-BatchRouter-Signature-Previous", mac) for mac in before),
    )


def _mac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()
