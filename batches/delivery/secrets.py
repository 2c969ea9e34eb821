"""Secrets of webhooks: made, read, sealed, and turned into the bytes that sign.

A secret is a text, and is shown once. Two forms are taken: ``whsec_`` and base64, whose
decoded bytes are the key of the Standard Webhooks signature; and plain text, whose
ASCII bytes are. Either has a key of 24 to 64 bytes (Standard Webhooks 1.0, read
2026-11-29; its libraries do not check this).
"""

import base64
import binascii
import re
import secrets
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from django.conf import settings

from batchrouter.kit.errors import InvalidRequest
from batchrouter.kit.sealing import Sealer

PREFIX: Final = "whsec_"
KEY_BYTES_MIN: Final = 24
KEY_BYTES_MAX: Final = 64
_NEW_KEY_BYTES: Final = 32
_PURPOSE: Final = "batchrouter webhook secrets 1"
_VISIBLE = re.compile(r"[!-~]+")

RULE: Final = (
    f"A secret is {PREFIX} and the base64 of {KEY_BYTES_MIN} to {KEY_BYTES_MAX} bytes, "
    f"or {KEY_BYTES_MIN} to {KEY_BYTES_MAX} visible ASCII characters."
)


class WebhookSecretRefused(InvalidRequest):
    """What was given is too short, too long or no secret at all."""

    code = "invalid_secret"


def new_secret() -> str:
    """Make a secret of 32 random bytes."""
    key = secrets.token_bytes(_NEW_KEY_BYTES)
    return PREFIX + base64.b64encode(key).decode()


def key_of(secret: str) -> bytes:
    """Return the key of the Standard Webhooks signature.

    Raises:
        WebhookSecretRefused: it has neither form.
    """
    if not _VISIBLE.fullmatch(secret):
        raise WebhookSecretRefused(RULE, param="secret")
    if secret.startswith(PREFIX):
        try:
            key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except (binascii.Error, ValueError):
            raise WebhookSecretRefused(RULE, param="secret") from None
    else:
        key = secret.encode("ascii")
    if not KEY_BYTES_MIN <= len(key) <= KEY_BYTES_MAX:
        raise WebhookSecretRefused(RULE, param="secret")
    return key


def is_secret(value: object) -> bool:
    """Tell whether a customer may give this as a secret."""
    if not isinstance(value, str):
        return False
    try:
        key_of(value)
    except WebhookSecretRefused:
        return False
    return True


def seal(secret: str) -> str:
    """Return the secret as it is kept."""
    return _sealer().seal(secret)


def unseal(sealed: str) -> str:
    """Return a kept secret.

    Raises:
        CannotOpen: it was sealed with a key that this server does not have.
    """
    return _sealer().unseal(sealed)


def reseal(sealed: str) -> str:
    """Seal a kept secret anew, with the newest key.

    Raises:
        CannotOpen: it was sealed with a key that this server does not have.
    """
    return _sealer().reseal(sealed)


def sealer_of(keys: Sequence[str]) -> Sealer:
    """Return what seals webhook secrets under these keys."""
    return Sealer(keys, purpose=_PURPOSE)


def _sealer() -> Sealer:
    return _derived(tuple(settings.CREDENTIALS_KEYS or [settings.SECRET_KEY]))


@lru_cache(maxsize=8)
def _derived(keys: tuple[str, ...]) -> Sealer:
    return sealer_of(keys)
