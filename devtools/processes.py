"""The only file that starts programs."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Any

from devtools.say import Trouble

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(frozen=True)
class Account:
    """An account of the system, by its numbers."""

    uid: int
    gid: int


class Interrupts:
    """Counts requests to stop: the first interrupts, a later one means "at once"."""

    count = 0
    from_keyboard = False
    may_interrupt = True

    @classmethod
    def listen(cls) -> None:
        """Treat Ctrl-C, a polite kill and a closed terminal alike."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, cls._arrived)

    @classmethod
    def _arrived(cls, number: int, _frame: FrameType | None) -> None:
        cls.count += 1
        cls.from_keyboard = number == signal.SIGINT and sys.stdin.isatty()
        if cls.may_interrupt:
            cls.may_interrupt = False
            raise KeyboardInterrupt

    @classmethod
    def tidy_up(cls) -> int:
        """Let nothing break off what follows; return how many requests came before."""
        cls.may_interrupt = False
        return cls.count


def start(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    output: IO[bytes] | int | None = None,
    cwd: Path | None = None,
    account: Account | None = None,
    at_our_death: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a program apart from our terminal, and have it stop if we vanish.

    It leads a session of its own: Ctrl-C reaches us alone, and we decide who hears.
    """
    return subprocess.Popen(  # noqa: S603 - the commands are ours
        list(command),
        env=None if env is None else dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        start_new_session=True,
        **_switch_to(account),
        preexec_fn=_dies_with_parent(at_our_death),  # noqa: PLW1509 - main thread only
    )


def run(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    what: str = "",
    account: Account | None = None,
) -> str:
    """Run a program to its end and return what it wrote to standard output.

    Raises:
        Trouble: it failed; the message carries its last lines.
    """
    child: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603 - as above
        list(command),
        env=None if env is None else dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        **_switch_to(account),
    )
    try:
        output, errors = child.communicate()
    except BaseException:
        kill_group(child)
        child.wait()
        raise
    if child.returncode:
        told = last_lines((output + errors).decode(errors="replace"))
        raise Trouble(f"{what or Path(command[0]).name} failed:\n{told}")
    return output.decode(errors="replace")


def run_judged(
    command: Sequence[str], *, env: Mapping[str, str], cwd: Path
) -> tuple[int, str]:
    """Run a program to its end and return its exit code and all that it wrote."""
    done = subprocess.run(  # noqa: S603 - the commands are ours
        list(command),
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.returncode, done.stdout.decode(errors="replace")


def run_here(command: Sequence[str], *, env: Mapping[str, str], cwd: Path) -> int:
    """Run a program in our terminal and return its exit code; it hears Ctrl-C too."""
    child = subprocess.Popen(  # noqa: S603 - the commands are ours
        list(command), env=dict(env), cwd=cwd
    )
    while True:
        try:
            code = child.wait()
        except KeyboardInterrupt:
            # The keyboard told the child as well; a plain kill told only us.
            if not Interrupts.from_keyboard:
                child.send_signal(signal.SIGINT)
        else:
            return code if code >= 0 else 128 - code


def kill_group(child: "subprocess.Popen[bytes]") -> None:
    """Kill a program and all it started in its session."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def last_lines(text: str, count: int = 20) -> str:
    """Return the last lines, indented for a message."""
    return "\n".join("    " + line for line in text.strip().splitlines()[-count:])


def _switch_to(account: Account | None) -> dict[str, Any]:
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def _dies_with_parent(number: signal.Signals) -> Callable[[], None]:
    """Ask the kernel to send ``number`` when we die, however that happens."""
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def prepare() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:
            sys.exit(1)

    return prepare
