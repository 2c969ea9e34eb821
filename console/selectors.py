"""Reads that only pages need. Every one starts from an org."""

from collections.abc import Sequence

from django.db.models import F, Sum

from accounts.models import Org
from batches.models import Batch, WorkUnit
from batches.states import BATCH_TERMINAL


def done_items(org: Org, batches: Sequence[Batch]) -> dict[int, int]:
    """Count the items that have a row, for many batches in one query.

    Ended batches are left out: all of their items have one.
    """
    open_ids = [batch.pk for batch in batches if batch.state not in BATCH_TERMINAL]
    rows = F("completed") + F("failed") + F("canceled") + F("expired") + F("review")
    sums = (
        WorkUnit.objects.filter(batch__org=org, batch_id__in=open_ids)
        .values("batch_id")
        .annotate(done=Sum(rows))
        .values_list("batch_id", "done")
    )
    return {batch_id: int(done or 0) for batch_id, done in sums}
