"""A client of the product's public API that holds no file in memory."""

import http.client
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from devtools.ports import HOST
from devtools.say import Trouble

JSON = dict[str, Any]
# An upload answers when its last line is checked.
CALL_SECONDS = 180


@dataclass(frozen=True)
class Api:
    """The product on this machine, called with one key."""

    port: int
    key: str

    def get(self, path: str) -> JSON:
        """Fetch a JSON object."""
        return _object(self.fetch("GET", path))

    def post(self, path: str, body: JSON) -> JSON:
        """Send a JSON object and return the one that answers."""
        return _object(self.post_raw(path, body))

    def post_raw(self, path: str, body: JSON) -> bytes:
        """Send a JSON object and return the answer's bytes."""
        return self.fetch("POST", path, json.dumps(body).encode())

    def upload(self, path: Path) -> JSON:
        """Send a manifest from the disk, a piece at a time."""
        headers = {
            "Content-Type": "application/x-ndjson",
            "Content-Length": str(path.stat().st_size),
        }
        address = "/v1/batches/input-manifests"
        with (
            path.open("rb") as body,
            self._answer("POST", address, body, headers) as answer,
        ):
            return _object(answer.read())

    def download(self, file_id: str, target: Path) -> None:
        """Fetch a file of ours to the disk."""
        with (
            self._answer("GET", f"/v1/files/{file_id}/content") as answer,
            target.open("wb") as out,
        ):
            shutil.copyfileobj(answer, out, 1 << 20)

    def fetch(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Return the bytes of a good answer.

        Raises:
            Trouble: the API refused; the message has its answer.
        """
        headers = {"Content-Type": "application/json"} if body else {}
        with self._answer(method, path, body, headers) as answer:
            return answer.read()

    @contextmanager
    def _answer(
        self,
        method: str,
        path: str,
        body: bytes | IO[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[http.client.HTTPResponse]:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=CALL_SECONDS)
        try:
            bearer = {"Authorization": f"Bearer {self.key}", **(headers or {})}
            connection.request(method, path, body=body, headers=bearer)
            answer = connection.getresponse()
            if answer.status >= 400:
                told = answer.read(2000).decode(errors="replace")
                raise Trouble(f"{method} {path} answered {answer.status}: {told}")
            yield answer
        finally:
            connection.close()


def _object(content: bytes) -> JSON:
    value = json.loads(content)
    if not isinstance(value, dict):
        raise Trouble(f"expected a JSON object, got {content[:200]!r}")
    return value
