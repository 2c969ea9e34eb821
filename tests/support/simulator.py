"""The provider simulator as a child process."""

import http.client
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlsplit

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 15.0

Json = dict[str, Any]


class SimulatorProcess:
    """Runs `python -m simulator` on a free port; use it as a context manager.

    Options are those of the command line: ``batch_seconds=0.3``, ``api_key="k"``,
    ``data_dir=path``. Without ``data_dir`` a temporary one lives as long as this.
    """

    def __init__(self, port: int | None = None, **options: Any) -> None:
        self._port = port or 0
        self._options = options
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def __enter__(self) -> "SimulatorProcess":
        return self.start()

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.stop()
        if self._temporary is not None:
            self._temporary.cleanup()

    def start(self, port: int | None = None, **options: Any) -> "SimulatorProcess":
        """Start it and wait until it listens."""
        self._port = port or self._port
        self._options.update(options)
        self._prepare_data_dir()
        ready = Path(self._options["data_dir"]) / "ready"
        ready.parent.mkdir(parents=True, exist_ok=True)
        ready.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            [*self._command(), "--ready-file", str(ready)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        self.url = self._wait_for(ready)
        self._port = urlsplit(self.url).port or 0
        return self

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        self._end(kill=False)

    def kill(self) -> None:
        """End it as a crash would."""
        self._end(kill=True)

    def restart(self, **options: Any) -> None:
        """Stop it and start it on the same port and data."""
        self.stop()
        self.start(**options)

    @property
    def pid(self) -> int:
        """Return the process id, or 0 when it does not run."""
        return self._process.pid if self._process else 0

    def post_fault(self, rule: Json) -> Json:
        """Add a fault rule and return it as the simulator keeps it."""
        added: Json = self.call("POST", "/_sim/faults", rule)["rules"][0]
        return added

    def clear_faults(self) -> None:
        """Remove all fault rules and forget counted tries."""
        self.call("DELETE", "/_sim/faults")

    def settings(self, **knobs: float) -> Json:
        """Turn knobs such as ``latency_ms=20`` and return all of them."""
        return self.call("POST", "/_sim/settings", knobs)

    def reset(self) -> None:
        """Forget faults, tries and counts."""
        self.call("POST", "/_sim/reset")

    def stats(self) -> Json:
        """Return the counts."""
        return self.call("GET", "/_sim/stats")

    def accepted(self, prefix: str = "") -> dict[str, int]:
        """Return how often each client reference was accepted."""
        found = self.call("GET", f"/_sim/accepted?prefix={quote(prefix)}")
        counts: dict[str, int] = found["accepted"]
        return counts

    def call(self, method: str, path: str, body: Json | None = None) -> Json:
        """Send JSON to the simulator and return the JSON it answers with."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(str(parts.netloc), timeout=30)
        try:
            sent = None if body is None else json.dumps(body)
            connection.request(method, path, sent, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer: Json = json.loads(response.read())
        finally:
            connection.close()
        if response.status != 200:
            raise RuntimeError(f"{method} {path}: {response.status} {answer}")
        return answer

    def _prepare_data_dir(self) -> None:
        if "data_dir" not in self._options:
            self._temporary = tempfile.TemporaryDirectory(prefix="simulator-")
            self._options["data_dir"] = self._temporary.name

    def _command(self) -> list[str]:
        command = [sys.executable, "-m", "simulator", "--quiet"]
        command += ["--port", str(self._port)]
        for name, value in self._options.items():
            command += [f"--{name.replace('_', '-')}", str(value)]
        return command

    def _wait_for(self, ready: Path) -> str:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            url = ready.read_text() if ready.exists() else ""
            if url:
                return url
            if self._process is not None and self._process.poll() is not None:
                break
            time.sleep(0.02)
        self.kill()
        raise RuntimeError("the simulator did not start")

    def _end(self, *, kill: bool) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if kill:
            process.kill()
        else:
            process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=10)
