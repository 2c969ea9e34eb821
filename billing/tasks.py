"""Background jobs about money."""

import logging
from datetime import timedelta
from typing import Any

from celery import shared_task
from django.conf import settings

from batchrouter.kit import clock
from batchrouter.kit.errors import BatchRouterError
from billing.card_refunds import ask_for_refunds
from billing.digests import write_digest
from billing.freeze import current_freeze
from billing.grants import expire_all_due_grants
from billing.reconcile import reconcile
from billing.webhooks import inbox, pulling

# The short rounds look this far back; every night all of it is proved.
RECENT = timedelta(days=2)

log = logging.getLogger(__name__)


@shared_task(name="billing.reconcile")
def reconcile_books() -> None:
    """Prove what moved in the last days; freeze spending where it does not hold."""
    now = clock.now()
    reconcile(freeze=True, now=now, since=now - RECENT)


@shared_task(name="billing.reconcile_all")
def reconcile_all_books() -> None:
    """Prove everything since the first entry, then write the night's digest."""
    now = clock.now()
    if reconcile(freeze=True, now=now).is_ok:
        write_digest(now=now)


@shared_task(name="billing.expire_grants")
def expire_grants() -> None:
    """End the unspent rest of expired grants, unless the books are being looked at."""
    if current_freeze() is None:
        expire_all_due_grants(now=clock.now())


@shared_task(name="billing.card_refunds")
def ask_for_card_refunds(**_later: Any) -> None:
    """Ask Stripe for what operators refund, until it answers."""
    ask_for_refunds(now=clock.now())


@shared_task(name="billing.stripe_inbox")
def tend_stripe_inbox(**_later: Any) -> None:
    """Try deferred events again, and let dj-stripe copy what is in the books."""
    now = clock.now()
    inbox.retry_deferred(now=now)
    inbox.mirror_waiting(now=now)


@shared_task(name="billing.stripe_pull", expires=settings.STRIPE_PULL_SECONDS)
def pull_from_stripe(**_later: Any) -> None:
    """Ask Stripe what a lost webhook would have told."""
    now = clock.now()
    try:
        pulling.pull(now=now)
    except BatchRouterError as error:
        log.warning("stripe could not be asked: %s", error.code)
    inbox.retry_deferred(now=now)
