"""Python in a process of its own, with an environment we choose."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def environment(**variables: str | None) -> dict[str, str]:
    """Return ours, in base settings, with these set, and without those of None."""
    ours: dict[str, str | None] = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "batchrouter.settings.base",
        **variables,
    }
    return {name: value for name, value in ours.items() if value is not None}


def python(code: str, **variables: str | None) -> "subprocess.CompletedProcess[str]":
    """Run a line of Python and return how it ended."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def lines(text: str, containing: str) -> list[str]:
    """Return the lines that contain a text."""
    return [line for line in text.splitlines() if containing in line]
