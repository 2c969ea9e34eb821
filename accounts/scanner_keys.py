"""The public keys of a secret scanner, and whether it has signed something.

GitHub signs what it reports with ECDSA over P-256 and SHA-256, base64 of DER, and
publishes its keys: docs.github.com, "Secret scanning partner program" (read
2026-11-22).
"""

import base64
import binascii
from collections.abc import Mapping
from contextlib import closing

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.conf import settings
from django.core.cache import cache

from batchrouter.kit import strict_json
from batchrouter.kit.errors import BatchRouterError
from batchrouter.kit.outbound import ControlClient, OutboundError

_KEPT_SECONDS = 24 * 60 * 60
# A stranger who names unknown keys makes us ask for the list no more often.
_FETCH_EVERY_SECONDS = 60
_FETCH_DEADLINE_SECONDS = 5.0
_LIST_BYTES_MAX = 256 * 1024
_CACHE = "accounts.scanner_keys"
_CACHE_FETCHED = "accounts.scanner_keys.fetched"


class UnknownSigner(BatchRouterError):
    """The report is not signed by a key that the scanner publishes."""

    code = "invalid_signature"
    status = 401
    error_type = "authentication_error"


class ScannerUnavailable(BatchRouterError):
    """The scanner's keys cannot be read now; nothing was done."""

    code = "scanner_keys_unavailable"
    status = 503


def require_signature(body: bytes, *, key_id: str, signature: str) -> None:
    """Check who signed a body.

    Args:
        body: the bytes as they came.
        key_id: which of the scanner's keys, in its own words.
        signature: base64 of DER.

    Raises:
        UnknownSigner, ScannerUnavailable.
    """
    pem = _published_key(key_id)
    if pem is None or not _is_signed(body, pem, signature):
        raise UnknownSigner("The signature is not one of the secret scanner.")


def _published_key(key_id: str) -> str | None:
    """Return a key's PEM; the list is kept a day, and read anew for an unknown one."""
    url = settings.SECRET_SCANNING_KEYS_URL
    known: Mapping[str, str] | None = cache.get(f"{_CACHE}:{url}")
    if known is not None and key_id in known:
        return known[key_id]
    if not cache.add(f"{_CACHE_FETCHED}:{url}", "", _FETCH_EVERY_SECONDS):
        if known is None:
            raise ScannerUnavailable("The scanner's keys could not be read.")
        return None
    known = _fetch(url)
    cache.set(f"{_CACHE}:{url}", known, _KEPT_SECONDS)
    return known.get(key_id)


def _fetch(url: str) -> dict[str, str]:
    try:
        with closing(ControlClient()) as client:
            reply = client.call(
                "GET",
                url,
                headers={"Accept": "application/json"},
                deadline_seconds=_FETCH_DEADLINE_SECONDS,
                reply_bytes_max=_LIST_BYTES_MAX,
            )
        if not reply.ok:
            raise ScannerUnavailable("The scanner's keys could not be read.")
        listed = strict_json.loads(reply.body)["public_keys"]
        return {str(each["key_identifier"]): str(each["key"]) for each in listed}
    except (OutboundError, ValueError, KeyError, TypeError) as error:
        raise ScannerUnavailable("The scanner's keys could not be read.") from error


def _is_signed(body: bytes, pem: str, signature: str) -> bool:
    try:
        key = load_pem_public_key(pem.encode())
        if not isinstance(key, ec.EllipticCurvePublicKey):
            return False
        key.verify(base64.b64decode(signature, validate=True), body, ec.ECDSA(SHA256()))
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, binascii.Error):
        return False
    return isinstance(key.curve, ec.SECP256R1)
