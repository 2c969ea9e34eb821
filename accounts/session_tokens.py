"""Session tokens: ``obs_`` and 43 base64url characters (256 bits), shown once."""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils.crypto import constant_time_compare

from accounts.models import Org, SessionToken, User
from batchrouter.kit.errors import BatchRouterError

PREFIX = "obs_"
_LENGTH = len(PREFIX) + 43
_TOUCH_EVERY = timedelta(seconds=60)


class InvalidSessionToken(BatchRouterError):
    """The token is unknown, ended or too old."""

    code = "invalid_session_token"
    status = 401
    error_type = "authentication_error"


@dataclass(frozen=True)
class NewToken:
    """A session token and, this once, its secret."""

    row: SessionToken
    secret: str = field(repr=False)


def digest(secret: str) -> bytes:
    """Return what is stored of a token."""
    return hashlib.sha256(secret.encode()).digest()


def issue_token(
    *, user: User, org: Org | None, ip: str | None, user_agent: str, now: datetime
) -> NewToken:
    """Log an agent in; its token works for ``SESSION_TOKEN_DAYS``."""
    secret = PREFIX + secrets.token_urlsafe(32)
    row = SessionToken.objects.create(
        user=user,
        org=org,
        digest=digest(secret),
        auth_hash=user.get_session_auth_hash(),
        ip=ip,
        user_agent=user_agent,
        created_at=now,
        last_used_at=now,
        expires_at=now + timedelta(days=settings.SESSION_TOKEN_DAYS),
    )
    return NewToken(row, secret)


def find_token(secret: str, *, now: datetime) -> SessionToken:
    """Return the login that a token stands for, its user with it.

    Raises:
        InvalidSessionToken: the same answer for every reason.
    """
    row = (
        SessionToken.objects.select_related("user", "org")
        .filter(digest=digest(secret))
        .first()
        if len(secret) == _LENGTH
        else None
    )
    if (
        row is None
        or now >= row.expires_at
        or not row.user.is_active
        or not constant_time_compare(row.auth_hash, row.user.get_session_auth_hash())
    ):
        raise InvalidSessionToken(
            "This session token is not valid (unknown, ended or expired). Log in again."
        )
    if now - row.last_used_at > _TOUCH_EVERY:
        stale = Q(last_used_at__lt=now - _TOUCH_EVERY)
        SessionToken.objects.filter(stale, pk=row.pk).update(last_used_at=now)
    return row


def choose_org_of(row: SessionToken, org: Org) -> None:
    """Let a login act for another organization.

    Raises:
        InvalidSessionToken: it was ended meanwhile.
    """
    if not SessionToken.objects.filter(pk=row.pk).update(org=org):
        raise InvalidSessionToken("This session token was ended. Log in again.")


def forget_expired_tokens(*, now: datetime) -> int:
    """Delete what can never be used again; return how many."""
    return SessionToken.objects.filter(expires_at__lte=now).delete()[0]
