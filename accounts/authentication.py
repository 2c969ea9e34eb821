"""Who calls: a bearer key, or a logged-in person with Django's CSRF check."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from django.db.models import Q
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from accounts.keys import digest, is_well_formed
from accounts.models import ApiKey, Membership, Org, Role, Scope, User
from batchrouter.kit import clock
from batchrouter.kit.errors import BatchRouterError

# `last_used_at` is written at most this often: a write per call halves throughput.
_TOUCH_EVERY = timedelta(seconds=60)

_ROLE_SCOPES: dict[str, frozenset[str]] = {
    Role.OWNER: frozenset(Scope.values),
    Role.ADMIN: frozenset(Scope.values),
    Role.MEMBER: frozenset({Scope.QUOTE, Scope.SUBMIT, Scope.READ, Scope.CANCEL}),
    Role.VIEWER: frozenset({Scope.READ}),
}


class InvalidApiKey(BatchRouterError):
    """The key is unknown, revoked, expired, or of a suspended organization."""

    code = "invalid_api_key"
    status = 401
    error_type = "authentication_error"


@dataclass(frozen=True)
class Caller:
    """Whom a request acts for, and what it may do."""

    org: Org
    user: User | None
    key: ApiKey | None
    scopes: frozenset[str]
    auth_method: Literal["api_key", "session"]

    @property
    def is_test(self) -> bool:
        """Whether only sandbox lanes may be used."""
        return self.key is not None and self.key.is_test


class CallerAuthentication(BaseAuthentication):
    """A bearer key wins; where one is sent, cookies are ignored."""

    def authenticate(self, request: Request) -> tuple[Any, Caller] | None:
        """Return (user or key, caller), or None when nobody is named.

        Raises:
            InvalidApiKey.
        """
        header = request.headers.get("Authorization", "")
        scheme, _, secret = header.partition(" ")
        if scheme.lower() == "bearer":
            caller = caller_of_key(secret.strip())
            return caller.key, caller
        return self._by_session(request)

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme for ``WWW-Authenticate``."""
        return 'Bearer realm="api"'

    def _by_session(self, request: Request) -> tuple[Any, Caller] | None:
        user = getattr(_django_request(request), "user", None)
        if not isinstance(user, User) or not user.is_active:
            return None
        self._enforce_csrf(request)
        membership = (
            Membership.objects.select_related("org")
            .filter(user=user, org__is_suspended=False)
            .order_by("id")
            .first()
        )
        if membership is None:
            return None
        scopes = _ROLE_SCOPES[membership.role]
        return user, Caller(membership.org, user, None, scopes, "session")

    def _enforce_csrf(self, request: Request) -> None:
        check = CSRFCheck(lambda _request: None)  # type: ignore[arg-type] # never called
        sent = _django_request(request)
        check.process_request(sent)
        reason = check.process_view(sent, lambda: None, (), {})  # type: ignore[arg-type,return-value] # the view is not used
        if reason:
            raise PermissionDenied("CSRF check failed")


def _django_request(request: Request) -> HttpRequest:
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
