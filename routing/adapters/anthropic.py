"""Anthropic: the Messages API, one call per item.

The connection's option ``api_version`` is ``2026-10-21``, the default, or
``2023-06-01``. The key goes where the official clients of each version put it: into
``Authorization`` since the newer one, into ``x-api-key`` before.
"""

from collections.abc import Mapping
from typing import Final

import orjson

from routing.adapters import anthropic_answers, anthropic_requests, replies
from routing.adapters.anthropic_requests import NEWEST_VERSION, SAMPLING_VERSION
from routing.contracts import Answer, Connection, ItemRequest, Operation, WireRequest

PATH: Final = "/v1/messages"


def version_of(connection: Connection) -> str:
    """Return the version of the API that a connection speaks."""
    return connection.options.get("api_version") or NEWEST_VERSION


def headers_of(connection: Connection) -> dict[str, str]:
    """Return the headers of every call."""
    version = version_of(connection)
    headers = {"Accept": "application/json", "anthropic-version": version}
    if version == SAMPLING_VERSION:
        headers["x-api-key"] = connection.api_key
    else:
        headers["Authorization"] = f"Bearer {connection.api_key}"
    return headers


class AnthropicDirect:
    """Answer one item by one message."""

    operations: tuple[Operation, ...] = ("responses", "vision")

    def encode(self, item: ItemRequest, connection: Connection) -> WireRequest:
        """Return the request for one item."""
        version = version_of(connection)
        body = anthropic_requests.messages_body(item, version=version)
        return WireRequest(
            "POST",
            connection.base_url + PATH,
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
        reader = anthropic_answers.read_message
        return replies.read_reply(reader, status, headers, body)

    def dropped_fields(
        self, item: ItemRequest, connection: Connection
    ) -> tuple[str, ...]:
        """Name the fields of the item's input that this provider is not sent."""
        version = version_of(connection)
        return anthropic_requests.dropped_from_messages(item, version=version)
