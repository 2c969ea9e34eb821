"""A browser for the tests that drive the console."""

import os
from pathlib import Path

from devtools import apt

_NAMES = ("chromium", "chromium-browser", "google-chrome")
# Playwright's own runtime needs libatomic1, which a small Debian lacks.
_PACKAGES = ("chromium", "libatomic1")


def find() -> Path | None:
    """Return the browser that is installed, if any."""
    named = os.environ.get("CHROMIUM")
    return Path(named) if named else apt.find(_NAMES)


def ensure() -> Path:
    """Return a browser, installing Debian's as root.

    Raises:
        Trouble: there is none and we may not install one.
    """
    return find() or apt.program(_NAMES, _PACKAGES, "A browser test")
