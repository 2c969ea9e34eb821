"""API keys as the page shows them; never a secret."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import ApiKey, Scope


@dataclass(frozen=True, slots=True)
class KeyLine:
    """A key: how to tell it from others, what it may do, and how it is."""

    public_id: str
    name: str
    prefix: str
    mode: str
    state: str
    scopes: tuple[str, ...]
    spent_nanousd: int
    limit_nanousd: int | None
    last_used_at: datetime | None
    expires_at: datetime | None
    created_at: datetime
    created_by: str
    is_live: bool


def key_line(key: ApiKey, *, now: datetime) -> KeyLine:
    """Show a key."""
    limit = key.spend_limit
    return KeyLine(
        public_id=key.public_id,
        name=key.name,
        prefix=key.prefix,
        mode="test" if key.is_test else "live",
        state=_state(key, now),
        scopes=tuple(scope for scope in Scope.values if scope in key.scopes),
        spent_nanousd=0 if limit is None else limit.spent_nanousd,
        limit_nanousd=None if limit is None else limit.limit_nanousd,
        last_used_at=key.last_used_at,
        expires_at=key.expires_at,
        created_at=key.created_at,
        created_by=key.created_by.email if key.created_by else "",
        is_live=key.is_live(now),
    )


def _state(key: ApiKey, now: datetime) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "open" if key.is_live(now) else "expired"
