"""Where a person is logged in: cookies and session tokens in one list."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.http import HttpRequest

from accounts.models import SessionToken, User
from batchrouter.kit.errors import NotFound
from batchrouter.kit.ids import BODY_LENGTH, encode


@dataclass(frozen=True)
class SessionFacts:
    """One login.

    Attributes:
        kind: ``cookie`` for a browser, ``token`` for an agent.
        ip: where it was last used.
        is_current: whether it is the one that asks.
    """

    id: str
    kind: Literal["cookie", "token"]
    ip: str | None
    user_agent: str
    created_at: datetime
    last_seen_at: datetime
    is_current: bool


@dataclass(frozen=True)
class Here:
    """The login that asks: a cookie's session key, or a token's public id."""

    session_key: str | None = None
    token_id: str | None = None


def sessions_of(user: User, *, here: Here, now: datetime) -> list[SessionFacts]:
    """List a person's live logins, the present one first, then the last used."""
    found = [*_cookies(user, here), *_tokens(user, here, now)]
    found.sort(key=lambda each: each.last_seen_at, reverse=True)
    return sorted(found, key=lambda each: not each.is_current)


def end_session(user: User, session_id: str) -> None:
    """Log one of a person's logins out.

    Raises:
        NotFound: it is no login of theirs.
    """
    if SessionToken.objects.filter(user=user, public_id=session_id).delete()[0]:
        return
    for row in UserSession.objects.filter(user=user):
        if _cookie_id(row.session_key) == session_id:
            row.end()
            return
    raise NotFound("There is no such session.")


def end_other_sessions(user: User, *, here: Here) -> int:
    """Log all of a person's other logins out; return how many."""
    tokens = SessionToken.objects.filter(user=user).exclude(public_id=here.token_id)
    ended = tokens.delete()[0]
    for row in UserSession.objects.filter(user=user).exclude(
        session_key=here.session_key
    ):
        row.end()
        ended += 1
    return ended


def remember_cookie(request: HttpRequest) -> None:
    """Keep the session in the list after it was given another key."""
    UserSession.objects.create_from_request(request)


def _cookies(user: User, here: Here) -> Iterator[SessionFacts]:
    # Also forgets the rows of sessions that a new password has ended.
    for row in UserSession.objects.purge_and_list(user):
        yield SessionFacts(
            id=_cookie_id(row.session_key),
            kind="cookie",
            ip=row.ip,
            user_agent=row.user_agent,
            created_at=row.created_at,
            last_seen_at=row.last_seen_at,
            is_current=row.session_key == here.session_key,
        )


def _tokens(user: User, here: Here, now: datetime) -> Iterator[SessionFacts]:
    auth_hash = user.get_session_auth_hash()
    for row in SessionToken.objects.filter(
        user=user, auth_hash=auth_hash, expires_at__gt=now
    ):
        yield SessionFacts(
            id=row.public_id,
            kind="token",
            ip=row.ip,
            user_agent=row.user_agent,
            created_at=row.created_at,
            last_seen_at=row.last_used_at,
            is_current=row.public_id == here.token_id,
        )


def _cookie_id(session_key: str) -> str:
    """Name a cookie's session without giving away its key."""
    hashed = hashlib.sha256(session_key.encode()).digest()
    number = int.from_bytes(hashed, "big") >> (256 - 5 * BODY_LENGTH)
    return f"sess_{encode(number, BODY_LENGTH)}"


def forget_expired_cookies(*, now: datetime) -> int:
    """Delete cookie sessions that have expired; return how many."""
    return Session.objects.filter(expire_date__lt=now).delete()[0]
