"""Where things are, and the environment that every process we start gets."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = Path(sys.executable)
MANAGE = (str(PYTHON), str(ROOT / "manage.py"))


def var_dir() -> Path:
    """Return the folder for everything that is made while running."""
    return Path(os.environ.get("VAR_DIR") or ROOT / "var").resolve()


def base_environment() -> dict[str, str]:
    """Return our environment, completed by ``.env`` and by what children need.

    A variable that is set wins over its line in ``.env``.
    """
    env = {**_read_env_file(ROOT / ".env"), **os.environ}
    env["VAR_DIR"] = str(var_dir())
    env["PYTHONUNBUFFERED"] = "1"
    # Our own programs first, so that a Procfile can say just `celery`.
    env["PATH"] = f"{PYTHON.parent}{os.pathsep}{env.get('PATH', os.defpath)}"
    env.setdefault("DJANGO_SETTINGS_MODULE", "batchrouter.settings.base")
    return env


def _read_env_file(path: Path) -> Mapping[str, str]:
    """Read ``NAME=value  # comment`` lines; quotes around a value are dropped."""
    if not path.exists():
        return {}
    found = {}
    for line in path.read_text().splitlines():
        name, equals, value = line.partition("=")
        value = value.split(" #", 1)[0].strip().strip("\"'")
        if equals and value and not name.lstrip().startswith("#"):
            found[name.strip()] = value
    return found
