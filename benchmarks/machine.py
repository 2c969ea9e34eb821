"""What processes used of this machine, read from ``/proc`` (Linux)."""

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_CORES = os.cpu_count() or 1
# Written to clear_refs: makes the peak of the resident set begin anew (proc(5)).
_FORGET_PEAK = "5"
_IDLE_FIELDS = (3, 4)  # of /proc/stat: idle, waiting for a disk
_BUSY_FIELDS = 8  # user to steal; guests are part of user

MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Spent:
    """What a stretch of time cost.

    Attributes:
        cpu_seconds: of each group of processes, ended children included.
        others_share: of all cores, taken by processes that are not ours (0 to 1).
    """

    wall_seconds: float
    cpu_seconds: Mapping[str, float]
    others_share: float


class Meter:
    """Measures groups of process trees from its making to :meth:`read`.

    Args:
        groups: the roots of each group's trees.
        ours: roots outside of our own tree that are still part of the measurement.
    """

    def __init__(
        self, groups: Mapping[str, Iterable[int]], *, ours: Iterable[int] = ()
    ) -> None:
        self._groups = {name: tuple(roots) for name, roots in groups.items()}
        self._ours = (os.getpid(), *ours)
        self._before = self._look()

    def read(self) -> Spent:
        """Return what was used since the meter was made."""
        then, now = self._before, self._look()
        wall = now.at - then.at
        ours = now.ours - then.ours
        others = max(0.0, now.busy - then.busy - ours) / (wall * _CORES)
        groups = {name: used - then.groups[name] for name, used in now.groups.items()}
        return Spent(wall, groups, others)

    def _look(self) -> "_Look":
        table = _process_table()
        return _Look(
            at=time.monotonic(),
            busy=_machine_busy_seconds(),
            ours=_used(table, self._ours),
            groups={name: _used(table, roots) for name, roots in self._groups.items()},
        )


@dataclass(frozen=True)
class _Look:
    at: float
    busy: float
    ours: float
    groups: Mapping[str, float]


@dataclass(frozen=True)
class _Process:
    parent: int
    cpu_seconds: float


def tree(roots: Iterable[int]) -> set[int]:
    """Return the ids of the processes and of everything that they started."""
    return _tree(_process_table(), roots)


def parent_of(pid: int) -> int:
    """Return the id of a process' parent."""
    return _process_table()[pid].parent


def resident_bytes(pid: int) -> int:
    """Return how much memory a process has now."""
    return _status_bytes(pid, "VmRSS:")


def peak_bytes(pid: int) -> int:
    """Return the most that a process had since :func:`forget_peak`, or its start."""
    return _status_bytes(pid, "VmHWM:")


def forget_peak(pid: int) -> None:
    """Let a process' peak begin anew from what it has now."""
    (_PROC / str(pid) / "clear_refs").write_text(_FORGET_PEAK)


class Memory:
    """The growth of processes over what they held when this was made."""

    def __init__(self, groups: Mapping[str, Iterable[int]]) -> None:
        self._groups = {name: tuple(roots) for name, roots in groups.items()}
        self._idle: dict[int, int] = {}
        for roots in self._groups.values():
            for pid in tree(roots):
                self._idle[pid] = resident_bytes(pid)
                forget_peak(pid)

    def over_idle(self) -> dict[str, int]:
        """Return the largest growth of any one process in each group, in bytes.

        A process that is new since then counts with all that it ever held.
        """
        return {
            name: max((self._growth(pid) for pid in tree(roots)), default=0)
            for name, roots in self._groups.items()
        }

    def _growth(self, pid: int) -> int:
        try:
            return max(0, peak_bytes(pid) - self._idle.get(pid, 0))
        except OSError:
            return 0  # it has ended meanwhile


def describe() -> str:
    """Name this machine: processor, cores, memory, kernel."""
    processor = _field(_PROC / "cpuinfo", "model name").lstrip(": \t")
    kib = int(_field(_PROC / "meminfo", "MemTotal:").split()[0])
    release = os.uname().release
    return f"{processor}, {_CORES} cores, {kib / MEBIBYTE:.0f} GiB, Linux {release}"


def _field(path: Path, name: str) -> str:
    for line in path.read_text().splitlines():
        if line.startswith(name):
            return line.removeprefix(name).strip()
    return "0"


def _status_bytes(pid: int, name: str) -> int:
    return int(_field(_PROC / str(pid) / "status", name).split()[0]) * 1024


def _machine_busy_seconds() -> float:
    words = (_PROC / "stat").read_text().split("\n", 1)[0].split()
    fields = [int(word) for word in words[1 : 1 + _BUSY_FIELDS]]
    idle = sum(fields[index] for index in _IDLE_FIELDS)
    return (sum(fields) - idle) / _TICKS_PER_SECOND


def _process_table() -> dict[int, _Process]:
    table = {}
    for folder in _PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            text = (folder / "stat").read_text()
        except OSError:
            continue  # it has ended meanwhile
        # The name before the last bracket may hold spaces and brackets itself.
        fields = text.rpartition(")")[2].split()
        # utime, stime, and both again of children that ended and were waited for
        ticks = sum(int(field) for field in fields[11:15])
        table[int(folder.name)] = _Process(int(fields[1]), ticks / _TICKS_PER_SECOND)
    return table


def _tree(table: Mapping[int, _Process], roots: Iterable[int]) -> set[int]:
    children: dict[int, list[int]] = {}
    for pid, process in table.items():
        children.setdefault(process.parent, []).append(pid)
    found: set[int] = set()
    waiting = [root for root in roots if root in table]
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting.extend(children.get(pid, ()))
    return found


def _used(table: Mapping[int, _Process], roots: Iterable[int]) -> float:
    return sum(table[pid].cpu_seconds for pid in _tree(table, roots))
