"""API keys: made once, shown once, kept as a digest.

``ob_live_`` + 30 base62 characters (178 bits) + 6 base62 characters of CRC-32, so a
scanner and we can refuse a mistyped or invented key without a database. A fast hash is
enough at that entropy (failure catalogue J2).
"""

import hashlib
import re
import secrets
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from accounts.models import ApiKey, Org, Scope, User
from batchrouter.kit.errors import InvalidRequest

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_LENGTH = 30
_CHECKSUM_LENGTH = 6
_FORM = re.compile(r"\A(ob_(?:live|test)_)([0-9A-Za-z]{30})([0-9A-Za-z]{6})\Z")
# Of the secret, so that a list can tell keys apart: the prefix and four characters.
_NAME_MAX = 80
_SHOWN_LENGTH = len("ob_live_") + 4


@dataclass(frozen=True)
class NewKey:
    """A key and, this once, its secret."""

    row: ApiKey
    secret: str = field(repr=False)


def _checksum(text: str) -> str:
    number = zlib.crc32(text.encode())
    digits = []
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, 62)
        digits.append(_BASE62[digit])
    return "".join(reversed(digits))


def make_secret(*, is_test: bool) -> str:
    """Make the text of a key."""
    prefix = "ob_test_" if is_test else "ob_live_"
    body = "".join(secrets.choice(_BASE62) for _ in range(_RANDOM_LENGTH))
    return prefix + body + _checksum(prefix + body)


def is_well_formed(secret: str) -> bool:
    """Tell, without a database, whether this could be one of our keys."""
    found = _FORM.match(secret)
    return found is not None and _checksum(found[1] + found[2]) == found[3]


def digest(secret: str) -> bytes:
    """Return what is stored of a key."""
    return hashlib.sha256(secret.encode()).digest()


@transaction.atomic
def create_key(
    *,
    org: Org,
    name: str,
    scopes: Sequence[str] | None = None,
    created_by: User | None = None,
    expires_at: datetime | None = None,
    is_test: bool = False,
) -> NewKey:
    """Create a key of an organization; without scopes it may do all but administer.

    Raises:
        InvalidRequest: an unknown scope or none, or an empty or too long name.
    """
    wanted = default_scopes() if scopes is None else list(dict.fromkeys(scopes))
    unknown = sorted(set(wanted) - set(Scope.values))
    if unknown or not wanted:
        raise InvalidRequest(f"Unknown scope {''.join(unknown[:1])!r}.", param="scopes")
    if not 1 <= len(name) <= _NAME_MAX:
        raise InvalidRequest(f"A name has 1 to {_NAME_MAX} characters.", param="name")
    secret = make_secret(is_test=is_test)
    row = ApiKey.objects.create(
        org=org,
        name=name,
        prefix=secret[:_SHOWN_LENGTH],
        digest=digest(secret),
        scopes=wanted,
        created_by=created_by,
        expires_at=expires_at,
        is_test=is_test,
    )
    return NewKey(row, secret)


def default_scopes() -> list[str]:
    """Return what a key may do when nothing else was asked for."""
    return [scope for scope in Scope.values if scope != Scope.ADMIN]


def revoke_key(key: ApiKey, *, now: datetime) -> None:
    """End a key for good; doing it twice changes nothing."""
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now)
