"""Remove what nothing names or looks at: files, records and hourly sums."""

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from batches.models import StoredFile
from batches.services.delivery import forget_told
from batches.store import store
from batchrouter.web.idempotency import forget_expired
from catalog import health as catalog_health
from routing import health as routing_health

# A request or a worker that still needs a file it has not named yet is long over.
_SAFE_AGE = timedelta(hours=24)
_LOOKUP = 500


def tidy(*, now: datetime) -> None:
    """Delete orphans that are older than a day; safe to run at any time."""
    forget_expired(now=now)
    forget_told(now=now)
    catalog_health.forget_old(now=now)
    routing_health.forget_old(now=now)
    limit = (now - _SAFE_AGE).timestamp()
    for path in _older(store().scratch_dir().iterdir(), limit):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    waiting: list[Path] = []
    for path in _older((store().root / "blobs").glob("*/*"), limit):
        waiting.append(path)
        if len(waiting) >= _LOOKUP:
            _remove_unnamed(waiting)
            waiting = []
    _remove_unnamed(waiting)


def _older(paths: Iterator[Path], limit: float) -> Iterator[Path]:
    for path in paths:
        try:
            if path.stat().st_mtime < limit:
                yield path
        except FileNotFoundError:
            continue


def _remove_unnamed(paths: list[Path]) -> None:
    keys = {f"blobs/{path.parent.name}/{path.name}": path for path in paths}
    named = set(
        StoredFile.objects.filter(storage_key__in=keys).values_list(
            "storage_key", flat=True
        )
    )
    for key, path in keys.items():
        if key not in named:
            path.unlink(missing_ok=True)
