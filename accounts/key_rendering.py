"""API keys as the API shows them."""

from datetime import datetime
from typing import Any

from accounts.keys import NewKey
from accounts.models import ApiKey
from batchrouter.kit.clock import iso, iso_or_none
from batchrouter.kit.money import money_json


def key_json(key: ApiKey, *, now: datetime) -> dict[str, Any]:
    """Return a key without its secret."""
    limit = key.spend_limit
    return {
        "id": key.public_id,
        "object": "api_key",
        "name": key.name,
        "prefix": key.prefix,
        "mode": "test" if key.is_test else "live",
        "scopes": key.scopes,
        "state": _state(key, now),
        "spend_limit": None if limit is None else money_json(limit.limit_nanousd),
        "spent": None if limit is None else money_json(limit.spent_nanousd),
        "replaces": key.replaces.public_id if key.replaces else None,
        "created_by": key.created_by.public_id if key.created_by else None,
        "created_at": iso(key.created_at),
        "last_used_at": iso_or_none(key.last_used_at),
        "expires_at": iso_or_none(key.expires_at),
        "revoked_at": iso_or_none(key.revoked_at),
    }


def new_key_json(made: NewKey, *, now: datetime) -> dict[str, Any]:
    """Return a new key and, this once, its secret."""
    return {
        "api_key": made.secret,
        "api_key_id": made.row.public_id,
        **key_json(made.row, now=now),
    }


def _state(key: ApiKey, now: datetime) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "active" if key.is_live(now) else "expired"
