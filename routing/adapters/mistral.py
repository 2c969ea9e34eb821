"""Mistral: chat completions and embeddings, one call per item.

Another word than the documented one is 422 here, and temperatures end at 1.5.
"""

from typing import Final

from routing.adapters import openai_compatible
from routing.adapters.openai_compatible import CompatibleDirect
from routing.adapters.replies import Json
from routing.contracts import Connection, ItemRequest

_TEMPERATURE_MAX: Final = 1.5


def body_of(item: ItemRequest) -> Json:
    """Return the body of a direct call; a batch's line has it without the model."""
    body = openai_compatible.body_of(item, "mistral")
    if isinstance(body.get("temperature"), int | float):
        body["temperature"] = min(body["temperature"], _TEMPERATURE_MAX)
    return body


class MistralDirect(CompatibleDirect):
    """Answer one item by one chat or embeddings call."""

    def body_of(self, item: ItemRequest, connection: Connection) -> Json:
        """Return the body of the request."""
        return body_of(item)
