"""Delete a batch's content and leave its facts: on request, or when its time is over.

Three steps, each safe to repeat after a crash. First the content is marked: from then
on nothing shows it. Then its bytes leave the store. Last, a note of what was deleted is
signed and joins the organization's chain of receipts.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from batches.blobs import remove_unnamed
from batches.engine.lifecycle import record_event
from batches.models import (
    Batch,
    ItemVerdict,
    Manifest,
    QualityFeedback,
    Quote,
    ResultRow,
    Segment,
    StoredFile,
)
from batches.states import BATCH_TERMINAL, QuoteState
from batches.store import store
from batchrouter.kit import clock
from batchrouter.kit.errors import Conflict
from billing.receipts import SignedReceipt, issue_receipt, receipt_json

log = logging.getLogger(__name__)

VERSION = 1
REQUEST, RETENTION = "request", "retention"
ARTIFACTS = ("output", "review", "error", "retry", "golden")
# Batches that one run of the sweep deletes; the next run goes on.
_SWEEP_BATCHES = 500
# A quote is valid for minutes; whoever submits one has begun by then.
_QUOTES_OVER = timedelta(hours=1)


class BatchRunning(Conflict):
    """The batch has not ended; cancel it first."""

    code = "batch_running"


def delete_content(batch: Batch, *, cause: str, now: datetime) -> SignedReceipt:
    """Delete a batch's inputs and outputs and return the signed note of it.

    Asked again, it returns the same note. The input stays while it is the content of
    another batch, such as a retry. A quote for it that was not accepted is refused from
    now on.

    Raises:
        BatchRunning: nothing was deleted.
    """
    _mark(batch.pk, cause=cause, now=now)
    return _finish(batch.pk, now=now)


@transaction.atomic
def _mark(batch_id: int, *, cause: str, now: datetime) -> None:
    batch = Batch.objects.select_for_update(no_key=True).get(pk=batch_id)
    if batch.state not in BATCH_TERMINAL:
        raise BatchRunning(f"The batch is {batch.state}; cancel it, or wait.")
    if batch.content_deleted_at is not None:
        return
    batch.content_deleted_at, batch.deletion_cause = now, cause
    batch.save(update_fields=["content_deleted_at", "deletion_cause"])
    StoredFile.objects.filter(pk__in=_artifact_ids(batch), deleted_at=None).update(
        deleted_at=now
    )
    release_input(batch.manifest.file_id, now=now)
    _forget_words(batch_id)
    record_event(batch.pk, "content.deleted", {"cause": cause}, now=now)


def _forget_words(batch_id: int) -> None:
    """Erase what the customer wrote of answers; the verdicts themselves are facts."""
    QualityFeedback.objects.filter(batch_id=batch_id).update(comment="")
    ItemVerdict.objects.filter(batch_id=batch_id).update(reason="", correction=None)


def release_input(file_id: int, *, now: datetime) -> bool:
    """Mark an input as deleted unless it is the content of a batch.

    Call in a transaction. True where it is deleted now, or was before.
    """
    file = StoredFile.objects.select_for_update(no_key=True).get(pk=file_id)
    if file.deleted_at is not None:
        return True
    reading = Batch.objects.filter(manifest__file_id=file_id, content_deleted_at=None)
    if reading.exists():
        return False
    file.deleted_at = now
    file.save(update_fields=["deleted_at"])
    return True


def _finish(batch_id: int, *, now: datetime) -> SignedReceipt:
    """Remove the bytes of a marked batch, then sign the note."""
    batch = Batch.objects.select_related("org", "manifest__file").get(pk=batch_id)
    files = [
        ("input", batch.manifest.file),
        *((name, getattr(batch, f"{name}_file")) for name in ARTIFACTS),
    ]
    named = [(name, file) for name, file in files if file is not None]
    for _, file in named:
        if file.deleted_at is not None:
            remove_unnamed(file.storage_key, store())
    store().remove_parts(f"segments/{batch.pk}")
    document = {
        "version": VERSION,
        "batch_id": batch.public_id,
        "cause": batch.deletion_cause,
        "deleted_at": clock.iso_or_none(batch.content_deleted_at),
        "files": [_file_json(name, file) for name, file in named],
        "rows": {
            "count": ResultRow.objects.filter(batch_id=batch.pk).count(),
            "parts": Segment.objects.filter(batch_id=batch.pk).count(),
            "bytes": _row_bytes(batch.pk),
        },
        "kept": ["counts", "item ids", "charges", "timeline", "receipts"],
    }
    with transaction.atomic():
        note = issue_receipt(
            org=batch.org,
            kind="deletion",
            purpose=batch.purpose,
            document=document,
            now=now,
        )
        Batch.objects.filter(pk=batch.pk, content_removed_at=None).update(
            content_removed_at=now
        )
    return receipt_json(note)


def _file_json(name: str, file: StoredFile) -> dict[str, Any]:
    """Tell of a file what it was; another organization's equal bytes are its own."""
    return {
        "name": name,
        "file_id": file.public_id,
        "sha256": file.sha256,
        "bytes": file.size_bytes,
        "lines": file.line_count,
        "deleted": file.deleted_at is not None,
        "kept_because": None
        if file.deleted_at is not None
        else "it is the content of another batch",
    }


