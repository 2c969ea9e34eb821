"""Ed25519 signatures, base64 on the outside."""

import base64
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

SEED_BYTES = 32


@dataclass(frozen=True)
class Signer:
    """A private key and the names it goes by."""

    private_key: Ed25519PrivateKey
    public_key_b64: str
    key_id: str

    @classmethod
    def from_seed(cls, seed: bytes) -> "Signer":
        """Make the key of a 32-byte seed.

        Raises:
            ValueError: the seed is not 32 bytes long.
        """
        private_key = Ed25519PrivateKey.from_private_bytes(seed)
        public = private_key.public_key().public_bytes_raw()
        key_id = "rk_" + hashlib.sha256(public).hexdigest()[:16]
        return cls(private_key, base64.b64encode(public).decode(), key_id)

    def sign(self, message: bytes) -> str:
        """Return the base64 signature of the message."""
        return base64.b64encode(self.private_key.sign(message)).decode()


def verify(public_key_b64: str, message: bytes, signature_b64: str) -> bool:
    """Tell whether the signature is this key's, over exactly these bytes."""
    try:
        key = Ed25519PublicKey.from_public_bytes(
            base64.b64decode(public_key_b64, validate=True)
        )
        key.verify(base64.b64decode(signature_b64, validate=True), message)
    except (InvalidSignature, ValueError):
        return False
    return True
