"""Reads that only pages need. Every one starts from an org."""

from collections.abc import Sequence

from django.db.models import F, Q, Sum

from accounts.models import Org
from batches.models import Batch, Quote, SampleRun, WorkUnit
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


def batch_from(org: Org, quote: Quote) -> Batch | None:
    """Return the batch that a quote, or another point of its curve, became."""
    root_id = quote.curve_of_id or quote.pk
    family = Q(quote_id=root_id) | Q(quote__curve_of_id=root_id)
    return Batch.objects.filter(family, org=org).first()


def sample_of(org: Org, quote: Quote) -> Batch | None:
    """Return the sample that ran for a quote."""
    run = SampleRun.objects.filter(org=org, quote=quote).select_related("batch").first()
    return None if run is None else run.batch
