"""What the billing overview says beside the lists: warnings, and what may end soon."""

from dataclasses import dataclass
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery, Sum

from accounts.models import Org
from batchrouter.kit.clock import iso_or_none
from batchrouter.kit.money import money_json
from billing import chart, selectors
from billing.balance_watch import low_balance, threshold_of
from billing.freeze import current_freeze
from billing.models import BalanceWatch, LedgerAccount, Posting
from billing.models.watch import DEFAULT_THRESHOLD_NANOUSD
from billing.rendering import balance_json
from billing.selectors import Balance

# What a customer hears while spending stands still; the cause is for operators.
FROZEN = "Spending is paused while we check our books. Nothing is lost or charged."


@dataclass(frozen=True, slots=True)
class Position:
    """Where an organization stands with its credits, in nano-dollars.

    Attributes:
        owed_nanousd: for payments that were reversed after their credits were spent.
        threshold_nanousd: its line; ``is_low`` says that the balance is below it.
    """

    balance: Balance
    owed_nanousd: int
    threshold_nanousd: int
    is_low: bool


def position_of(org: Org) -> Position:
    """Return balance, debt and warning in one query, for pages that show them all."""
    accounts = LedgerAccount.objects.filter(org=OuterRef("pk"), guarded=True)
    available = accounts.filter(code__startswith=chart.AVAILABLE_PREFIX)
    postings = Posting.objects.filter(
        account__org=OuterRef("pk"), account__code=chart.RECEIVABLE
    )
    watch = BalanceWatch.objects.filter(org=OuterRef("pk"))
    row = (
        Org.objects.filter(pk=org.pk)
        .annotate(
            available=_total(available, "org", "balance_nanousd"),
            reserved=_total(
                accounts.filter(code=chart.RESERVED), "org", "balance_nanousd"
            ),
            owed=_total(postings, "account__org", "amount_nanousd"),
            threshold=Subquery(watch.values("threshold_nanousd")[:1]),
            is_low=Subquery(watch.values("is_below")[:1]),
        )
        .values("available", "reserved", "owed", "threshold", "is_low")
        .get()
    )
    threshold = row["threshold"]
    return Position(
        Balance(int(row["available"] or 0), int(row["reserved"] or 0)),
        int(row["owed"] or 0),
        DEFAULT_THRESHOLD_NANOUSD if threshold is None else threshold,
        is_low=bool(row["is_low"]),
    )


def _total(rows: QuerySet[Any], org: str, column: str) -> Subquery:
    grouped = rows.order_by().values(of=F(org)).annotate(total=Sum(column))
    return Subquery(grouped.values("total"))


def overview_balance_json(org: Org) -> dict[str, Any]:
    """Return a balance with its promotional part, the first to expire first."""
    promotional = [
        {
            "amount": money_json(grant.account.balance_nanousd),
            "expires_at": iso_or_none(grant.expires_at),
        }
        for grant in selectors.promotional_of(org)
    ]
    return balance_json(selectors.balance(org)) | {"promotional": promotional}


def low_balance_json(org: Org) -> dict[str, Any]:
    """Return the warning line and whether the balance is below it."""
    return {
        "threshold": money_json(threshold_of(org)),
        "is_below": low_balance(org) is not None,
    }


def spending_json() -> dict[str, Any]:
    """Return whether credits can be reserved and charged now."""
    frozen = current_freeze() is not None
    return {"enabled": not frozen, "reason": FROZEN if frozen else None}
