"""Stop a batch: nothing new is sent, what was answered is delivered and paid."""

from datetime import datetime

from django.db import transaction

from batches.engine.lifecycle import record_event, ring_when_all_done
from batches.engine.recovery import close_idle_units
from batches.models import Batch, WorkUnit
from batches.services.dispatch import dispatch_batch
from batches.states import BATCH_TERMINAL, BatchState, UnitState
from batchrouter.kit.errors import Conflict
from batchrouter.kit.jobs import Job, enqueue_on_commit


class BatchFinished(Conflict):
    """The batch has ended; there is nothing left to stop."""

    code = "batch_finished"


def cancel_batch(batch: Batch, *, now: datetime) -> Batch:
    """Ask a batch to stop; asking again is harmless.

    Units that nobody works on end at once. A worker that has calls under way lets
    them finish and sends no more; a provider job is told to stop and its finished
    rows are fetched.

    Raises:
        BatchFinished: it has completed, failed or been canceled.
    """
    _request(batch.pk, now=now)
    dispatch_batch(batch.pk, now=now)
    close_idle_units(batch, with_jobs=False)
    with transaction.atomic():
        locked = Batch.objects.select_for_update(no_key=True).get(pk=batch.pk)
        WorkUnit.objects.filter(batch=locked, state=UnitState.WAITING).update(
            next_action_at=now
        )
        enqueue_on_commit(Job.TEND_NATIVE)
        if locked.state in {BatchState.QUEUED, BatchState.RUNNING}:
            ring_when_all_done(locked.pk)
    return locked


@transaction.atomic
def _request(batch_id: int, *, now: datetime) -> None:
    batch = Batch.objects.select_for_update(no_key=True).get(pk=batch_id)
    if batch.cancel_requested_at is not None:
        return
    if batch.state in BATCH_TERMINAL or batch.state == BatchState.FINALIZING:
        raise BatchFinished(f"The batch has ended: it is {batch.state}.")
    batch.cancel_requested_at = now
    batch.save(update_fields=["cancel_requested_at"])
    record_event(batch.pk, "batch.cancel_requested", {}, now=now)
