"""A private Redis for the tests."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devtools import apt, ports, processes
from devtools.say import Trouble


@contextmanager
def server(home: Path) -> Iterator[str]:
    """Run Debian's ``redis-server`` in memory and yield its URL.

    Raises:
        Trouble: it is not installed and we may not install it, or it does not start.
    """
    binary = apt.program(
        ["redis-server"], ["redis-server"], "Testing the production broker"
    )
    home.mkdir(parents=True, exist_ok=True)
    port = ports.any_free()
    child = _start(binary, home, port)
    try:
        yield f"redis://{ports.HOST}:{port}/0"
    finally:
        processes.Interrupts.tidy_up()
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            processes.kill_group(child)


def _start(binary: Path, home: Path, port: int) -> "subprocess.Popen[bytes]":
    options = {
        "bind": ports.HOST,
        "port": str(port),
        "dir": str(home),
        "save": "",
        "appendonly": "no",
        "daemonize": "no",
    }
    command = [str(binary)]
    for name, value in options.items():
        command += [f"--{name}", value]
    log = home / "redis.log"
    with log.open("wb") as output:
        child = processes.start(command, output=output)

    def still_there() -> None:
        if child.poll() is not None:
            told = processes.last_lines(log.read_text(errors="replace"))
            raise Trouble(f"redis-server did not start:\n{told}")

    ports.wait_open(port, seconds=20, still_there=still_there)
    return child
