"""People, organizations and logins as the API shows them."""

from typing import Any

from django.conf import settings

from accounts.authentication import Caller
from accounts.facts import facts_of
from accounts.models import ApiKey, Org, User
from accounts.sessions import SessionFacts
from batchrouter.kit.clock import iso, iso_or_none


def user_json(user: User) -> dict[str, Any]:
    """Return a person."""
    return {
        "id": user.public_id,
        "object": "user",
        "email": user.email,
        "name": user.name,
        "created_at": iso(user.created_at),
    }


def org_json(org: Org) -> dict[str, Any]:
    """Return an organization."""
    return {
        "id": org.public_id,
        "object": "org",
        "name": org.name,
        "created_by": "agent" if org.agent_name else "person",
        "agent_name": org.agent_name or None,
        "created_at": iso(org.created_at),
    }


def account_json(org: Org) -> dict[str, Any]:
    """Return the account of an organization: itself, its plan and its credits."""
    return {
        "object": "account",
        "org": org_json(org),
        "plan": {"name": "prepaid", "currency": "usd"},
        "retention": {
            "days": org.retention_days or settings.RETENTION_DAYS,
            "is_default": org.retention_days is None,
        },
        **facts_of(org),
    }


def session_json(caller: Caller) -> dict[str, Any]:
    """Return who calls, how they showed it, and what they may do."""
    return {
        "actor_type": _actor_type(caller),
        "auth_method": caller.auth_method,
        "user": None if caller.user is None else user_json(caller.user),
        "org": org_json(caller.org),
        "role": caller.role,
        "api_key": None if caller.key is None else _key_json(caller.key),
        "capabilities": sorted(caller.scopes),
    }


def _actor_type(caller: Caller) -> str:
    if caller.key is not None:
        return "api_key"
    return "agent" if caller.org.agent_name else "user"


def _key_json(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.public_id,
        "name": key.name,
        "prefix": key.prefix,
        "mode": "test" if key.is_test else "live",
        "expires_at": iso_or_none(key.expires_at),
    }


def login_json(login: SessionFacts) -> dict[str, Any]:
    """Return one of a person's logins."""
    return {
        "id": login.id,
        "object": "session",
        "kind": login.kind,
        "ip": login.ip,
        "user_agent": login.user_agent,
        "is_current": login.is_current,
        "created_at": iso(login.created_at),
        "last_seen_at": iso(login.last_seen_at),
    }
