"""Drive credits through random sequences and compare a model after every step.

    python -m proofs.money_model --sequences 2000 --steps 50 --at-once 2

Runs ``tests/billing/test_money_model.py`` on PostgreSQL servers of its own, with new
chance each time; a failure prints the shortest sequence that Hypothesis found. With
``--minutes`` no further sequences begin when they are over, and the figures say how
many there were.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TEST = "tests/billing/test_money_model.py"
# A run's transaction stays open, so what its sequences leave behind is not vacuumed:
# past some hundreds of them every look at the database is slower.
PART = 130


@dataclass(frozen=True)
class Part:
    """Some of the sequences, in a process and a database of their own."""

    sequences: int
    steps: int
    end_at: float

    def run(self) -> tuple[int, dict[str, Any]]:
        """Return the exit code and the figures; none where the time is over."""
        seconds = self.end_at - time.monotonic()
        if seconds <= 0:
            return 0, {}
        with tempfile.TemporaryDirectory() as folder:
            figures = Path(folder) / "figures.json"
            environment = os.environ | {
                "MONEY_MODEL_SEQUENCES": str(self.sequences),
                "MONEY_MODEL_STEPS": str(self.steps),
                "MONEY_MODEL_SECONDS": str(seconds),
                "MONEY_MODEL_FIGURES": str(figures),
            }
            done = subprocess.run(
                [sys.executable, "-m", "devtools", "test", TEST, "-q", "-n", "0"],
                cwd=ROOT,
                env=environment,
                check=False,
            )
            found = figures.read_text() if figures.exists() else "{}"
            return done.returncode, json.loads(found)


def parts(options: argparse.Namespace) -> Iterator[Part]:
    """Cut the sequences into parts."""
    end_at = time.monotonic() + options.minutes * 60
    left = options.sequences
    while left > 0:
        yield Part(min(PART, left), options.steps, end_at)
        left -= PART


def summed(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Add the figures of all parts."""
    operations: Counter[str] = Counter()
    for figures in found:
        operations.update(figures.get("operations", {}))
    return {
        "sequences": sum(figures.get("sequences", 0) for figures in found),
        "steps_max": max((figures.get("steps_max", 0) for figures in found), default=0),
        "operations": dict(sorted(operations.items())),
    }


def main() -> int:
    """Run the sequences and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sequences", type=int, default=2000)
    parser.add_argument("--steps", type=int, default=50, help="at most, of a sequence")
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--at-once", type=int, default=1, help="processes")
    options = parser.parse_args()
    began = time.monotonic()
    with ThreadPoolExecutor(options.at_once) as pool:
        done = list(pool.map(Part.run, parts(options)))
    told = summed([figures for _, figures in done])
    told["seconds"] = round(time.monotonic() - began, 1)
    sys.stdout.write(json.dumps(told) + "\n")
    return max((code for code, _ in done), default=0)


if __name__ == "__main__":
    sys.exit(main())
