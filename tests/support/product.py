"""The whole product as real processes, on services of its own, to be broken."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from devtools import postgres, redis
from tests.support.prepared_database import prepare
from tests.support.simulator import SimulatorProcess
from tests.support.stripe_standin import API_KEY, WEBHOOK_SECRET, StripeStandin

ROOT = Path(__file__).resolve().parent.parent.parent

_COMMANDS = {
    "web": "gunicorn batchrouter.wsgi --bind 127.0.0.1:{port} --worker-class gthread "
    "--workers 1 --threads 16 --no-control-socket --keep-alive 75",
    "control": "celery -A batchrouter worker -Q control -n control@t -c 2 -l WARNING",
    "direct": "celery -A batchrouter worker -Q direct -n direct@t -c 1 -l WARNING",
    "delivery": "celery -A batchrouter worker -Q delivery -n dlv@t -c 1 -l WARNING",
    "beat": "celery -A batchrouter beat --schedule {var}/beat --pidfile= -l WARNING",
}


class Product:
    """Web, workers, beat, simulator, PostgreSQL and a broker, all of this test only.

    Args:
        home: an empty folder.
        with_redis: Redis as broker and cache; else files and the database.
        with_stripe: a Stripe stand-in beside it; else checkout is off.
        settings: environment variables over the test's short times.
    """

    def __init__(
        self,
        home: Path,
        *,
        with_redis: bool,
        with_stripe: bool = False,
        **settings: str,
    ) -> None:
        self.home = home
        self.var = home / "var"
        self.port = _free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.simulator = SimulatorProcess(batch_seconds=2.0, data_dir=home / "sim")
        self.stripe = StripeStandin(
            data_dir=home / "stripe",
            webhook_url=f"{self.address}/v1/billing/stripe/webhook",
        )
        self.redis_url = ""
        self._with_redis = with_redis
        self._with_stripe = with_stripe
        self._settings = settings
        self._stack = ExitStack()
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.api_key = self.org_id = ""

    def __enter__(self) -> Self:
        self.var.mkdir(parents=True)
        try:
            self._start_services()
            prepare(self.database_url, self._make_tables)
            if not self._with_redis:
                self.manage("createcachetable")
            made = json.loads(self.manage("make_demo"))
            self.api_key, self.org_id = made["api_key"], made["org_id"]
            for name in _COMMANDS:
                self.start(name)
            self._wait_ready()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name in list(self._running):
            self.kill(name)
        self._stack.close()

    def _start_services(self) -> None:
        self._stack.enter_context(self.simulator)
        if self._with_stripe:
            self._stack.enter_context(self.stripe)
        self.database_url = self._stack.enter_context(postgres.server(self.home / "pg"))
        if self._with_redis:
            self.redis_url = self._stack.enter_context(
                redis.server(self.home / "redis")
            )

    def _make_tables(self) -> None:
        self.manage("migrate", "-v0")
        self.manage("load_catalog")

    @property
    def env(self) -> dict[str, str]:
        """What the processes are started with."""
        kept = {
            name: value for name, value in os.environ.items() if name != "REDIS_URL"
        }
        return {
            **kept,
            "DJANGO_SETTINGS_MODULE": "batchrouter.settings.base",
            "VAR_DIR": str(self.var),
            "DATABASE_URL": self.database_url,
            **({"REDIS_URL": self.redis_url} if self.redis_url else {}),
            **(self._stripe_env() if self._with_stripe else {}),
            "SANDBOX_PROVIDERS_URL": self.simulator.url,
            "PUBLIC_BASE_URL": self.address,
            "LEASE_SECONDS": "4",
            "SWEEP_SECONDS": "1",
            "NATIVE_POLL_FIRST_SECONDS": "1",
            "NATIVE_POLL_MAX_SECONDS": "2",
            "LOG_LEVEL": "WARNING",
            "PYTHONWARNINGS": "ignore",
            **self._settings,
        }

    def _stripe_env(self) -> dict[str, str]:
        return {
            "STRIPE_SECRET_KEY": API_KEY,
            "STRIPE_API_BASE": self.stripe.url,
            "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        }

    def manage(self, *arguments: str, check: bool = True) -> str:
        """Run a management command and return what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"{arguments}: {done.stdout}\n{done.stderr[-3000:]}")
        return done.stdout

    def use_key_of_all_scopes(self) -> None:
        """Call with a key that may change the organization too, from now on."""
        scopes = ["--scopes", "quote,submit,read,admin"]
        printed = self.manage("create_api_key", self.org_id, "--name", "all", *scopes)
        self.api_key = next(word for word in printed.split() if word.startswith("ob_"))

    def start(self, name: str) -> None:
        """Start one of the processes."""
        command = _COMMANDS[name].format(port=self.port, var=self.var)
        with (self.home / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", *command.split()],
                cwd=ROOT,
                env=self.env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """Kill one of the processes and its children, without a chance to clean up."""
        process = self._running.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop_warmly(self, name: str) -> float:
        """Ask a process to stop, as a deployment does; return the seconds it took."""
        process = self._running.pop(name)
        began = time.monotonic()
        process.terminate()
        process.wait(timeout=120)
        return time.monotonic() - began

    def restart(self, name: str) -> None:
        """Kill a process and start it anew."""
        self.kill(name)
        self.start(name)

    def crash_postgres(self, *, by_sigkill: bool = False) -> None:
        """End PostgreSQL without a checkpoint, and start it again.

        Args:
            by_sigkill: the server and all its processes, which then tell nobody; else
                it shuts itself down ("immediate").
        """
        with psycopg.connect(self.database_url) as connection:
            pid = _parent_of(connection.info.backend_pid)
        if by_sigkill:
            _kill_family(pid)
        else:
            os.kill(pid, signal.SIGQUIT)
        # Reaped, so that the next start does not take the number for a living server.
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)
        self._stack.enter_context(postgres.server(self.home / "pg"))

    def empty_redis(self) -> None:
        """Forget every message, lock and cached value."""
        host, port = self.redis_url.removeprefix("redis://").split("/")[0].split(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(b"FLUSHALL\r\n")
            assert connection.recv(16).startswith(b"+OK")

    def call(
        self,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        method: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, Any]]:
        """Call the API with the demo key; return status and JSON."""
        data = raw if raw is not None else None
        if body is not None:
            data = json.dumps(body).encode()
        request = urllib.request.Request(
            self.address + path,
            data=data,
            method=method or ("POST" if data is not None else "GET"),
            headers={
                "Authorization": f"Bearer {self.api_key}",
                "Content-Type": "application/json",
                **(headers or {}),
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return reply.status, json.loads(reply.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def submit(self, lines: list[dict[str, Any]], **manifest: Any) -> str:
        """Upload items and submit them; return the batch's id."""
        data = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        status, file = self.call(
            "/v1/batches/input-manifests",
            raw=data,
            headers={"Content-Type": "application/x-ndjson"},
        )
        assert status == 201, file
        status, batch = self.call(
            "/v1/batches", {"input_file_id": file["id"], **manifest}
        )
        assert status == 202, batch
        return str(batch["id"])

    def wait_for(self, batch_id: str, *, seconds: float) -> dict[str, Any]:
        """Poll a batch until it has ended, through any trouble of the servers."""
        give_up = time.monotonic() + seconds
        batch: dict[str, Any] = {}
        while time.monotonic() < give_up:
            try:
                status, batch = self.call(f"/v1/batches/{batch_id}")
            except OSError:
                status = 0
            if status == 200 and batch["state"] in {"completed", "failed", "canceled"}:
                return batch
            time.sleep(0.3)
        raise AssertionError(f"{batch_id} did not end: {batch}\n{self.logs()}")

    def wait_until(self, holds: Callable[[], bool], *, seconds: float = 120) -> None:
        """Wait for something that a worker does."""
        give_up = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > give_up:
                raise AssertionError(f"it did not come to pass\n{self.logs()}")
            time.sleep(0.1)

    def rows(self, batch_id: str) -> list[dict[str, Any]]:
        """Walk all result pages."""
        rows: list[dict[str, Any]] = []
        cursor = ""
        while True:
            _, page = self.call(f"/v1/batches/{batch_id}/results?limit=100{cursor}")
            rows += page["data"]
            if not page["has_more"]:
                return rows
            cursor = f"&cursor={page['next_cursor']}"

    def logs(self) -> str:
        """Return the last lines of every process."""
        parts = []
        for path in sorted(self.home.glob("*.log")):
            tail = path.read_text(errors="replace").splitlines()[-25:]
            parts.append(f"== {path.name}\n" + "\n".join(tail))
        return "\n".join(parts)

    def _wait_ready(self) -> None:
        give_up = time.monotonic() + 120
        while time.monotonic() < give_up:
            try:
                status, _ = self.call("/readyz")
            except OSError:
                status = 0
            if status == 200:
                return
            time.sleep(0.2)
        raise AssertionError(f"the product did not start\n{self.logs()}")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


def _parent_of(pid: int) -> int:
    text = Path(f"/proc/{pid}/stat").read_text()
    return int(text.rsplit(")", 1)[1].split()[1])


def _kill_family(parent: int) -> None:
    """Kill a process and its children, and wait until none of them runs."""
    os.kill(parent, signal.SIGSTOP)  # has no more children from here on
    numbers = [
        int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()
    ]
    children = [pid for pid in numbers if _is_child(pid, parent)]
    for pid in (*children, parent):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    while any(_runs(pid) for pid in (*children, parent)):
        time.sleep(0.02)


def _is_child(pid: int, parent: int) -> bool:
    try:
        return _parent_of(pid) == parent
    except OSError:
        return False


def _runs(pid: int) -> bool:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rsplit(")", 1)[1].split()[0] != "Z"
