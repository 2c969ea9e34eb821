"""Billing's signals as webhooks; each is written in the transaction that sent it."""

from typing import Any

from accounts.models import Org
from batches.models import EventType
from batches.services.delivery_events import announce_credits, money_json
from billing.models import BalanceNotice, LedgerTransaction
from billing.selectors import balance


def tell_posted(
    *,
    org: Org,
    amount_nanousd: int,
    source: str,
    transaction: LedgerTransaction,
    **_signal: Any,
) -> None:
    """Tell that credits came in, and what may be spent now."""
    available = balance(org).available_nanousd
    data = {
        "amount": money_json(amount_nanousd),
        "available": money_json(available),
        "source": source,
        "transaction_id": transaction.public_id,
    }
    announce_credits(org, EventType.CREDITS_POSTED, data, now=transaction.created_at)


def tell_low(*, org: Org, notice: BalanceNotice, **_signal: Any) -> None:
    """Tell that what may be spent fell below the organization's line."""
    data = {
        "available": money_json(notice.available_nanousd),
        "threshold": money_json(notice.threshold_nanousd),
    }
    announce_credits(org, EventType.CREDITS_LOW, data, now=notice.created_at)
