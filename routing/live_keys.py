"""The keys at providers that the database holds, opened; read again every few seconds.

Every worker asks for connections at each claim, so the answer is kept for a moment. A
key that was retired is gone everywhere within that time.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import structlog
from django.conf import settings

from batchrouter.kit.sealing import CannotOpen, Sealer
from routing.models import ProviderCredential

KEPT_SECONDS: Final = 2.0
_PURPOSE: Final = "batchrouter provider credentials 1"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LiveKey:
    """An active credential.

    Attributes:
        base_url: empty where the credential names none.
    """

    api_key: str = field(repr=False)
    base_url: str


@dataclass(frozen=True, slots=True)
class _Read:
    keys: Mapping[str, LiveKey] = field(default_factory=dict)
    good_until: float = 0.0


class _Kept:
    """What was read last; replaced as a whole, so threads need no lock."""

    read = _Read()


def live_key(provider: str) -> LiveKey | None:
    """Return a provider's active key, or None; one query serves all providers."""
    now = time.monotonic()
    read = _Kept.read
    if now >= read.good_until:
        read = _Kept.read = _Read(_opened(), now + KEPT_SECONDS)
    return read.keys.get(provider)


def forget() -> None:
    """Read again at the next question."""
    _Kept.read = _Read()


def sealer() -> Sealer:
    """Return what seals and opens the keys, by the settings."""
    keys = settings.CREDENTIALS_KEYS or [settings.SECRET_KEY]
    return Sealer(keys, purpose=_PURPOSE)


def _opened() -> dict[str, LiveKey]:
    opener, found = sealer(), {}
    rows = ProviderCredential.objects.filter(is_active=True)
    for row in rows.only("public_id", "provider", "ciphertext", "base_url"):
        try:
            found[row.provider] = LiveKey(opener.unseal(row.ciphertext), row.base_url)
        except CannotOpen:
            _log.error("provider_credential_cannot_be_opened", id=row.public_id)
    return found
