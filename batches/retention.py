"""How long a batch's content is kept."""

from datetime import datetime, timedelta

from django.conf import settings

from batches.models import Batch


def expires_at(batch: Batch) -> datetime | None:
    """Return when a batch's content is deleted by itself; None while it runs."""
    if batch.completed_at is None:
        return None
    days = batch.retention_days or batch.org.retention_days or settings.RETENTION_DAYS
    return batch.completed_at + timedelta(days=days)
