"""Remove what is over or unnamed: content, files, records and hourly sums."""

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from batches.blobs import remove_unnamed
from batches.models import Batch, BlobClaim, StoredFile
from batches.services import retention
from batches.services.delivery import forget_told
from batches.services.import_uploads import forget_unread
from batches.services.tables import remove_old_tables
from batches.store import store
from batchrouter.web.idempotency import forget_expired
from catalog import health as catalog_health
from routing import health as routing_health

# A request or a worker that still needs a file it has not named yet is long over.
_SAFE_AGE = timedelta(hours=24)
_LOOKUP = 500


def tidy(*, now: datetime) -> None:
    """Delete content whose time is over, and orphans; safe to run at any time."""
    forget_expired(now=now)
    forget_told(now=now)
    catalog_health.forget_old(now=now)
    routing_health.forget_old(now=now)
    retention.sweep_content(now=now)
    retention.purge_unused(now=now)
    forget_unread(now=now)
    remove_old_tables(now=now)
    BlobClaim.objects.filter(created_at__lt=now - _SAFE_AGE).delete()
    limit = (now - _SAFE_AGE).timestamp()
    for path in _older(store().scratch_dir().iterdir(), limit):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    _remove_late_parts()
    waiting: list[Path] = []
    for path in _older((store().root / "blobs").glob("*/*"), limit):
        waiting.append(path)
        if len(waiting) >= _LOOKUP:
            _remove_unnamed(waiting)
            waiting = []
    _remove_unnamed(waiting)


def _remove_late_parts() -> None:
    """Delete what a worker that had lost its lease wrote after its batch's content."""
    names = [path.name for path in (store().root / "segments").glob("*")]
    for start in range(0, len(names), _LOOKUP):
        removed = Batch.objects.filter(
            pk__in=[
                name for name in names[start : start + _LOOKUP] if name.isdecimal()
            ],
            content_removed_at__isnull=False,
        )
        for batch_id in removed.values_list("pk", flat=True):
            store().remove_parts(f"segments/{batch_id}")


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
        StoredFile.objects.filter(storage_key__in=keys, deleted_at=None).values_list(
            "storage_key", flat=True
        )
    )
    for key in keys:
        if key not in named:
            remove_unnamed(key, store())
