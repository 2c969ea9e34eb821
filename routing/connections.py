"""Where each provider is reached now, from the settings: with a key, or simulated."""

from typing import Final

from django.conf import settings

from routing.contracts import Connection

SANDBOX_KEY: Final = "sandbox"

# The providers' documented base URLs (providers.md 1.1 to 1.10, 2026-11-22). The
# simulator plays these and no others.
BASE_URLS: Final = {
    "openai": "https://api.openai.com/v1",
    "mistral": "https://api.mistral.ai/v1",
    "groq": "https://api.groq.com/openai/v1",
    "together": "https://api.together.ai/v1",
    "fireworks": "https://api.fireworks.ai/inference/v1",
    "deepseek": "https://api.deepseek.com",
    "openrouter": "https://openrouter.ai/api/v1",
}


def connection_for(provider: str, *, sandbox_only: bool = False) -> Connection | None:
    """Return the connection to a provider, or None where there is none.

    A provider with a key is the real one; every other is the simulator where the
    settings name one.

    Args:
        provider: its key in the catalog.
        sandbox_only: take the simulator even where there is a key (test keys).
    """
    api_key = settings.PROVIDER_API_KEYS.get(provider)
    base_url = settings.PROVIDER_BASE_URLS.get(provider) or BASE_URLS.get(provider)
    if api_key and base_url and not sandbox_only:
        return Connection(provider, base_url.rstrip("/"), api_key, is_sandbox=False)
    if settings.SANDBOX_PROVIDERS_URL and provider in BASE_URLS:
        base_url = f"{settings.SANDBOX_PROVIDERS_URL.rstrip('/')}/{provider}/v1"
        return Connection(provider, base_url, SANDBOX_KEY, is_sandbox=True)
    return None
