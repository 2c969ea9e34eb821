"""Debian's packages, asked for only when a program is missing."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from devtools import processes
from devtools.say import Trouble, say


def program(names: Sequence[str], packages: Sequence[str], why: str) -> Path:
    """Return the first program of ``names``, installing ``packages`` where we may.

    Raises:
        Trouble: it is missing and cannot be installed; the message has the apt line.
    """
    found = find(names)
    if found:
        return found
    line = f"apt-get install -y --no-install-recommends {' '.join(packages)}"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Trouble(f"{why} needs {names[0]}. Install it:  sudo {line}")
    say(f"Installing {' '.join(packages)} (apt) ...")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        processes.run(line.split(), env=env, what=line)
    except Trouble:
        # A fresh machine has no package lists yet.
        processes.run(["apt-get", "update", "-qq"], env=env, what="apt-get update")
        processes.run(line.split(), env=env, what=line)
    found = find(names)
    if not found:
        raise Trouble(f"{why} needs {names[0]}, which {line} did not bring.")
    return found


def find(names: Sequence[str]) -> Path | None:
    """Return the first of ``names`` that is installed."""
    for name in names:
        path = shutil.which(name)
        if path:
            return Path(path)
    return None
