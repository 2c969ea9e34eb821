"""Find the job of a worker that died, or make sure that there is none."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction

from batches.engine import lifecycle, polling, submitting
from batches.engine.held_job import HeldJob
from batches.engine.lifecycle import Tally
from batches.engine.orders import order_of, others_of
from batches.engine.submitting import FIND_AGAIN
from batches.models import Execution
from batchrouter.kit import clock
from routing.contracts import Connection
from routing.failures import JobOutcomeUnknown

# A job that was just made may be missing from the provider's list for a while; only
# after settings.JOB_LISTING_LAG_SECONDS, and two looks, is it taken as never made.
FINDS_MIN = 2


def find(held: HeldJob, execution: Execution, connection: Connection) -> None:
    """Adopt the job that was made for an execution, or send it again."""
    with held.keeping():
        try:
            job_id = held.adapter.find(
                connection,
                order_of(execution, held.decision),
                others=lambda: others_of(execution),
            )
        except JobOutcomeUnknown:
            polling.wait_for(held, execution, FIND_AGAIN)
            return
    if job_id is not None:
        submitting.accepted(held, execution, job_id)
        return
    finds = execution.finds + 1
    Execution.objects.filter(pk=execution.pk).update(finds=finds)
    lag = timedelta(seconds=settings.JOB_LISTING_LAG_SECONDS)
    if finds < FINDS_MIN or clock.now() - execution.started_at < lag:
        held.wait(FIND_AGAIN)
    elif held.is_leaving:
        _never_sent(held, execution)
    else:
        _send_again(held, execution, connection)


def send_first(
    held: HeldJob, execution: Execution, connection: Connection | None
) -> None:
    """Send the job of a worker that died before it could; there is none to find."""
    if connection is None or held.is_leaving:
        _never_sent(held, execution)
    else:
        _send_again(held, execution, connection)


def _send_again(held: HeldJob, execution: Execution, connection: Connection) -> None:
    """Send the job that never arrived, under the same reference."""
    items = held.items()
    if not items:
        _never_sent(held, execution)
        return
    # From now on the provider's list may lag behind this send.
    execution.started_at, execution.item_count = clock.now(), len(items)
    Execution.objects.filter(pk=execution.pk).update(
        finds=0,
        started_at=execution.started_at,
        item_count=execution.item_count,
    )
    submitting.submit(held, execution, connection, items)


def _never_sent(held: HeldJob, execution: Execution) -> None:
    """End the execution, then begin anew: the provider may be there again by now."""
    with transaction.atomic():
        lifecycle.require_lease(held.unit)
        submitting.refuse(execution, Tally(), outcome="never_sent")
    submitting.begin(held)
