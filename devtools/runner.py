"""Run the programs of the Procfile together, and let them finish their work."""

import os
import shlex
import signal
import string
import subprocess
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devtools import places, processes
from devtools.follow import Follower
from devtools.say import Trouble, say

FINISH_SECONDS = 60
# The others' last work may still need these.
STOP_LAST = ("simulator", "stripe")
_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Program:
    """One line of the Procfile while it runs."""

    name: str
    child: "subprocess.Popen[bytes]"
    log: Path

    def last_words(self) -> str:
        """Return the end of its log."""
        return processes.last_lines(self.log.read_text(errors="replace"))


def read_procfile(
    path: Path, env: Mapping[str, str], *, without: Collection[str] = ()
) -> dict[str, list[str]]:
    """Return each program's command by name, with ``$VARIABLES`` filled in.

    Programs named by ``without`` are left out, whatever their lines need.

    Raises:
        Trouble: a line names a variable that is not set.
    """
    commands = {}
    for line in path.read_text().splitlines():
        name, colon, command = line.partition(":")
        if not colon or name.lstrip().startswith("#") or name.strip() in without:
            continue
        try:
            # Split first: a folder with a space in it stays one word.
            words = [string.Template(w).substitute(env) for w in shlex.split(command)]
        except KeyError as error:
            raise Trouble(f"{path.name}: {name} needs the variable {error}") from error
        commands[name.strip()] = words
    return commands


class Runner:
    """The programs that run now."""

    def __init__(self, programs: list[Program]) -> None:
        self._programs = programs

    def ensure_alive(self) -> None:
        """Do nothing while all run.

        Raises:
            Trouble: one has ended; the message has its last lines.
        """
        for program in self._programs:
            code = program.child.poll()
            if code is not None:
                raise Trouble(
                    f"{program.name} ended early, exit code {code}. Its last lines "
                    f"({program.log}):\n{program.last_words()}"
                )

    def wait(self) -> None:
        """Return never; raise Trouble when a program ends, or KeyboardInterrupt."""
        while True:
            self.ensure_alive()
            time.sleep(_LOOK_SECONDS)

    def stop(self) -> None:
        """End all: politely, then after 60 seconds or a second Ctrl-C by force."""
        patience = _Patience()
        if _running(self._programs):
            say("Stopping; work in hand is finished first (Ctrl-C: at once) ...")
        first = [p for p in self._programs if p.name not in STOP_LAST]
        last = [p for p in self._programs if p.name in STOP_LAST]
        for group in (first, last):
            _ask_to_stop(group)
            while _running(group) and not patience.is_over():
                time.sleep(_LOOK_SECONDS)
        for program in _running(self._programs):
            say(f"{program.name} did not finish its work and is killed.")
        for program in self._programs:
            # Also what a program that crashed may have left behind.
            processes.kill_group(program.child)
            program.child.wait()


@contextmanager
def running(
    commands: Mapping[str, list[str]], *, env: Mapping[str, str], show_logs: bool
) -> Iterator[Runner]:
    """Run ``commands`` and stop them all at the end, however it comes.

    What they print goes to ``var/log/NAME.log`` and, with ``show_logs``, here too.
    """
    folder = places.var_dir() / "log"
    folder.mkdir(parents=True, exist_ok=True)
    logs = {name: folder / f"{name}.log" for name in commands}
    for log in logs.values():
        log.write_bytes(b"")
    follower = Follower(logs)
    programs: list[Program] = []
    runner = Runner(programs)
    try:
        for name, command in commands.items():
            programs.append(_start(name, command, env=env, log=logs[name]))
        if show_logs:
            follower.start()
        yield runner
    finally:
        runner.stop()
        if show_logs:
            follower.stop()


class _Patience:
    """Lasts a minute, or until another Ctrl-C."""

    def __init__(self) -> None:
        self._asked_before = processes.Interrupts.tidy_up()
        self._end = time.monotonic() + FINISH_SECONDS

    def is_over(self) -> bool:
        asked_again = processes.Interrupts.count > self._asked_before
        return asked_again or time.monotonic() > self._end


def _start(
    name: str, command: list[str], *, env: Mapping[str, str], log: Path
) -> Program:
    with log.open("ab") as output:
        try:
            child = processes.start(command, env=env, output=output, cwd=places.ROOT)
        except FileNotFoundError as error:
            raise Trouble(f"{name}: there is no program {command[0]}") from error
    return Program(name=name, child=child, log=log)


def _ask_to_stop(programs: list[Program]) -> None:
    """Tell each program, and not its children: a pool child holds a job in hand."""
    for program in programs:
        if program.child.poll() is None:
            os.kill(program.child.pid, signal.SIGTERM)


def _running(programs: list[Program]) -> list[Program]:
    return [program for program in programs if program.child.poll() is None]
