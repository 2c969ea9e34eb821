"""Servers that speak OpenAI's chat completions and embeddings.

Mistral, Groq, Together, Fireworks, DeepSeek, OpenRouter and vLLM. Where one of them
has another word for a field, the table of dialects says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from routing.adapters import openai_answers, openai_requests
from routing.contracts import Answer, Connection, ItemRequest, Operation, WireRequest


@dataclass(frozen=True, slots=True)
class Dialect:
    """A server's own words.

    Attributes:
        cap_field: for the output cap of a chat call.
        dimensions_field: for the length of a vector.
    """

    cap_field: str = "max_tokens"
    dimensions_field: str = "dimensions"


_COMMON: Final = Dialect()
DIALECTS: Final = {
    # platform-docs-public 222f4ba openapi.yaml, read 2026-11-22; other words are 422.
    "mistral": Dialect(dimensions_field="output_dimension"),
    # groq 1.7.0: max_tokens is deprecated.
    "groq": Dialect(cap_field="max_completion_tokens"),
}


def wire_request(
    connection: Connection, path: str, ref: str, body: bytes
) -> WireRequest:
    """Address a JSON body to the provider, with our reference in a header."""
    return WireRequest(
        "POST",
        connection.base_url + path,
        (
            ("Content-Type", "application/json"),
            ("Accept", "application/json"),
            ("Authorization", f"Bearer {connection.api_key}"),
            ("X-Client-Ref", ref),
        ),
        body,
    )


class CompatibleDirect:
    """Answer one item by one chat or embeddings call."""

    def encode(self, item: ItemRequest, connection: Connection) -> WireRequest:
        """Return the request for one item."""
        dialect = DIALECTS.get(connection.provider, _COMMON)
        if item.operation == "embeddings":
            path = "/embeddings"
            body = openai_requests.embeddings_body(
                item, dimensions_field=dialect.dimensions_field
            )
        else:
            path = "/chat/completions"
            body = openai_requests.chat_body(item, cap_field=dialect.cap_field)
        return wire_request(connection, path, item.ref, orjson.dumps(body))

    def decode(
        self,
        operation: Operation,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
    ) -> Answer:
        """Read the reply; never raises."""
        reader = (
            openai_answers.read_embeddings
            if operation == "embeddings"
            else openai_answers.read_chat
        )
        return openai_answers.read_reply(reader, status, headers, body)

    def dropped_fields(self, item: ItemRequest) -> tuple[str, ...]:
        """Name the fields of the item's input that this provider is not sent."""
        if item.operation == "embeddings":
            return ()
        return openai_requests.dropped_from_chat(item)
