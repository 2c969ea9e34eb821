"""Keys that a caller makes or rotates: never able to do more than the caller itself.

A secret that somebody learns must not be a way to one that may do more, works longer
or spends more.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.authentication import Caller
from accounts.keys import NewKey, create_key, default_scopes, rotate_key
from accounts.models import ApiKey, Scope
from accounts.permissions import ScopeRequired
from batchrouter.kit.errors import BatchRouterError, InvalidRequest


class KeyExceedsMaker(BatchRouterError):
    """The key would work on other lanes, longer, or spend more than its maker."""

    code = "key_exceeds_maker"
    status = 403
    error_type = "permission_error"


@dataclass(frozen=True)
class KeyWish:
    """What a key shall be; None is for the caller's own, where a key calls."""

    name: str
    scopes: tuple[str, ...] | None = None
    expires_at: datetime | None = None
    is_test: bool | None = None
    spend_limit_nanousd: int | None = None


def make_key(caller: Caller, wish: KeyWish, *, now: datetime) -> NewKey:
    """Make a key of the caller's organization.

    Raises:
        InvalidRequest: a bad name or scope, or an expiry that is over.
        ScopeRequired: a scope that the caller lacks.
        KeyExceedsMaker.
    """
    maker = caller.key
    scopes = _default_scopes(caller) if wish.scopes is None else wish.scopes
    is_test, expires_at = wish.is_test or False, wish.expires_at
    if maker is not None:
        is_test = maker.is_test if wish.is_test is None else wish.is_test
        expires_at = expires_at or maker.expires_at
    if expires_at is not None and expires_at <= now:
        raise InvalidRequest("expires_at is over already.", param="expires_at")
    _require_scopes(caller, scopes)
    if maker is not None:
        _require_within(
            maker,
            is_test=is_test,
            expires_at=expires_at,
            shares_limit=wish.spend_limit_nanousd is None,
        )
    return create_key(
        org=caller.org,
        name=wish.name,
        scopes=scopes,
        created_by=caller.user or maker,
        expires_at=expires_at,
        is_test=is_test,
        spend_limit_nanousd=wish.spend_limit_nanousd,
    )


def replace_key(
    caller: Caller, key: ApiKey, *, overlap: timedelta, now: datetime
) -> NewKey:
    """Rotate a key that can do no more than the caller, who learns its secret.

    Raises:
        ScopeRequired: the key has a scope that the caller lacks.
        KeyExceedsMaker.
        InvalidRequest, KeyEnded, KeyReplaced: as ``keys.rotate_key``.
    """
    _require_scopes(caller, key.scopes)
    maker = caller.key
    if maker is not None:
        _require_within(
            maker,
            is_test=key.is_test,
            expires_at=key.expires_at,
            shares_limit=key.spend_limit_id == maker.spend_limit_id,
        )
    return rotate_key(key, overlap=overlap, created_by=caller.user, now=now)


def _default_scopes(caller: Caller) -> tuple[str, ...]:
    scopes = tuple(scope for scope in default_scopes() if scope in caller.scopes)
    if not scopes:
        raise InvalidRequest("Name the scopes of the key.", param="scopes")
    return scopes


def _require_scopes(caller: Caller, scopes: Iterable[str]) -> None:
    for scope in scopes:
        if scope in Scope.values and scope not in caller.scopes:
            raise ScopeRequired(
                f"You cannot hand on the scope {scope!r}: you lack it yourself.",
                param="scopes",
                details={"scope": scope},
            )


def _require_within(
    maker: ApiKey, *, is_test: bool, expires_at: datetime | None, shares_limit: bool
) -> None:
    if maker.is_test and not is_test:
        raise KeyExceedsMaker("A test key makes test keys only.", param="mode")
    ends = maker.expires_at
    if ends is not None and (expires_at is None or expires_at > ends):
        raise KeyExceedsMaker(
            "The key would work longer than the one that asks.", param="expires_at"
        )
    if maker.spend_limit_id is not None and not shares_limit:
        raise KeyExceedsMaker(
            "A key with a spend limit shares it with the keys it makes: leave "
            "spend_limit out.",
            param="spend_limit",
        )
