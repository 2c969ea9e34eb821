"""Drive credits through random sequences and compare a model after every step.

    python -m proofs.money_model --sequences 2000 --steps 50 [--minutes 10]

Runs ``tests/billing/test_money_model.py`` on a PostgreSQL of its own, with new chance
each time; a failure prints the shortest sequence that Hypothesis found. When the
minutes are over no further sequences begin, and the figures say how many there were.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEST = "tests/billing/test_money_model.py"


def main() -> int:
    """Run the sequences and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sequences", type=int, default=2000)
    parser.add_argument("--steps", type=int, default=50, help="at most, of a sequence")
    parser.add_argument("--minutes", type=float, default=float("inf"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = Path(folder) / "figures.json"
        environment = os.environ | {
            "MONEY_MODEL_SEQUENCES": str(options.sequences),
            "MONEY_MODEL_STEPS": str(options.steps),
            "MONEY_MODEL_SECONDS": str(options.minutes * 60),
            "MONEY_MODEL_FIGURES": str(figures),
        }
        done = subprocess.run(
            [sys.executable, "-m", "devtools", "test", TEST, "-q", "-n", "0"],
            cwd=ROOT,
            env=environment,
            check=False,
        )
        if done.returncode == 0:
            sys.stdout.write(figures.read_text() + "\n")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
