"""Imports of past jobs as the API shows them."""

from typing import Any, Final

from django.db.models import Sum

from batches.models import Import, ImportedDay
from batches.states import ImportState
from batchrouter.kit import clock
from batchrouter.kit.money import money_json

COUNTS: Final = (
    "items",
    "completed",
    "failed",
    "canceled",
    "expired",
    "unanswered",
    "buckets",
    "duplicates",
    "outside_window",
    "undated",
    "without_usage",
    "unpriced",
    "in_force",
    "earliest_known",
    "assumed_batch",
)
_FAILURES: Final = {
    "file_unreadable": "The file could not be read to its end; upload it again.",
    "worker_lost": "Reading the file ended its worker several times.",
}


def import_json(row: Import) -> dict[str, Any]:
    """Return one import."""
    cost = ImportedDay.objects.filter(imported=row).aggregate(sum=Sum("cost_nanousd"))
    return {
        "id": row.public_id,
        "object": "import",
        "provider": row.provider,
        "kind": row.kind,
        "state": row.state,
        "file_id": row.file.public_id,
        "sha256": row.sha256,
        "window": _window(row),
        "progress": _progress(row),
        "counts": {name: row.counts.get(name, 0) for name in COUNTS},
        "cost": money_json(int(cost["sum"] or 0)),
        "unpriced_models": [
            {"model": model, "items": items}
            for model, items in sorted(row.unpriced_models.items())
        ],
        "line_errors": row.errors,
        "error_count": row.error_count,
        "failure": _failure(row),
        "created_at": clock.iso(row.created_at),
        "completed_at": clock.iso_or_none(row.completed_at),
    }


def _window(row: Import) -> dict[str, str] | None:
    if row.window_from is None or row.window_to is None:
        return None
    return {"from": row.window_from.isoformat(), "to": row.window_to.isoformat()}


def _progress(row: Import) -> dict[str, Any]:
    is_done = row.state == ImportState.COMPLETED
    share = row.bytes_read / row.size_bytes if row.size_bytes else 0.0
    return {
        "percent": 100.0 if is_done else round(min(share, 1.0) * 100, 1),
        "lines_read": row.lines_read,
        "bytes_read": row.bytes_read,
        "bytes_total": row.size_bytes,
    }


def _failure(row: Import) -> dict[str, str] | None:
    if not row.failure_code:
        return None
    return {"code": row.failure_code, "message": _FAILURES[row.failure_code]}
