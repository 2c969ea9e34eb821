"""Show several log files as one stream, each line under its program's name."""

import threading
from collections.abc import Mapping
from pathlib import Path

from devtools.say import paint, say

_LOOK_SECONDS = 0.1
_COLORS = (36, 33, 32, 35, 34, 31)


class Follower:
    """Prints what programs append to their logs, until stopped.

    The programs write to files and not to us, so that none of them blocks or breaks
    when we are slow or gone.
    """

    def __init__(self, logs: Mapping[str, Path]) -> None:
        self._tails = [
            _Tail(name, path, _COLORS[index % len(_COLORS)])
            for index, (name, path) in enumerate(logs.items())
        ]
        self._width = max(len(name) for name in logs)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin to print."""
        self._thread.start()

    def stop(self) -> None:
        """Print what is left and end."""
        self._over.set()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            self._print_news()
        self._print_news()

    def _print_news(self) -> None:
        for tail in self._tails:
            label = paint(f"{tail.name:<{self._width}} |", tail.color)
            for line in tail.new_lines():
                say(f"{label} {line}")


class _Tail:
    """One file and how far it has been read."""

    def __init__(self, name: str, path: Path, color: int) -> None:
        self.name = name
        self.color = color
        self._file = path.open("rb")
        self._rest = b""

    def new_lines(self) -> list[str]:
        """Return the lines completed since the last look."""
        *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
        return [line.decode(errors="replace") for line in lines]
