"""A result file of 100,000 lines: how fast it is read, and in how much memory."""

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks import figures, places
from benchmarks.figures import count, mebibytes, seconds
from benchmarks.machine import MEBIBYTE
from benchmarks.plan import Plan
from benchmarks.report import Section, Table, Target
from devtools import processes
from devtools.say import say

NAME = "decode"
_LINES = 100_000
_REPEATS = 3
_MEMORY_MAX = 64 * MEBIBYTE
_TEXT = "The parcel came late and wet, so the customer asks for a refund of her order. "
_LINE_TEXTS = 12
Line = dict[str, Any]


def _openai_line(ref: str, text: str) -> Line:
    message = {"role": "assistant", "content": text}
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "gpt-5.4-mini",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 180, "total_tokens": 200},
    }
    response = {"status_code": 200, "request_id": "req_1", "body": body}
    return {"id": "b_1", "custom_id": ref, "response": response, "error": None}


def _anthropic_line(ref: str, text: str) -> Line:
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 20, "output_tokens": 180},
    }
    return {"custom_id": ref, "result": {"type": "succeeded", "message": message}}


_LINES_OF = {"openai": _openai_line, "anthropic": _anthropic_line}


def measure(plan: Plan) -> Section:
    """Read a large result file on each wire, in a process of its own each time."""
    section = Section(NAME, "Decoding a result file")
    number = plan.items(_LINES)
    rows = []
    largest = 0
    for wire in _LINES_OF:
        path = _written(wire, number)
        say(f"decode: {number:,} lines of {wire} ...")
        runs = [_read(wire, path) for _ in range(plan.repeats(_REPEATS))]
        path_bytes = path.stat().st_size
        path.unlink()
        section.faults += [
            f"{wire}: {run['answers']} answers of {number} lines"
            for run in runs
            if run["answers"] != number
        ]
        growth = max(int(run["over_idle_bytes"]) for run in runs)
        largest = max(largest, growth)
        wall = figures.median(run["wall_seconds"] for run in runs)
        rows.append(
            [
                wire,
                count(number),
                f"{path_bytes / 1e6:.0f}",
                seconds(wall),
                count(number / wall),
                mebibytes(growth),
            ]
        )
    columns = ["result lines of", "lines", "MB", "read in", "lines/s", "MiB over idle"]
    section.tables = [Table(columns, rows)]
    section.note = (
        "A fresh process that has its modules loaded reads the file line by line into "
        "answers, as a worker does that collects a job. Memory is the peak of the "
        "process over what it held before the first line."
    )
    section.targets = [
        Target(
            f"memory over idle, {number:,} lines, any wire",
            "at most 64 MiB",
            f"{mebibytes(largest)} MiB",
            largest <= _MEMORY_MAX,
        )
    ]
    return section


def _read(wire: str, path: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.reading", wire, str(path)]
    told: dict[str, float] = json.loads(
        processes.run(command, cwd=places.ROOT, what="benchmarks.reading")
    )
    return told


def _written(wire: str, number: int) -> Path:
    path = places.HOME / f"results-{wire}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", buffering=MEBIBYTE) as out:
        for place in range(number):
            text = f"{place}: " + _TEXT * _LINE_TEXTS
            line = _LINES_OF[wire](f"pexec_1-{place}", text)
            out.write(json.dumps(line) + "\n")
    return path
