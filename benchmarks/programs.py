"""Start programs with a log each, and stop them all."""

import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks import places
from devtools import ports, processes
from devtools.say import Trouble

_STOP_SECONDS = 30
_READY_SECONDS = 60


class Programs:
    """Programs by name, as long as they run."""

    def __init__(self) -> None:
        self._running: dict[str, tuple[subprocess.Popen[bytes], Path]] = {}

    def start(
        self, name: str, command: Sequence[str], env: Mapping[str, str] | None = None
    ) -> None:
        """Start a program; what it prints goes to its log."""
        places.LOGS.mkdir(parents=True, exist_ok=True)
        log = places.LOGS / f"{name}.log"
        with log.open("wb") as output:
            child = processes.start(command, env=env, output=output, cwd=places.ROOT)
        self._running[name] = (child, log)

    def groups(self) -> dict[str, list[int]]:
        """Return each program's process id, for the meters."""
        return {name: [child.pid] for name, (child, _) in self._running.items()}

    def ensure_alive(self) -> None:
        """Do nothing while all run.

        Raises:
            Trouble: one has ended; the message has its last lines.
        """
        for name, (child, log) in self._running.items():
            if child.poll() is not None:
                told = processes.last_lines(log.read_text(errors="replace"))
                raise Trouble(f"{name} ended early ({log}):\n{told}")

    def wait_open(self, port: int) -> None:
        """Wait until one of them listens there."""
        ports.wait_open(port, seconds=_READY_SECONDS, still_there=self.ensure_alive)

    def stop(self) -> None:
        """End all, politely and then by force."""
        children = [child for child, _ in self._running.values()]
        for child in children:
            if child.poll() is None:
                # Only the parent: it tells its children by itself.
                child.send_signal(signal.SIGTERM)
        give_up = time.monotonic() + _STOP_SECONDS
        for child in children:
            with suppress(subprocess.TimeoutExpired):
                child.wait(max(0.0, give_up - time.monotonic()))
            # Also what one that did not listen, or crashed, may have left behind.
            processes.kill_group(child)
            child.wait()
        self._running.clear()


@contextmanager
def programs() -> Iterator[Programs]:
    """Yield a set of programs that is stopped at the end, however it comes."""
    held = Programs()
    try:
        yield held
    finally:
        held.stop()
