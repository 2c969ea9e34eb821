"""The whole product on this machine: database, tables, catalog and the Procfile."""

import fcntl
import os
import secrets
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devtools import checkout, places, ports, postgres, processes, runner
from devtools.runner import Runner
from devtools.say import Trouble, say

WEB_PORT = 8000
SIMULATOR_PORT = 9400
READY_SECONDS = 60


@dataclass(frozen=True)
class Stack:
    """What runs, and how to reach it."""

    runner: Runner
    env: dict[str, str]

    @property
    def port(self) -> int:
        """Return the port of the web server on 127.0.0.1."""
        return int(self.env["PORT"])

    @property
    def address(self) -> str:
        """Return the URL a browser is given."""
        return self.env["PUBLIC_BASE_URL"]

    def manage(self, *arguments: str) -> str:
        """Run a command of ``manage.py`` and return what it printed."""
        return processes.run(
            [*places.MANAGE, *arguments],
            env=self.env,
            cwd=places.ROOT,
            what=f"manage.py {arguments[0]}",
        )


@contextmanager
def up(env: dict[str, str], *, show_logs: bool) -> Iterator[Stack]:
    """Start everything, yield it while it runs, and stop what was started.

    Raises:
        Trouble: a part does not start; the message says which and why.
    """
    with _alone(), _database(env):
        _choose_ports(env)
        say("Preparing the database ...")
        prepare(env)
        commands = runner.read_procfile(
            places.ROOT / "Procfile", env, without=_not_needed(env)
        )
        say(f"Starting {', '.join(commands)} ...")
        with runner.running(commands, env=env, show_logs=show_logs) as started:
            yield Stack(runner=started, env=env)


def prepare(env: dict[str, str]) -> None:
    """Bring tables and catalog up to date; safe to repeat."""
    steps = ["'migrate', verbosity=0", "'load_catalog'"]
    if not env.get("REDIS_URL"):
        steps.insert(1, "'createcachetable'")
    # In one process, because Django's start takes longer than any of them.
    script = "from django.core.management import call_command as call\n" + "".join(
        f"call({step})\n" for step in steps
    )
    processes.run(
        [*places.MANAGE, "shell", "--no-imports", "--command", script],
        env=env,
        cwd=places.ROOT,
        what="Preparing the database",
    )


def wait_ready(stack: Stack) -> None:
    """Wait until the web server and what it talks to listen."""
    for name in ("PORT", "SIMULATOR_PORT", checkout.PORT_NAME):
        if name not in stack.env:
            continue
        ports.wait_open(
            int(stack.env[name]),
            seconds=READY_SECONDS,
            still_there=stack.runner.ensure_alive,
        )


@contextmanager
def _database(env: dict[str, str]) -> Iterator[None]:
    """Set DATABASE_URL for the children, starting a server where it is not set."""
    if env.get("DATABASE_URL"):
        yield
        return
    with postgres.server(places.var_dir() / "postgres") as url:
        env["DATABASE_URL"] = url
        yield


def _choose_ports(env: dict[str, str]) -> None:
    web = ports.choose("PORT", WEB_PORT, env)
    simulator = ports.choose("SIMULATOR_PORT", SIMULATOR_PORT, env)
    env["PORT"] = str(web)
    env["SIMULATOR_PORT"] = str(simulator)
    env.setdefault("PUBLIC_BASE_URL", f"http://{ports.HOST}:{web}")
    env.setdefault("SANDBOX_PROVIDERS_URL", f"http://{ports.HOST}:{simulator}")
    # Whoever signs up here can run a first batch at once.
    env.setdefault("WELCOME_CREDIT_USD", "5")
    env["RUN_ID"] = secrets.token_hex(4)
    if checkout.has_own_key(env):
        env.pop(checkout.PORT_NAME, None)
    else:
        checkout.use_standin(env, folder=places.var_dir() / checkout.PROGRAM)


def _not_needed(env: Mapping[str, str]) -> Collection[str]:
    return () if checkout.PORT_NAME in env else (checkout.PROGRAM,)


@contextmanager
def _alone() -> Iterator[None]:
    """Hold the folder for ourselves: two schedulers on one database help nobody.

    Raises:
        Trouble: another one runs here.
    """
    path = places.var_dir() / "running"
    path.parent.mkdir(parents=True, exist_ok=True)
    with Path(path).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            raise Trouble(
                f"BatchRouter runs here already ({lock.read().strip()}). Stop that one,"
                " or set VAR_DIR to another folder for a second one."
            ) from error
        lock.truncate(0)
        lock.write(f"process {os.getpid()}")
        lock.flush()
        yield
