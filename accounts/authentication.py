"""Who calls: a bearer key or token, or a logged-in person with Django's CSRF check."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from django.db.models import Q
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from accounts import session_tokens
from accounts.acting import SESSION_ORG, acting_membership
from accounts.keys import digest, is_well_formed
from accounts.models import ApiKey, Membership, Org, Role, Scope, SessionToken, User
from batchrouter.kit import clock
from batchrouter.kit.errors import BatchRouterError, InvalidRequest

# `last_used_at` is written at most this often: a write per call halves throughput.
_TOUCH_EVERY = timedelta(seconds=60)
# What looks like one of our keys or session tokens, wherever it stands in an address.
_CREDENTIAL = re.compile(r"ob_(?:live|test)_[0-9A-Za-z]{36}|obs_[0-9A-Za-z_\-]{43}")

ROLE_SCOPES: dict[str, frozenset[str]] = {
    Role.OWNER: frozenset(Scope.values),
    Role.ADMIN: frozenset(Scope.values),
    Role.MEMBER: frozenset({Scope.QUOTE, Scope.SUBMIT, Scope.READ, Scope.CANCEL}),
    Role.VIEWER: frozenset({Scope.READ}),
}

AuthMethod = Literal["api_key", "session", "session_token"]


class InvalidApiKey(BatchRouterError):
    """The key is unknown, revoked, expired, or of a suspended organization."""

    code = "invalid_api_key"
    status = 401
    error_type = "authentication_error"


class CredentialInUrl(InvalidRequest):
    """A key or token stands in the address, where logs and proxies keep it."""

    code = "credential_in_url"


class TwoCredentials(InvalidRequest):
    """More than one key or token was sent."""

    code = "two_credentials"


@dataclass(frozen=True)
class Caller:
    """Whom a request acts for, and what it may do.

    Attributes:
        role: of the person in the organization; None for a key.
        token: the session token that was sent, if one was.
    """

    org: Org
    user: User | None
    key: ApiKey | None
    scopes: frozenset[str]
    auth_method: AuthMethod
    role: str | None = None
    token: SessionToken | None = None

    @property
    def is_test(self) -> bool:
        """Whether only sandbox lanes may be used."""
        return self.key is not None and self.key.is_test


class CallerAuthentication(BaseAuthentication):
    """A bearer key or token wins; where one is sent, cookies are ignored."""

    def authenticate(self, request: Request) -> tuple[Any, Caller] | None:
        """Return (user or key, caller), or None when nobody is named.

        Raises:
            InvalidApiKey, InvalidSessionToken, CredentialInUrl, TwoCredentials.
        """
        _refuse_credential_in_url(request)
        secret = _bearer_secret(request)
        if secret is None:
            return _by_cookie(request)
        if secret.startswith(session_tokens.PREFIX):
            return _by_token(secret)
        caller = caller_of_key(secret)
        return caller.key, caller

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme for ``WWW-Authenticate``."""
        return 'Bearer realm="api"'


def _refuse_credential_in_url(request: Request) -> None:
    if _CREDENTIAL.search(django_request(request).get_full_path()):
        raise CredentialInUrl(
            "A key in an address ends up in logs. Send it as Authorization: Bearer …, "
            "and replace this one: it must be taken for known."
        )


def _bearer_secret(request: Request) -> str | None:
    header = request.headers.get("Authorization", "")
    scheme, _, secret = header.partition(" ")
    if scheme.lower() != "bearer":
        return None
    # Two headers of one name arrive as one, with a comma between.
    if "," in secret:
        raise TwoCredentials("Send one Authorization header with one key or token.")
    return secret.strip()


def _by_token(secret: str) -> tuple[User, Caller]:
    row = session_tokens.find_token(secret, now=clock.now())
    membership = acting_membership(row.user, row.org.public_id if row.org else None)
    if membership is None:
        raise session_tokens.InvalidSessionToken(
            "You do not belong to the organization of this login any more. Log in "
            "again."
        )
    return row.user, _person(membership, row.user, "session_token", row)


def _by_cookie(request: Request) -> tuple[User, Caller] | None:
    sent = django_request(request)
    user = getattr(sent, "user", None)
    if not isinstance(user, User) or not user.is_active:
        return None
    enforce_csrf(sent)
    membership = acting_membership(user, sent.session.get(SESSION_ORG))
    if membership is None:
        return None
    return user, _person(membership, user, "session", None)


def _person(
    membership: Membership, user: User, method: AuthMethod, token: SessionToken | None
) -> Caller:
    return Caller(
        org=membership.org,
        user=user,
        key=None,
        scopes=ROLE_SCOPES[membership.role],
        auth_method=method,
        role=membership.role,
        token=token,
    )


def enforce_csrf(sent: HttpRequest) -> None:
    """Refuse an unsafe request by cookie that lacks Django's token.

    Raises:
        PermissionDenied.
    """
    check = CSRFCheck(lambda _request: None)  # type: ignore[arg-type] # never called
    check.process_request(sent)
    reason = check.process_view(sent, lambda: None, (), {})  # type: ignore[arg-type,return-value] # the view is not used
    if reason:
        raise PermissionDenied("CSRF check failed")


def django_request(request: Request) -> HttpRequest:
    """Return what the middleware saw: DRF's ``user`` asks us, and its POST parses."""
    return request._request  # noqa: SLF001 # DRF has no public name for it


def caller_of_key(secret: str) -> Caller:
    """Find whom a key speaks for.

    Raises:
        InvalidApiKey: the same answer for every reason, so that nothing leaks.
    """
    now = clock.now()
    key = (
        ApiKey.objects.select_related("org").filter(digest=digest(secret)).first()
        if is_well_formed(secret)
        else None
    )
    if key is None or not key.is_live(now) or key.org.is_suspended:
        raise InvalidApiKey("This API key is not valid (unknown, expired or revoked).")
    if key.last_used_at is None or now - key.last_used_at > _TOUCH_EVERY:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - _TOUCH_EVERY)
        ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)
    return Caller(key.org, None, key, frozenset(key.scopes), "api_key")
