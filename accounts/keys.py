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
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import ApiKey, Org, Scope, SpendLimit, User
from batchrouter.kit.errors import Conflict, InvalidRequest, NotFound

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_LENGTH = 30
_CHECKSUM_LENGTH = 6
_FORM = re.compile(r"\A(ob_(?:live|test)_)([0-9A-Za-z]{30})([0-9A-Za-z]{6})\Z")
# Of the secret, so that a list can tell keys apart: the prefix and four characters.
_SHOWN_LENGTH = len("ob_live_") + 4
_NAME_MAX = 80
OVERLAP_DEFAULT = timedelta(hours=24)
OVERLAP_MAX = timedelta(days=7)


class KeyEnded(Conflict):
    """The key is revoked or has expired; make a new one instead."""

    code = "key_ended"


class KeyReplaced(Conflict):
    """Another key has taken over from this one already."""

    code = "key_replaced"


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
    created_by: User | ApiKey | None = None,
    expires_at: datetime | None = None,
    is_test: bool = False,
    spend_limit_nanousd: int | None = None,
) -> NewKey:
    """Create a key of an organization; without scopes it may do all but administer.

    Args:
        org: whom the key speaks for.
        name: what it is for.
        scopes: what it may do.
        created_by: the person who made it, or the key, whose spend limit it shares.
        expires_at: from when it opens nothing any more.
        is_test: it uses sandbox lanes only.
        spend_limit_nanousd: a limit of its own, above zero.

    Raises:
        InvalidRequest: an unknown scope or none, or an empty or too long name.
    """
    wanted = default_scopes() if scopes is None else list(dict.fromkeys(scopes))
    unknown = sorted(set(wanted) - set(Scope.values))
    if unknown or not wanted:
        raise InvalidRequest(
            f"Unknown scope {''.join(unknown[:1])[:40]!r}.", param="scopes"
        )
    if not 1 <= len(name) <= _NAME_MAX:
        raise InvalidRequest(f"A name has 1 to {_NAME_MAX} characters.", param="name")
    return _insert(
        ApiKey(
            org=org,
            name=name,
            scopes=wanted,
            created_by=created_by if isinstance(created_by, User) else None,
            expires_at=expires_at,
            is_test=is_test,
            spend_limit=_limit(created_by, spend_limit_nanousd),
        )
    )


def default_scopes() -> list[str]:
    """Return what a key may do when nothing else was asked for."""
    return [scope for scope in Scope.values if scope != Scope.ADMIN]


@transaction.atomic
def rotate_key(
    key: ApiKey,
    *,
    overlap: timedelta = OVERLAP_DEFAULT,
    created_by: User | None = None,
    now: datetime,
) -> NewKey:
    """Make a key that takes over from another; both work during the overlap.

    The new key has the name, scopes, mode and expiry of the old one, and they share
    one spend limit.

    Args:
        key: the old one.
        overlap: how long it goes on working, zero to seven days.
        created_by: the person who asks, if one does.
        now: the present instant.

    Raises:
        InvalidRequest: the overlap is out of range.
        KeyEnded: the old key opens nothing any more.
        KeyReplaced: it was rotated before, and that key was not revoked.
    """
    if not timedelta(0) <= overlap <= OVERLAP_MAX:
        raise InvalidRequest(
            f"The overlap is 0 to {OVERLAP_MAX.total_seconds():.0f} seconds.",
            param="overlap_seconds",
        )
    old = ApiKey.objects.select_for_update(no_key=True).get(pk=key.pk)
    if not old.is_live(now):
        raise KeyEnded("This key is revoked or has expired; create a new one.")
    heir = ApiKey.objects.filter(replaces=old).order_by("-pk").first()
    if heir is not None and heir.revoked_at is None:
        raise KeyReplaced(
            f"{heir.public_id} has taken over from this key: rotate that one.",
            details={"replaced_by": heir.public_id},
        )
    made = _insert(
        ApiKey(
            org_id=old.org_id,
            name=old.name,
            scopes=old.scopes,
            created_by=created_by,
            # A first rotation has cut the old key's own time already.
            expires_at=old.expires_at if heir is None else heir.expires_at,
            is_test=old.is_test,
            spend_limit_id=old.spend_limit_id,
            replaces=old,
        )
    )
    ends_at = now + overlap
    if old.expires_at is None or ends_at < old.expires_at:
        old.expires_at = ends_at
        old.save(update_fields=["expires_at"])
    return made


def revoke_key(key: ApiKey, *, now: datetime) -> None:
    """End a key for good; doing it twice changes nothing."""
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now)


def keys_of(org: Org) -> QuerySet[ApiKey]:
    """Return an organization's keys, ended ones too."""
    return ApiKey.objects.filter(org=org).select_related(
        "spend_limit", "created_by", "replaces"
    )


def key_of(org: Org, public_id: str) -> ApiKey:
    """Return an organization's key.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    found = keys_of(org).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("There is no such key.")
    return found


def _limit(
    created_by: User | ApiKey | None, limit_nanousd: int | None
) -> SpendLimit | None:
    if limit_nanousd is not None:
        return SpendLimit.objects.create(limit_nanousd=limit_nanousd)
    return created_by.spend_limit if isinstance(created_by, ApiKey) else None


def _insert(row: ApiKey) -> NewKey:
    secret = make_secret(is_test=row.is_test)
    row.prefix, row.digest = secret[:_SHOWN_LENGTH], digest(secret)
    row.save()
    return NewKey(row, secret)
