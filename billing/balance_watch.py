"""Warn once when the available credits fall below an organization's line.

The line is crossed by the posting that moves the balance from its upper to its lower
side. It is armed again only when a posting brings the balance back up.
"""

from datetime import datetime

from django.db import transaction

from accounts.models import Org
from batchrouter.kit.errors import InvalidRequest
from batchrouter.kit.money import MAX_NANOUSD
from billing.models import BalanceNotice, BalanceWatch, LedgerTransaction
from billing.models.watch import DEFAULT_THRESHOLD_NANOUSD
from billing.selectors import balance
from billing.signals import balance_crossed


class ThresholdOutOfRange(InvalidRequest):
    """A line is from zero, which warns never, to 10^9 USD."""

    code = "threshold_out_of_range"


def note_posting(posted: LedgerTransaction, *, org: Org, change_nanousd: int) -> None:
    """Compare the balance with the line, in the transaction of the posting.

    Args:
        posted: the transaction whose postings are written already.
        org: whose available credits it moved.
        change_nanousd: by how much; zero moves nothing across a line.
    """
    if change_nanousd == 0:
        return
    watch = _lock(org, change_nanousd)
    # Read after the lock: a posting that ran beside this one is seen by the later.
    available = balance(org).available_nanousd
    was_below, watch.is_below = watch.is_below, available < watch.threshold_nanousd
    if watch.is_below == was_below:
        return
    if watch.is_below:
        watch.notified_at = posted.created_at
        _tell(posted, watch, available)
    watch.save(update_fields=["is_below", "notified_at"])


@transaction.atomic
def set_threshold(org: Org, threshold_nanousd: int) -> BalanceWatch:
    """Move an organization's line. Moving it tells nobody: only a posting crosses it.

    Args:
        org: whose line it is.
        threshold_nanousd: zero warns never.

    Raises:
        ThresholdOutOfRange.
    """
    if not 0 <= threshold_nanousd <= MAX_NANOUSD:
        raise ThresholdOutOfRange(
            "A low-balance threshold is from 0 to 10^9 USD.",
            param="low_balance_threshold",
        )
    watch = _lock(org, 0)
    watch.threshold_nanousd = threshold_nanousd
    watch.is_below = balance(org).available_nanousd < threshold_nanousd
    watch.save(update_fields=["threshold_nanousd", "is_below"])
    return watch


def threshold_of(org: Org) -> int:
    """Return an organization's line in nano-dollars."""
    watch = BalanceWatch.objects.filter(org=org).first()
    return DEFAULT_THRESHOLD_NANOUSD if watch is None else watch.threshold_nanousd


def low_balance(org: Org) -> BalanceWatch | None:
    """Return the line that an organization is below, if it is."""
    return BalanceWatch.objects.filter(org=org, is_below=True).first()


def hand_on(notice: BalanceNotice, *, now: datetime) -> bool:
    """Mark a notice as handed on to mail and webhooks; tell whether we were first."""
    waiting = BalanceNotice.objects.filter(pk=notice.pk, handed_on_at__isnull=True)
    return waiting.update(handed_on_at=now) == 1


def _lock(org: Org, change_nanousd: int) -> BalanceWatch:
    """Lock the organization's row; its first one stands where the balance came from."""
    rows = BalanceWatch.objects.filter(org=org).select_for_update(no_key=True)
    watch = rows.first()
    if watch is None:
        before = balance(org).available_nanousd - change_nanousd
        below = before < DEFAULT_THRESHOLD_NANOUSD
        BalanceWatch.objects.bulk_create(
            [BalanceWatch(org=org, is_below=below)], ignore_conflicts=True
        )
        watch = rows.get()
    return watch


def _tell(posted: LedgerTransaction, watch: BalanceWatch, available: int) -> None:
    notice = BalanceNotice.objects.create(
        org=watch.org,
        transaction=posted,
        available_nanousd=available,
        threshold_nanousd=watch.threshold_nanousd,
        created_at=posted.created_at,
    )
    balance_crossed.send(
        sender=BalanceWatch,
        org=watch.org,
        available_nanousd=available,
        threshold_nanousd=watch.threshold_nanousd,
        notice=notice,
    )
