"""A provider that takes some keys and refuses all others, repeating them."""

from collections.abc import Iterator
from typing import Any

import pytest

from routing.models import ProviderCredential
from tests.routing.wire_server import Received, Wire, WireServer

KEY = "sk-canary-first-0123456789abcd"
NEXT_KEY = "sk-canary-second-0123456789wxyz"


class KeyServer(WireServer):
    """Answers ``GET /models`` by the key; ``status`` overrules it."""

    def __init__(self) -> None:
        super().__init__()
        self.keys = {KEY, NEXT_KEY}
        self.status = ""
        self.on("/models", self._answer)

    async def _answer(self, received: Received, wire: Wire) -> None:
        key = received.headers["authorization"].removeprefix("Bearer ")
        good = "200 OK" if key in self.keys else "401 Unauthorized"
        await wire.reply(f'{{"said": "{key}"}}'.encode(), self.status or good)


@pytest.fixture
def openai(settings: Any) -> Iterator[KeyServer]:
    """Stand in for OpenAI, where the settings have no key for it."""
    with KeyServer() as server:
        settings.PROVIDER_API_KEYS = {"openai": "", "groq": "", "compatible": ""}
        settings.PROVIDER_BASE_URLS = {"openai": server.url, "groq": server.url}
        yield server


def facts() -> list[dict[str, Any]]:
    """Return all that is known of credentials, for "nothing changed"."""
    return [dict(row) for row in ProviderCredential.objects.order_by("pk").values()]
