"""OpenAI itself: Responses and embeddings, one call per item."""

from collections.abc import Mapping
from typing import Any

import orjson

from routing.adapters import openai_answers, openai_requests, replies
from routing.adapters.openai_compatible import wire_request
from routing.contracts import (
    EVERY_OPERATION,
    Answer,
    Connection,
    ItemRequest,
    Operation,
    WireRequest,
)


def path_of(operation: Operation) -> str:
    """Return the path below the base URL that serves an operation."""
    return "/embeddings" if operation == "embeddings" else "/responses"


def body_of(item: ItemRequest) -> dict[str, Any]:
    """Return the body that a direct call and a batch line share."""
    if item.operation == "embeddings":
        return openai_requests.embeddings_body(item, dimensions_field="dimensions")
    return openai_requests.responses_body(item)


class OpenAIDirect:
    """Answer one item by one Responses or embeddings call."""

    operations = EVERY_OPERATION

    def encode(self, item: ItemRequest, connection: Connection) -> WireRequest:
        """Return the request for one item, our reference in its metadata."""
        body = body_of(item)
        if item.operation != "embeddings":
            body["metadata"] = {"client_ref": item.ref}
        return wire_request(
            connection, path_of(item.operation), item.ref, orjson.dumps(body)
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
            openai_answers.read_embeddings
            if operation == "embeddings"
            else openai_answers.read_response
        )
        return replies.read_reply(reader, status, headers, body)

    def dropped_fields(
        self, item: ItemRequest, connection: Connection
    ) -> tuple[str, ...]:
        """Name the fields of the item's input that this provider is not sent."""
        if item.operation == "embeddings":
            return ()
        return openai_requests.dropped_from_responses(item)
