"""Background jobs: each calls one function. Any of them may run twice, or late."""

from typing import Any

from celery import shared_task
from django.conf import settings

from batches.delivery.sender import DeliverySender
from batches.engine import copying
from batches.engine.direct import serve_direct_lanes
from batches.engine.native import serve_native_lanes
from batches.services import (
    dispatch,
    drift_watch,
    finalizing,
    importing,
    sweeping,
    tidying,
)
from batchrouter.kit import clock

# After this an engine claims no more, drains, and lets its worker take other messages.
ENGINE_BUDGET_SECONDS = 600
# A long file lets other work of its queue have a turn after this.
IMPORT_BUDGET_SECONDS = 15


@shared_task(name="batches.dispatch_batch")
def dispatch_batch(batch_id: int, **_later: Any) -> None:
    """Cut a batch into work units."""
    dispatch.dispatch_batch(batch_id, now=clock.now())


@shared_task(name="batches.run_direct")
def run_direct(**_later: Any) -> None:
    """Serve the direct lanes until nothing is due."""
    serve_direct_lanes(budget_seconds=ENGINE_BUDGET_SECONDS)


@shared_task(name="batches.tend_native")
def tend_native(**_later: Any) -> None:
    """Take every due provider job one step further."""
    serve_native_lanes()


@shared_task(name="batches.copy_rows")
def copy_rows(batch_id: int, **_later: Any) -> None:
    """Give copies the rows of the items that they are identical to."""
    copying.copy_rows(batch_id)


@shared_task(name="batches.finalize_batch")
def finalize_batch(batch_id: int, **_later: Any) -> None:
    """Write files, settle and issue receipts."""
    finalizing.finalize_batch(batch_id, now=clock.now())


@shared_task(name="batches.run_imports")
def run_imports(**_later: Any) -> None:
    """Read files of past jobs for a while."""
    importing.run_imports(budget_seconds=IMPORT_BUDGET_SECONDS, now=clock.now())


@shared_task(name="batches.send_webhooks")
def send_webhooks(**_later: Any) -> None:
    """Send every webhook that is due."""
    DeliverySender().run(budget_seconds=ENGINE_BUDGET_SECONDS)


@shared_task(name="batches.sweep", expires=settings.SWEEP_SECONDS * 5)
def sweep(**_later: Any) -> None:
    """Find what no message announced."""
    sweeping.sweep(now=clock.now())


@shared_task(name="batches.tidy")
def tidy(**_later: Any) -> None:
    """Remove files and records that nothing needs."""
    tidying.tidy(now=clock.now())


@shared_task(name="batches.watch_drift")
def watch_drift(**_later: Any) -> None:
    """Notice lanes that answer worse than they used to."""
    drift_watch.watch_drift(now=clock.now())
