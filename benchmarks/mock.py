"""Build and run the mock provider."""

import http.client
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import places
from benchmarks.programs import programs
from devtools import ports, processes
from devtools.ports import HOST
from devtools.say import Trouble

_SOURCE = Path(__file__).with_name("mock_provider.c")
_CALL_SECONDS = 10


@dataclass(frozen=True)
class Mock:
    """The mock provider while it runs."""

    port: int

    @property
    def base_url(self) -> str:
        """What the product takes for all sandbox providers."""
        return f"http://{HOST}:{self.port}"

    @property
    def chat_url(self) -> str:
        """The chat endpoint for the other clients."""
        return f"{self.base_url}/v1/chat/completions"

    def reset(self, *, latency_ms: int) -> None:
        """Zero the counters and set how long answers take."""
        self._get(f"/__reset?latency_ms={latency_ms}")

    def posts(self) -> int:
        """Return how many requests arrived since the reset."""
        return int(json.loads(self._get("/__stats"))["posts"])

    def _get(self, path: str) -> bytes:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=_CALL_SECONDS)
        try:
            connection.request("GET", path)
            return connection.getresponse().read()
        finally:
            connection.close()


@contextmanager
def running() -> Iterator[Mock]:
    """Build the mock provider and run it on a free port."""
    binary, port = _build(), ports.any_free()
    with programs() as held:
        held.start("mock_provider", [str(binary), str(port)])
        held.wait_open(port)
        yield Mock(port)


def _build() -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise Trouble("The mock provider is C: install a compiler (apt: gcc libc6-dev)")
    places.PROGRAMS.mkdir(parents=True, exist_ok=True)
    binary = places.PROGRAMS / "mock_provider"
    processes.run([compiler, "-O2", "-o", str(binary), str(_SOURCE)], what="cc")
    return binary