def _artifact_ids(batch: Batch) -> list[int]:
    ids = [getattr(batch, f"{name}_file_id") for name in ARTIFACTS]
    return [pk for pk in ids if pk is not None]


def _row_bytes(batch_id: int) -> int:
    sql = "SELECT coalesce(sum(length), 0) FROM batches_resultrow WHERE batch_id = %s"
    with connection.cursor() as cursor:
        cursor.execute(sql, [batch_id])
        return int(cursor.fetchone()[0])


# Of the three wishes the nearest to the batch holds; a day is the shortest of them.
_DUE = """
SELECT b.id FROM batches_batch b JOIN accounts_org o ON o.id = b.org_id
 WHERE b.completed_at IS NOT NULL AND b.content_removed_at IS NULL
   AND (b.content_deleted_at IS NOT NULL
        OR b.completed_at <= %(now)s - interval '1 day'
       AND b.completed_at + make_interval(days => coalesce(
             b.retention_days::int, o.retention_days::int, %(days)s)) <= %(now)s)
 ORDER BY b.completed_at LIMIT %(limit)s
"""


def sweep_content(*, now: datetime) -> int:
    """Delete the content whose time is over, and end what was begun; return how many.

    One batch after another, so that a retry that starts meanwhile is either before or
    after. A store that fails for one holds up no other.
    """
    deleted = 0
    for batch in Batch.objects.filter(pk__in=_due(now)).order_by("completed_at"):
        try:
            delete_content(batch, cause=RETENTION, now=now)
        except OSError:
            log.exception("content of batch %s was not removed", batch.public_id)
            continue
        deleted += 1
    return deleted


def _due(now: datetime) -> list[int]:
    values: dict[str, Any] = {
        "now": now,
        "days": settings.RETENTION_DAYS,
        "limit": _SWEEP_BATCHES,
    }
    with connection.cursor() as cursor:
        cursor.execute(_DUE, values)
        return [pk for (pk,) in cursor.fetchall()]


def purge_unused(*, now: datetime) -> int:
    """Delete the inputs that no batch came of; return how many.

    Those of a request's own items and those chosen for a retry go with their quotes;
    a file that the customer uploaded goes when its organization's retention is over.
    """
    quotes = Quote.objects.filter(
        manifest=OuterRef("pk"), state=QuoteState.ACTIVE, valid_until__gt=now
    )
    unused = (
        Manifest.objects.filter(purged_at=None, created_at__lt=now - _QUOTES_OVER)
        .exclude(Exists(Batch.objects.filter(manifest=OuterRef("pk"))))
        .exclude(Exists(quotes))
        .select_related("file__org")
        .order_by("created_at")
    )
    return sum(
        _purge(manifest, now=now)
        for manifest in unused[:_SWEEP_BATCHES]
        if _is_over(manifest, now)
    )


def _is_over(manifest: Manifest, now: datetime) -> bool:
    if manifest.is_inline or manifest.part_of_id is not None:
        return True
    days = manifest.file.org.retention_days or settings.RETENTION_DAYS
    return manifest.created_at + timedelta(days=days) <= now


def _purge(manifest: Manifest, *, now: datetime) -> bool:
    """Delete a manifest's items, and its bytes where they are its own."""
    with transaction.atomic():
        # A submit that makes a batch of it holds the file too.
        StoredFile.objects.select_for_update(no_key=True).get(pk=manifest.file_id)
        if Batch.objects.filter(manifest=manifest).exists():
            return False
        if manifest.part_of_id is None:
            release_input(manifest.file_id, now=now)
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM batches_item WHERE manifest_id = %s", [manifest.pk]
            )
        Manifest.objects.filter(pk=manifest.pk).update(purged_at=now)
    if manifest.part_of_id is None:
        remove_unnamed(manifest.file.storage_key, store())
    return True
