"""Find everything that no message announced: the other half of the doorbell."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from batches.engine import claims, recovery
from batches.models import Batch, Quote, WorkUnit
from batches.models.work_unit import COPIES
from batches.services import importing
from batches.services.delivery import sweep_deliveries
from batches.services.delivery_events import announce_progress
from batches.states import UNIT_OPEN, BatchState, QuoteState, UnitState
from batchrouter.kit.jobs import Job, ring
from batchrouter.kit.states import LostRace

# A batch is usually cut into units by the message of its creation.
_PATIENCE = timedelta(seconds=3)


def sweep(*, now: datetime) -> None:
    """Take back lost leases, close what is overdue, ring for all that is due."""
    recovery.recover_lost_leases()
    recovery.close_overdue_batches()
    _close_canceled()
    _ring_for_batches(now)
    if claims.any_due("direct"):
        ring(Job.RUN_DIRECT)
    if claims.any_due("batch"):
        ring(Job.TEND_NATIVE)
    if importing.any_due():
        ring(Job.RUN_IMPORTS)
    expire_quotes(now=now)
    announce_progress(now=now)
    sweep_deliveries(now=now)


def _close_canceled() -> None:
    waiting = Batch.objects.filter(
        state__in=[BatchState.QUEUED, BatchState.RUNNING],
        cancel_requested_at__isnull=False,
    )
    for batch in waiting:
        recovery.close_idle_units(batch, with_jobs=False)


def _ring_for_batches(now: datetime) -> None:
    for batch_id in Batch.objects.filter(
        state=BatchState.PRICED, state_at__lt=now - _PATIENCE
    ).values_list("pk", flat=True):
        ring(Job.DISPATCH_BATCH, batch_id=batch_id)
    open_units = WorkUnit.objects.filter(batch=OuterRef("pk"), state__in=UNIT_OPEN)
    for batch_id in (
        Batch.objects.filter(
            state__in=[BatchState.QUEUED, BatchState.RUNNING, BatchState.FINALIZING]
        )
        .exclude(lease_until__gt=now)
        .exclude(Exists(open_units))
        .values_list("pk", flat=True)
    ):
        ring(Job.FINALIZE_BATCH, batch_id=batch_id)
    for batch_id in (
        WorkUnit.objects.filter(mode=COPIES, state=UnitState.READY)
        .values_list("batch_id", flat=True)
        .distinct()
    ):
        ring(Job.COPY_ROWS, batch_id=batch_id)


def expire_quotes(*, now: datetime) -> None:
    """Close quotes that nobody accepted in time."""
    over = Quote.objects.filter(state=QuoteState.ACTIVE, valid_until__lt=now)
    for quote in over.defer("spec", "decisions", "reply"):
        try:
            quote.advance(QuoteState.EXPIRED, at=now)
        except LostRace:
            continue
