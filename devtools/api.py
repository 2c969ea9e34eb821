"""A customer's client of the public API: the standard library and nothing of ours."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from devtools.say import Trouble

JSON = dict[str, Any]
CALL_SECONDS = 60


@dataclass(frozen=True)
class Api:
    """The API on this machine, called with one key."""

    host: str
    port: int
    key: str

    def get(self, path: str) -> JSON:
        """Fetch a JSON object."""
        return _object(self.fetch("GET", path))

    def post(
        self, path: str, body: JSON, headers: Mapping[str, str] | None = None
    ) -> JSON:
        """Send a JSON object and return the one that answers."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        return _object(self.fetch("POST", path, json.dumps(body).encode(), sent))

    def upload(self, path: str, body: bytes, content_type: str) -> JSON:
        """Send bytes as they are and return the object that answers."""
        headers = {"Content-Type": content_type}
        return _object(self.fetch("POST", path, body, headers))

    def fetch(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """Return the bytes of a good answer.

        Raises:
            Trouble: the API refused; the message has its code and reason.
        """
        connection = http.client.HTTPConnection(
            self.host, self.port, timeout=CALL_SECONDS
        )
        try:
            bearer = {"Authorization": f"Bearer {self.key}", **(headers or {})}
            connection.request(method, path, body=body, headers=bearer)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status >= 400:
            raise Trouble(
                f"{method} {path} answered {answer.status}: {_reason(content)}"
            )
        return content


def _object(content: bytes) -> JSON:
    value = json.loads(content)
    if not isinstance(value, dict):
        raise Trouble(f"expected a JSON object, got {content[:200]!r}")
    return value


def _reason(content: bytes) -> str:
    try:
        error = json.loads(content)["error"]
        reason = f"{error['code']}: {error['message']} {error.get('details') or ''}"
    except (ValueError, KeyError, TypeError):
        reason = content.decode(errors="replace")
    return reason[:2000]
