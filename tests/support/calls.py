"""Calls as a program makes them, and what every refusal must look like."""

import re
from typing import Any, Protocol

from django.test import Client

_REQUEST_ID = re.compile(r"\Areq_[0-9a-hjkmnp-tv-z]{20}\Z")


class Reply(Protocol):
    """What the tests read of a reply."""

    status_code: int
    headers: Any

    def json(self) -> Any: ...


def bearer(secret: str) -> dict[str, str]:
    """Return the header that names a key."""
    return {"Authorization": f"Bearer {secret}"}


def client() -> Client:
    """Return a program without cookies that hears of crashes as replies."""
    return Client(raise_request_exception=False)


def refusal(reply: Reply) -> dict[str, Any]:
    """Check that a reply has the error shape, and return the error."""
    assert reply.headers["Content-Type"] == "application/json"
    body = reply.json()
    assert list(body) == ["error"]
    error: dict[str, Any] = body["error"]
    assert set(error) == {
        "code",
        "message",
        "type",
        "param",
        "details",
        "request_id",
    }
    assert _REQUEST_ID.match(error["request_id"])
    assert reply.headers["X-Request-Id"] == error["request_id"]
    return error
