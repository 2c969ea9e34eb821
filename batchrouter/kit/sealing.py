"""Secrets at rest: sealed with the newest key, opened with any that is still known.

Fernet (AES-128-CBC and HMAC-SHA-256) under keys that HKDF/SHA-256 derives, so a
key may be any long random text.
"""

import base64
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_KEY_BYTES = 32


class CannotOpen(Exception):
    """The text was sealed with a key that is not known here, or was changed."""


class Sealer:
    """Seals short texts for one purpose.

    Args:
        keys: long random texts, the one to seal with first.
        purpose: what is sealed; keys of another purpose do not open it.

    Raises:
        ValueError: there is no key, or one is empty.
    """

    def __init__(self, keys: Sequence[str], *, purpose: str) -> None:
        if not keys or not all(keys):
            raise ValueError("sealing needs keys, and none of them empty")
        self._fernet = MultiFernet([Fernet(_derived(key, purpose)) for key in keys])

    def seal(self, text: str) -> str:
        """Return the text as nobody can read it without a key."""
        return self._fernet.encrypt(text.encode()).decode()

    def unseal(self, sealed: str) -> str:
        """Return the text again.

        Raises:
            CannotOpen: no key fits.
        """
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise CannotOpen("no key opens this") from None

    def reseal(self, sealed: str) -> str:
        """Return the same text, sealed with the first key.

        Raises:
            CannotOpen: no key fits.
        """
        try:
            return self._fernet.rotate(sealed.encode()).decode()
        except InvalidToken:
            raise CannotOpen("no key opens this") from None


def _derived(key: str, purpose: str) -> bytes:
    hkdf = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=purpose.encode())
    return base64.urlsafe_b64encode(hkdf.derive(key.encode()))
