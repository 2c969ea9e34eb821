"""What other apps add to the description of an account: they are above this one."""

from collections.abc import Callable
from typing import Any

from accounts.models import Org

_facts: dict[str, Callable[[Org], Any]] = {}


def register_fact(name: str, read: Callable[[Org], Any]) -> None:
    """Add a field to ``GET /v1/auth/account``; called once, from ``AppConfig.ready``.

    Args:
        name: of the field.
        read: gives its JSON for an organization.
    """
    _facts[name] = read


def facts_of(org: Org) -> dict[str, Any]:
    """Return every added field of an organization."""
    return {name: read(org) for name, read in _facts.items()}
