"""Read items, write result lines, and tell what it took."""

import json
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson

Body = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """What a client is to do.

    Attributes:
        url: the chat endpoint.
        in_flight: calls at once.
    """

    source: Path
    url: str
    in_flight: int


class Meter:
    """Wall time, processor time and memory from the first item to the last line.

    Args:
        warm_calls: how many calls were made before, to be ready.
    """

    def __init__(self, *, warm_calls: int) -> None:
        self._warm_calls = warm_calls
        self._idle_kib = _status_kib("VmRSS:")
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        self._cpu = _cpu_seconds()
        self._began = time.monotonic()

    def report(self, items: int) -> None:
        """Print one line of JSON for the program that started us."""
        wall = time.monotonic() - self._began
        told = {
            "items": items,
            "warm_calls": self._warm_calls,
            "wall_seconds": wall,
            "cpu_seconds": _cpu_seconds() - self._cpu,
            "over_idle_bytes": (_status_kib("VmHWM:") - self._idle_kib) * 1024,
        }
        sys.stdout.write(json.dumps(told) + "\n")


def read_items(path: Path) -> Iterator[tuple[str, Body]]:
    """Yield each item's key and request body."""
    with path.open("rb", buffering=1 << 20) as lines:
        for line in lines:
            item = orjson.loads(line)
            yield item["custom_id"], item["body"]


def write_result(out: BinaryIO, key: str, status: int, body: Any) -> None:
    """Append a line in the shape of OpenAI's batch output."""
    is_good = status == 200
    row = {
        "custom_id": key,
        "response": {"status_code": status, "body": body} if is_good else None,
        "error": None if is_good else {"code": str(status)},
    }
    out.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _status_kib(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    raise LookupError(name)
