"""``python -m benchmarks.reading WIRE FILE``: decode a result file in this process.

Prints one line of JSON.
"""

import json
import os
import sys
import time
from pathlib import Path

from benchmarks import machine
from routing.adapters import anthropic_answers, openai_lines, result_lines

_READERS = {
    "openai": openai_lines.read_line,
    "anthropic": anthropic_answers.read_line,
}


def main() -> None:
    """Read every line once, keep none, and tell what it took."""
    wire, path = sys.argv[1], Path(sys.argv[2])
    memory = machine.Memory({"self": [os.getpid()]})
    began = time.monotonic()
    answers = sum(
        answer.output is not None
        for _, answer in result_lines.read_file(path, _READERS[wire])
    )
    told = {
        "answers": answers,
        "wall_seconds": time.monotonic() - began,
        "over_idle_bytes": memory.over_idle()["self"],
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
