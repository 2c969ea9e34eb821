"""The Stripe stand-in as a child process."""

import http.client
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 15.0
API_KEY = "sk_test_" + "standin0" * 4
WEBHOOK_SECRET = "whsec_" + "standin0" * 4

Json = dict[str, Any]


class StripeStandin:
    """Runs `python -m stripe_standin` on a free port; use it as a context manager.

    Options are those of the command line: ``webhook_url=url``, ``latency_ms=20``,
    ``data_dir=path``. Without ``data_dir`` a temporary one lives as long as this.
    Events are signed with ``WEBHOOK_SECRET`` unless another is given.
    """

    def __init__(self, **options: Any) -> None:
        self._port = 0
        self._options = {
            "webhook_secret": WEBHOOK_SECRET,
            "retry_first_ms": 50,
            **options,
        }
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def __enter__(self) -> "StripeStandin":
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

    def start(self, **options: Any) -> "StripeStandin":
        """Start it and wait until it listens."""
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

    def control(self, path: str, body: Json | None = None) -> Json:
        """Do what a payer, a bank or the dashboard would: POST /_standin/{path}."""
        return self.call("POST", f"/_standin/{path}", body or {})

    def pay(self, session_id: str, **how: Any) -> Json:
        """Pay a session, by ``card="4000…"`` or ``bank_debit=True`` if not at once."""
        return self.control(f"sessions/{session_id}/pay", how)

    def settings(self, **knobs: Any) -> Json:
        """Turn knobs such as ``paused=True`` and return all of them."""
        return self.control("settings", knobs)

    def post_fault(self, kind: str, **options: Any) -> None:
        """Let the next API call fail."""
        self.control("faults", {"kind": kind, **options})

    def release(self, *order: str) -> list[str]:
        """Deliver what waits in this order of types or ids; returns the event ids."""
        body = {"order": list(order)} if order else {}
        released: list[str] = self.control("deliveries/release", body)["released"]
        return released

    def deliveries(self) -> list[Json]:
        """Return all deliveries with their state, oldest first."""
        found: list[Json] = self.call("GET", "/_standin/deliveries")["deliveries"]
        return found

    def wait_until_quiet(self, seconds: float = 10) -> None:
        """Wait until no delivery is pending.

        Raises:
            TimeoutError: one still is.
        """
        deadline = time.monotonic() + seconds
        while any(each["state"] == "pending" for each in self.deliveries()):
            if time.monotonic() > deadline:
                raise TimeoutError("events still wait for their delivery")
            time.sleep(0.02)

    def reset(self) -> None:
        """Forget everything but the options it was started with."""
        self.control("reset")

    def call(self, method: str, path: str, body: Json | None = None) -> Json:
        """Send JSON to the stand-in and return the JSON it answers with."""
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
            self._temporary = tempfile.TemporaryDirectory(prefix="stripe-standin-")
            self._options["data_dir"] = self._temporary.name

    def _command(self) -> list[str]:
        command = [sys.executable, "-m", "stripe_standin", "--quiet"]
        command += ["--port", str(self._port)]
        for name, value in self._options.items():
            values = value if isinstance(value, list) else [value]
            for each in values:
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
        raise RuntimeError("the Stripe stand-in did not start")

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
