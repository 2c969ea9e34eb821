"""Background jobs about money."""

from celery import shared_task

from batchrouter.kit import clock
from billing.freeze import current_freeze
from billing.grants import expire_all_due_grants
from billing.reconcile import reconcile


@shared_task(name="billing.reconcile")
def reconcile_books() -> None:
    """End expired grants, prove the money invariants, freeze spending if one fails."""
    now = clock.now()
    if current_freeze() is None:
        expire_all_due_grants(now=now)
    reconcile(freeze=True, now=now)
