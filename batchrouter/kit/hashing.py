"""One canonical form of JSON and its hash: for idempotency, receipts and chains."""

import hashlib
from typing import Any

import orjson


def canonical_json(value: Any) -> bytes:
    """Write JSON with sorted keys and no spaces, in UTF-8.

    Raises:
        TypeError: the value is not JSON. A float that is not finite becomes null, so
            callers that take floats from outside read them by kit.strict_json.
    """
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of the bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def merkle_root_hex(leaves: list[bytes]) -> str:
    """Return the root of a binary SHA-256 tree over 32-byte leaf digests.

    Inner nodes hash ``0x01 || left || right``; a last odd node is carried up. The
    leaves are expected to be hashed with a ``0x00`` prefix by the caller
    (:func:`leaf_digest`), so that a node can never pass for a leaf (RFC 6962).
    """
    if not leaves:
        return hashlib.sha256(b"").hexdigest()
    level = leaves
    while len(level) > 1:
        paired = [
            hashlib.sha256(b"\x01" + level[i] + level[i + 1]).digest()
            for i in range(0, len(level) - 1, 2)
        ]
        level = paired + level[-1:] if len(level) % 2 else paired
    return level[0].hex()


def leaf_digest(data: bytes) -> bytes:
    """Return the digest of one leaf of the tree."""
    return hashlib.sha256(b"\x00" + data).digest()
