"""The capability flag that says whether work can reach a real provider."""

from typing import Final

from django.conf import settings
from django.db import DatabaseError

from batchrouter.web import capabilities
from batchrouter.web.capabilities import Capability
from routing.connections import connection_for

NO_KEY: Final = "No provider key is set."
NOT_READ: Final = "The provider keys cannot be read now."


def register() -> None:
    """Add the flag to ``/v1/runtime/capabilities``."""
    capabilities.register("live_lanes", _flag)


def _flag() -> Capability:
    try:
        found = [connection_for(name) for name in settings.PROVIDER_API_KEYS]
    except DatabaseError:
        return {"enabled": False, "reason": NOT_READ}
    if any(connection and not connection.is_sandbox for connection in found):
        return {"enabled": True, "reason": None}
    return {"enabled": False, "reason": NO_KEY}
