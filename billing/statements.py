"""Statements by month: opening balance, entries, closing balance, exactly.

A month ends at midnight UTC. What a statement adds up are the postings on the
organization's own accounts, so it can show nothing that the ledger does not say, and
the closing balance of a month is the opening balance of the next.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth

from accounts.models import Org
from batchrouter.kit.errors import NotFound
from billing import chart
from billing.effects import effect_of
from billing.models import LedgerTransaction, Posting
from billing.months import Month, month_of

# Rows fetched at a time while a statement is streamed.
_CHUNK = 500


class StatementNotFound(NotFound):
    """The organization has no statement of that month."""

    code = "statement_not_found"


@dataclass(frozen=True)
class Holding:
    """What an organization had at an instant, in nano-dollars."""

    available_nanousd: int = 0
    reserved_nanousd: int = 0

    @property
    def total_nanousd(self) -> int:
        """Everything that was the organization's own."""
        return self.available_nanousd + self.reserved_nanousd

    def plus(self, change: "Holding") -> "Holding":
        """Return what it was after a change."""
        return Holding(
            self.available_nanousd + change.available_nanousd,
            self.reserved_nanousd + change.reserved_nanousd,
        )


@dataclass(frozen=True)
class StatementLine:
    """One transaction: what it changed, what was paid by it, and what was left."""

    public_id: str
    kind: str
    purpose: str
    reason: str
    created_at: datetime
    change: Holding
    usage_nanousd: int
    fee_nanousd: int
    after: Holding


@dataclass(frozen=True)
class KindSum:
    """All transactions of a kind in a month."""

    kind: str
    count: int
    change: Holding
    usage_nanousd: int
    fee_nanousd: int


@dataclass(frozen=True)
class StatementHead:
    """A month: what there was, what came and went, and what there is."""

    month: Month
    entry_count: int
    opening: Holding
    closing: Holding


@dataclass(frozen=True)
class Statement:
    """A month's head and its sums by kind; lines are read apart, for there are many."""

    head: StatementHead
    sums: tuple[KindSum, ...]


def statement_months(org: Org) -> list[StatementHead]:
    """Return the months that have entries, the newest first."""
    rows: QuerySet[Posting, Any] = (
        _postings(org)
        .annotate(month=TruncMonth("transaction__created_at"))
        .values("month")
        .annotate(count=Count("transaction", distinct=True), **_CHANGES)
        .order_by("month")
    )
    heads, held = [], Holding()
    for row in rows:
        opening, held = held, held.plus(_holding(row))
        heads.append(StatementHead(month_of(row["month"]), row["count"], opening, held))
    return heads[::-1]


def statement(org: Org, month: Month, *, now: datetime) -> Statement:
    """Return a month's statement; a quiet month opens as it closes.

    Raises:
        StatementNotFound: the month is to come, or is before the first entry.
    """
    if month > month_of(now) or not _has_begun(org, month):
        raise StatementNotFound("There is no statement of that month.")
    before = _postings(org).filter(transaction__created_at__lt=month.starts_at)
    opening = _holding(before.aggregate(**_CHANGES))
    sums = tuple(_kind_sums(org, month))
    closing = opening
    for kind in sums:
        closing = closing.plus(kind.change)
    count = sum(kind.count for kind in sums)
    return Statement(StatementHead(month, count, opening, closing), sums)


def statement_entries(org: Org, month: Month) -> QuerySet[LedgerTransaction]:
    """Return a month's transactions in the order in which they were posted."""
    return (
        LedgerTransaction.objects.filter(
            org=org, created_at__gte=month.starts_at, created_at__lt=month.ends_at
        )
        .order_by("id")
        .prefetch_related("postings__account")
    )


def statement_lines(
    entries: QuerySet[LedgerTransaction], opening: Holding
) -> Iterator[StatementLine]:
    """Yield a line for each entry, with the balance after it."""
    held = opening
    for entry in entries.iterator(chunk_size=_CHUNK):
        line = _line(entry, held)
        held = line.after
        yield line


def held_before(org: Org, month: Month, entry_id: int) -> Holding:
    """Return what there was before one of a month's entries."""
    earlier = Q(transaction__created_at__lt=month.starts_at) | Q(
        transaction__created_at__lt=month.ends_at, transaction_id__lt=entry_id
    )
    return _holding(_postings(org).filter(earlier).aggregate(**_CHANGES))


# Customers' accounts grow on the credit side, where postings are below zero.
_CHANGES = {
    "available": -Sum(
        "amount_nanousd",
        filter=Q(account__code__startswith=chart.AVAILABLE_PREFIX),
        default=0,
    ),
    "reserved": -Sum(
        "amount_nanousd", filter=Q(account__code=chart.RESERVED), default=0
    ),
}
_PAID = {
    "usage": -Sum(
        "amount_nanousd", filter=Q(account__code=chart.REVENUE_USAGE), default=0
    ),
    "fee": -Sum(
        "amount_nanousd", filter=Q(account__code=chart.REVENUE_SERVICE_FEE), default=0
    ),
}


def _postings(org: Org) -> QuerySet[Posting]:
    return Posting.objects.filter(transaction__org=org).order_by()


def _has_begun(org: Org, month: Month) -> bool:
    entries = LedgerTransaction.objects.filter(org=org)
    return entries.filter(created_at__lt=month.ends_at).exists()


def _kind_sums(org: Org, month: Month) -> Iterator[KindSum]:
    rows: QuerySet[Posting, Any] = (
        _postings(org)
        .filter(
            transaction__created_at__gte=month.starts_at,
            transaction__created_at__lt=month.ends_at,
        )
        .values(kind=F("transaction__kind"))
        .annotate(count=Count("transaction", distinct=True), **_CHANGES, **_PAID)
        .order_by("kind")
    )
    for row in rows:
        yield KindSum(
            row["kind"],
            row["count"],
            _holding(row),
            int(row["usage"]),
            int(row["fee"]),
        )


def _holding(row: Mapping[str, Any]) -> Holding:
    return Holding(int(row["available"]), int(row["reserved"]))


def _line(entry: LedgerTransaction, held: Holding) -> StatementLine:
    effect = effect_of(entry)
    change = Holding(effect.available_nanousd, effect.reserved_nanousd)
    return StatementLine(
        public_id=entry.public_id,
        kind=entry.kind,
        purpose=entry.purpose,
        reason=entry.reason,
        created_at=entry.created_at,
        change=change,
        usage_nanousd=effect.usage_nanousd,
        fee_nanousd=effect.fee_nanousd,
        after=held.plus(change),
    )
