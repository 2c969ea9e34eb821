"""Reads that only pages need. Every one starts from an org."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Max, Q, QuerySet, Sum

from accounts.models import Org
from batches.models import Batch, Manifest, Quote, SampleRun, WorkUnit
from batches.selectors import Progress, files_of
from batches.states import BATCH_OPEN, BATCH_TERMINAL

RECENT_BATCHES = 5


def kept_manifest(org: Org, file_id: str) -> Manifest | None:
    """Return the items of a file that was sent before; None where they are gone."""
    return (
        Manifest.objects.select_related("file")
        .filter(file__in=files_of(org), file__public_id=file_id, part_of=None)
        .first()
    )


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


@dataclass(frozen=True, slots=True)
class Motion:
    """How far an open batch is, and when its last row was written."""

    progress: Progress
    rows_at: datetime | None


def motions(org: Org, batches: Sequence[Batch]) -> dict[int, Motion]:
    """Tell how far open batches are, for many in one query."""
    of_id = {batch.pk: batch for batch in batches}
    rows = (
        WorkUnit.objects.filter(batch__org=org, batch_id__in=of_id)
        .values("batch_id")
        .annotate(
            done=Sum(F("completed") + F("review")),
            lost=Sum("failed"),
            stopped=Sum("canceled"),
            late=Sum("expired"),
            last=Max("rows_at"),
        )
        .values_list("batch_id", "done", "lost", "stopped", "late", "last")
    )
    found = {
        batch_id: Motion(
            Progress(done, lost, stopped, late, 0, of_id[batch_id].item_count), last
        )
        for batch_id, done, lost, stopped, late, last in rows
    }
    return {
        pk: found.get(pk, Motion(Progress(0, 0, 0, 0, 0, batch.item_count), None))
        for pk, batch in of_id.items()
    }


def open_batches(org: Org, *, limit: int) -> QuerySet[Batch]:
    """Return the newest batches that still run."""
    return _slim(Batch.objects.filter(pk__in=_newest(org, _OPEN, limit)))


def open_and_ended(org: Org, *, open_limit: int, ended_limit: int) -> QuerySet[Batch]:
    """Return the newest that run and the newest that ended, the newest first."""
    running = Q(pk__in=_newest(org, _OPEN, open_limit))
    ended = Q(pk__in=_newest(org, ~_OPEN, ended_limit))
    return _slim(Batch.objects.filter(running | ended))


_OPEN = Q(state__in=BATCH_OPEN)


def _newest(org: Org, which: Q, limit: int) -> QuerySet[Batch, Any]:
    return Batch.objects.filter(which, org=org).order_by("-pk").values("pk")[:limit]


def _slim(batches: QuerySet[Batch]) -> QuerySet[Batch]:
    """Leave out what lists do not show and is large."""
    ordered = batches.select_related("quote").order_by("-pk")
    return ordered.defer("metadata", "quote__decisions", "quote__spec")


def batch_from(org: Org, quote: Quote) -> Batch | None:
    """Return the batch that a quote, or another point of its curve, became."""
    root_id = quote.curve_of_id or quote.pk
    family = Q(quote_id=root_id) | Q(quote__curve_of_id=root_id)
    return Batch.objects.filter(family, org=org).first()


def sample_of(org: Org, quote: Quote) -> Batch | None:
    """Return the sample that ran for a quote."""
    run = SampleRun.objects.filter(org=org, quote=quote).select_related("batch").first()
    return None if run is None else run.batch


def recent_batches(org: Org) -> Sequence[Batch]:
    """Return the latest batches that can be run again."""
    found = Batch.objects.filter(org=org, content_deleted_at=None).order_by("-id")
    return list(
        found.only("public_id", "state", "item_count", "created_at")[:RECENT_BATCHES]
    )
