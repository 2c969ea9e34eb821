"""Where each provider is reached now: with a key, or simulated.

Keys come from the database (routing/live_keys.py), else from the settings.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from routing import live_keys
from routing.contracts import Connection

SANDBOX_KEY: Final = "sandbox"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a provider is, and where the simulator plays it.

    Attributes:
        base_url: what its adapter adds its paths to.
        sandbox_path: the same, below the simulator's address.
    """

    base_url: str
    sandbox_path: str


# The providers' documented base URLs (providers.md 1.1 to 1.10, 2026-11-22). The
# simulator plays these and no others.
PLACES: Final = {
    "openai": Place("https://api.openai.com/v1", "/openai/v1"),
    "anthropic": Place("https://api.anthropic.com", "/anthropic"),
    "gemini": Place("https://generativelanguage.googleapis.com", "/gemini"),
    "mistral": Place("https://api.mistral.ai/v1", "/mistral/v1"),
    "groq": Place("https://api.groq.com/openai/v1", "/groq/v1"),
    "together": Place("https://api.together.ai/v1", "/together/v1"),
    "fireworks": Place(
        "https://api.fireworks.ai/inference/v1", "/fireworks/inference/v1"
    ),
    "deepseek": Place("https://api.deepseek.com", "/deepseek/v1"),
    "openrouter": Place("https://openrouter.ai/api/v1", "/openrouter/v1"),
}


def connection_for(provider: str, *, sandbox_only: bool = False) -> Connection | None:
    """Return the connection to a provider, or None where there is none.

    A provider with a key is the real one; every other is the simulator where the
    settings name one. A credential of the database counts before the settings' key.

    Args:
        provider: its key in the catalog.
        sandbox_only: take the simulator even where there is a key (test keys).
    """
    if sandbox_only:
        return _simulated(provider)
    return _live(provider) or _simulated(provider)


def live_connection(
    provider: str, api_key: str, base_url: str = ""
) -> Connection | None:
    """Return the connection to the real provider, or None where it has no address.

    Args:
        provider: its key in the catalog.
        api_key: the secret.
        base_url: empty for the settings' one, else the provider's own.
    """
    place = PLACES.get(provider)
    address = (
        base_url
        or settings.PROVIDER_BASE_URLS.get(provider)
        or (place and place.base_url)
    )
    if not address:
        return None
    return Connection(
        provider,
        address.rstrip("/"),
        api_key,
        is_sandbox=False,
        options=_options(provider),
    )


def _live(provider: str) -> Connection | None:
    kept = live_keys.live_key(provider)
    if kept is not None:
        return live_connection(provider, kept.api_key, kept.base_url)
    api_key = settings.PROVIDER_API_KEYS.get(provider)
    return live_connection(provider, api_key) if api_key else None


def _simulated(provider: str) -> Connection | None:
    place = PLACES.get(provider)
    if not settings.SANDBOX_PROVIDERS_URL or place is None:
        return None
    base_url = settings.SANDBOX_PROVIDERS_URL.rstrip("/") + place.sandbox_path
    return Connection(
        provider,
        base_url,
        SANDBOX_KEY,
        is_sandbox=True,
        options=_options(provider),
    )


def _options(provider: str) -> Mapping[str, str]:
    options: Mapping[str, str] = settings.PROVIDER_OPTIONS.get(provider, {})
    return options
