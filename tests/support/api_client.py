"""Calls to the API as one customer makes them, by key or by cookie."""

from typing import Any

import orjson
from django.test import Client

Json = dict[str, Any]


class ApiClient:
    """One caller with a key.

    Args:
        secret: the key's text; empty sends none.
    """

    def __init__(self, secret: str = "") -> None:
        self._client = Client()
        self._headers = {"Authorization": f"Bearer {secret}"} if secret else {}

    def get(self, path: str, **headers: str) -> Any:
        """Read; ``accept="…"`` is a header."""
        return self._client.get(path, headers=self._with(headers))

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """Send JSON; ``idempotency_key="…"`` is a header."""
        return self._client.post(
            path,
            orjson.dumps({} if body is None else body),
            content_type="application/json",
            headers=self._with(headers),
        )

    def put(self, path: str, body: Any) -> Any:
        """Set by JSON."""
        return self._client.put(
            path,
            orjson.dumps(body),
            content_type="application/json",
            headers=self._headers,
        )

    def patch(self, path: str, body: Any) -> Any:
        """Change by JSON."""
        return self._client.patch(
            path,
            orjson.dumps(body),
            content_type="application/json",
            headers=self._headers,
        )

    def send(
        self,
        path: str,
        data: bytes,
        *,
        content_type: str = "application/x-ndjson",
        **environ: Any,
    ) -> Any:
        """Send bytes; ``environ`` is what the server puts into its environment."""
        return self._client.generic(
            "POST", path, data, content_type, headers=self._headers, **environ
        )

    def send_form(self, path: str, form: Json) -> Any:
        """Send a form with files."""
        return self._client.post(path, form, headers=self._headers)

    def delete(self, path: str) -> Any:
        """Delete."""
        return self._client.delete(path, headers=self._headers)

    def _with(self, headers: dict[str, str]) -> dict[str, str]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return {**self._headers, **named}


def error_of(response: Any) -> tuple[int, str]:
    """Return a refusal's status and code."""
    return response.status_code, response.json()["error"]["code"]
