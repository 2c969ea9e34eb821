"""Where the benchmarks keep their things; all of it is below ``var/benchmarks``."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / "var" / "benchmarks"
# Made anew by every run, and removed at its end.
RUN = HOME / "run"
ITEMS = RUN / "items"
OUTPUT = RUN / "output"
# Kept between runs.
POSTGRES = HOME / "postgres"
VENV = HOME / "venv"
PROGRAMS = HOME / "bin"
LOGS = HOME / "log"
RESULTS = HOME / "results"
REPORT = ROOT / "docs" / "performance.md"
