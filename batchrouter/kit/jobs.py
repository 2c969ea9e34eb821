"""Ring for work by name, after the commit, with ids only.

The row is the queue (docs/decisions/0003): a message may be lost, doubled or late, and
a sweep finds what it announced. So a broker that is down is no error here.
"""

import logging
from enum import StrEnum

from celery import current_app
from django.db import transaction
from kombu.exceptions import ChannelError, OperationalError

log = logging.getLogger(__name__)


class Job(StrEnum):
    """Every background job, by the name its task is registered under."""

    DISPATCH_BATCH = "batches.dispatch_batch"  # decide the first lane of each unit
    RUN_DIRECT = "batches.run_direct"  # drain the direct lanes
    TEND_NATIVE = "batches.tend_native"  # submit, poll and collect provider jobs
    COPY_ROWS = "batches.copy_rows"  # rows of items that are identical to others
    FINALIZE_BATCH = "batches.finalize_batch"  # artifacts, settlement, receipts
    RUN_IMPORTS = "batches.run_imports"  # read files of past jobs
    SEND_WEBHOOKS = "batches.send_webhooks"  # every webhook that is due
    TIDY = "batches.tidy"  # what nothing names any more
    FORGET_OLD = "accounts.forget_old"  # logins and sign-ups that ended
    SWEEP = "batches.sweep"  # everything that no message announced
    WATCH_DRIFT = "batches.watch_drift"  # lanes that answer worse than they used to
    SEND_MAIL = "mail.send_due"  # every letter that is due
    RECONCILE = "billing.reconcile"  # prove the money invariants
    RECONCILE_ALL = "billing.reconcile_all"  # all of them, every night
    EXPIRE_GRANTS = "billing.expire_grants"  # end what was not spent in time
    CARD_REFUNDS = "billing.card_refunds"  # ask Stripe for what operators refund
    STRIPE_INBOX = "billing.stripe_inbox"  # deferred events, and dj-stripe's copies
    STRIPE_PULL = "billing.stripe_pull"  # what a lost webhook would have told


def ring(job: Job, **ids: int) -> None:
    """Send the message now; a dead broker is logged and left to the sweep."""
    try:
        current_app.send_task(str(job), kwargs=ids, retry=False)
    except (OperationalError, ChannelError, OSError) as error:
        log.warning("broker unreachable, the sweep will find it: %s %s", job, error)


def enqueue_on_commit(job: Job, **ids: int) -> None:
    """Send the message when the present transaction commits, or at once outside one."""
    transaction.on_commit(lambda: ring(job, **ids))
