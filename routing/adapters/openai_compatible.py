"""Servers that speak OpenAI's chat completions and embeddings.

Mistral, Groq, Together, Fireworks, DeepSeek, OpenRouter and vLLM. Where one of them
has another word for a field, the table of dialects says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from routing.adapters import openai_answers, openai_requests, replies
from routing.contracts import (
    EVERY_OPERATION,
    Answer,
    Connection,
    ItemRequest,
    Operation,
    WireRequest,
)


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


def path_of(operation: Operation) -> str:
    """Return the path below the base URL that serves an operation."""
    return "/embeddings" if operation == "embeddings" else "/chat/completions"


def body_of(item: ItemRequest, provider: str) -> dict[str, Any]:
    """Return the body for one item in a server's own words."""
    dialect = DIALECTS.get(provider, _COMMON)
    if item.operation == "embeddings":
        return openai_requests.embeddings_body(
            item, dimensions_field=dialect.dimensions_field
        )
    return openai_requests.chat_body(item, cap_field=dialect.cap_field)


class CompatibleDirect:
    """Answer one item by one chat or embeddings call."""

    operations: tuple[Operation, ...] = EVERY_OPERATION

    def encode(self, item: ItemRequest, connection: Connection) -> WireRequest:
        """Return the request for one item."""
        body = orjson.dumps(self.body_of(item, connection))
        return wire_request(connection, path_of(item.operation), item.ref, body)

    def body_of(self, item: ItemRequest, connection: Connection) -> dict[str, Any]:
        """Return the body of the request."""
        return body_of(item, connection.provider)

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
        return replies.read_reply(reader, status, headers, body)

    def dropped_fields(
        self, item: ItemRequest, connection: Connection
    ) -> tuple[str, ...]:
        """Name the fields of the item's input that this provider is not sent."""
        if item.operation == "embeddings":
            return ()
        return openai_requests.dropped_from_chat(item)
