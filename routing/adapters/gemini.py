"""Gemini: generateContent and batchEmbedContents, one call per item.

The connection's option ``api_version`` is ``v1``, the default, or ``v1beta``.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

import orjson

from routing.adapters import gemini_answers, gemini_requests, replies
from routing.adapters.replies import Json
from routing.contracts import (
    EVERY_OPERATION,
    Answer,
    Connection,
    ItemRequest,
    Operation,
    WireRequest,
)

DEFAULT_VERSION: Final = "v1"


def version_of(connection: Connection) -> str:
    """Return the version of the API that a connection speaks."""
    return connection.options.get("api_version") or DEFAULT_VERSION


def model_path(connection: Connection, model: str, verb: str) -> str:
    """Return the path, below the base URL, of something that a model does."""
    return f"/{version_of(connection)}/models/{quote(model)}:{verb}"


def headers_of(connection: Connection) -> dict[str, str]:
    """Return the headers of every call."""
    return {"Accept": "application/json", "x-goog-api-key": connection.api_key}


class GeminiDirect:
    """Answer one item by one call."""

    operations = EVERY_OPERATION

    def encode(self, item: ItemRequest, connection: Connection) -> WireRequest:
        """Return the request for one item."""
        if item.operation == "embeddings":
            verb, body = "batchEmbedContents", _embeddings_body(item)
        else:
            verb, body = "generateContent", gemini_requests.content_body(item)
        return WireRequest(
            "POST",
            connection.base_url + model_path(connection, item.provider_model, verb),
            (
                ("Content-Type", "application/json"),
                *headers_of(connection).items(),
                ("X-Client-Ref", item.ref),
            ),
            orjson.dumps(body),
        )

    def decode(
        self,
        operation: Operation,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
    ) -> Answer:
        """Read the reply; never raises."""
        reader = (
            gemini_answers.read_embeddings
            if operation == "embeddings"
            else gemini_answers.read_content
        )
        return replies.read_reply(reader, status, headers, body)

    def dropped_fields(
        self, item: ItemRequest, connection: Connection
    ) -> tuple[str, ...]:
        """Name the fields of the item's input that this provider is not sent."""
        if item.operation == "embeddings":
            return ()
        return gemini_requests.dropped_from_content(item)


def _embeddings_body(item: ItemRequest) -> Json:
    model = f"models/{item.provider_model}"
    requests = gemini_requests.embedding_requests(item)
    return {"requests": [{**request, "model": model} for request in requests]}
