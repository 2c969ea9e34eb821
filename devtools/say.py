"""Lines for the person at the terminal."""

import os
import sys


class Trouble(Exception):
    """Something the person can mend; the message says how."""


def say(line: str = "") -> None:
    """Print one line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def complain(line: str) -> None:
    """Print one line to standard error."""
    sys.stdout.flush()
    sys.stderr.write(line + "\n")


def is_terminal() -> bool:
    """Tell whether a person reads along."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def paint(text: str, color: int) -> str:
    """Color ``text`` by an ANSI code, on a terminal that wants it."""
    if not is_terminal() or os.environ.get("NO_COLOR"):
        return text
    return f"\x1b[{color}m{text}\x1b[0m"
