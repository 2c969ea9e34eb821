"""OpenRouter: one call per item, with its own word for who may serve it.

Options of the connection: ``data_collection`` (``deny``, the default, or ``allow``),
``zdr`` (``true``: only endpoints that keep nothing) and ``only`` (slugs of the only
providers that may serve, with commas between them).

Sources: ``ProviderPreferences`` of openrouter 1.3.84 and providers.md 1.9, read
2026-11-22.
"""

from typing import Any

from routing.adapters.openai_compatible import CompatibleDirect
from routing.contracts import Connection, ItemRequest

Json = dict[str, Any]


def needs_zero_retention(connection: Connection) -> bool:
    """Tell whether only endpoints that keep nothing may serve."""
    return connection.options.get("zdr") == "true"


def allowed_providers(connection: Connection) -> list[str]:
    """Return the slugs of the only providers that may serve; none means any."""
    slugs = connection.options.get("only", "").split(",")
    return [slug.strip() for slug in slugs if slug.strip()]


def preferences(connection: Connection) -> Json:
    """Return who may serve a direct call.

    A provider that would pass over a parameter does not serve: a schema or a cap that
    was asked for has to hold.
    """
    wanted: Json = {
        "data_collection": connection.options.get("data_collection") or "deny",
        "require_parameters": True,
    }
    if needs_zero_retention(connection):
        wanted["zdr"] = True
    if only := allowed_providers(connection):
        wanted["only"] = only
    return wanted


class OpenRouterDirect(CompatibleDirect):
    """Answer one item by one chat or embeddings call."""

    def body_of(self, item: ItemRequest, connection: Connection) -> Json:
        """Return the body of the request."""
        body = super().body_of(item, connection)
        return body | {"provider": preferences(connection)}
