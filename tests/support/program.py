"""A program of this repository as a child process, on a free port."""

import http.client
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120.0

Json = dict[str, Any]


class Program:
    """Runs ``python -m <module>``; use it as a context manager.

    Options are those of the command line, such as ``latency_ms=20``; a list repeats
    one. Without ``data_dir`` a temporary one lives as long as this.
    """

    module: ClassVar[str]

    def __init__(self, port: int | None = None, **options: Any) -> None:
        self._port = port or 0
        self._options = options
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def __enter__(self) -> Self:
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

    def start(self, port: int | None = None, **options: Any) -> Self:
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

    def call(self, method: str, path: str, body: Json | None = None) -> Json:
        """Send JSON to the program and return the JSON it answers with."""
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
            self._temporary = tempfile.TemporaryDirectory(prefix=f"{self.module}-")
            self._options["data_dir"] = self._temporary.name

    def _command(self) -> list[str]:
        command = [sys.executable, "-m", self.module, "--quiet"]
        command += ["--port", str(self._port)]
        for name, value in self._options.items():
            for each in value if isinstance(value, list) else [value]:
                command += [f"--{name.replace('_', '-')}", str(each)]
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
        raise RuntimeError(f"{self.module} did not start")

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
