"""Reads about money. Every one starts from an organization."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypedDict

from django.db.models import Q, QuerySet, Sum

from accounts.models import Org
from batchrouter.kit.errors import NotFound
from batchrouter.kit.money import MoneyJSON, money_json
from billing import chart
from billing.models import (
    CheckoutSession,
    Grant,
    LedgerAccount,
    LedgerTransaction,
    Posting,
    Receipt,
    Reservation,
    TopUp,
)


@dataclass(frozen=True)
class Balance:
    """What an organization may spend and what is held, in nano-dollars."""

    available_nanousd: int
    reserved_nanousd: int

    @property
    def total_nanousd(self) -> int:
        """Everything that is the organization's own."""
        return self.available_nanousd + self.reserved_nanousd


class FundingPreview(TypedDict):
    """Whether the balance covers a quote, as the API shows it."""

    available: MoneyJSON
    reserved: MoneyJSON
    quote_total: MoneyJSON
    shortfall: MoneyJSON
    can_fund: bool


def balance(org: Org) -> Balance:
    """Return what the organization may spend and what is held."""
    sums = LedgerAccount.objects.filter(org=org, guarded=True).aggregate(
        available=Sum(
            "balance_nanousd", filter=Q(code__startswith=chart.AVAILABLE_PREFIX)
        ),
        reserved=Sum("balance_nanousd", filter=Q(code=chart.RESERVED)),
    )
    return Balance(int(sums["available"] or 0), int(sums["reserved"] or 0))


def funding_preview(org: Org, quote_total_nanousd: int) -> FundingPreview:
    """Tell whether the available balance covers a total, and what is missing."""
    held = balance(org)
    shortfall = max(0, quote_total_nanousd - held.available_nanousd)
    owed = owed_nanousd(org)
    if owed:
        # Paid credits pay the debt first, and nothing is reserved before it is paid.
        paid = _paid_nanousd(org)
        missing = quote_total_nanousd + owed - held.available_nanousd
        shortfall = max(0, missing, owed - paid)
    return {
        "available": money_json(held.available_nanousd),
        "reserved": money_json(held.reserved_nanousd),
        "quote_total": money_json(quote_total_nanousd),
        "shortfall": money_json(shortfall),
        "can_fund": shortfall == 0,
    }


def owed_nanousd(org: Org) -> int:
    """Return what the organization owes for reversed payments, in nano-dollars."""
    postings = Posting.objects.filter(account__org=org, account__code=chart.RECEIVABLE)
    return int(postings.aggregate(total=Sum("amount_nanousd"))["total"] or 0)


def promotional_of(org: Org) -> QuerySet[Grant]:
    """Return grants of which something is left, in the order they are spent."""
    left = Grant.objects.filter(org=org, is_promo=True, account__balance_nanousd__gt=0)
    # PostgreSQL sorts null, "never", last.
    return left.select_related("account").order_by("expires_at", "pk")


def ledger_of(org: Org) -> QuerySet[LedgerTransaction]:
    """Return the organization's transactions, newest first, with their postings."""
    return (
        LedgerTransaction.objects.filter(org=org)
        .order_by("-id")
        .prefetch_related("postings__account")
    )


@dataclass(frozen=True, slots=True)
class LedgerPart:
    """Which transactions are wanted; what is None or empty leaves none out.

    Attributes:
        since: the first day, UTC.
        until: the last day, UTC, with all of it.
        purpose: such as ``batch:batch_01…``.
    """

    kinds: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    purpose: str = ""


def ledger_part_of(org: Org, part: LedgerPart) -> QuerySet[LedgerTransaction]:
    """Return some of the organization's transactions, as ``ledger_of`` does."""
    rows = ledger_of(org)
    if part.kinds:
        rows = rows.filter(kind__in=part.kinds)
    if part.since is not None:
        rows = rows.filter(created_at__gte=_midnight(part.since))
    if part.until is not None:
        rows = rows.filter(created_at__lt=_midnight(part.until) + timedelta(days=1))
    if part.purpose:
        rows = rows.filter(purpose=part.purpose)
    return rows


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def reservations_of(org: Org) -> QuerySet[Reservation]:
    """Return the organization's reservations, newest first."""
    return Reservation.objects.filter(org=org).order_by("-id")


def open_reservations_of(org: Org) -> QuerySet[Reservation]:
    """Return what is held right now, newest first."""
    return reservations_of(org).filter(state="open")


def reservation_for(org: Org, purpose: str) -> Reservation | None:
    """Return the reservation made for a purpose, if any."""
    return reservations_of(org).filter(purpose=purpose).first()


def receipt_for(org: Org, *, kind: str, purpose: str) -> Receipt | None:
    """Return the receipt issued for a purpose, if any."""
    return Receipt.objects.filter(org=org, kind=kind, purpose=purpose).first()


def receipts_for(org: Org, *, purpose: str) -> list[Receipt]:
    """Return the receipts issued for a purpose, the billing receipt first."""
    return list(Receipt.objects.filter(org=org, purpose=purpose).order_by("kind"))


def top_ups_of(org: Org) -> QuerySet[TopUp]:
    """Return what the organization bought, newest first."""
    return TopUp.objects.filter(org=org).order_by("-id").select_related("checkout")


def checkout_of(org: Org, public_id: str) -> CheckoutSession:
    """Return one checkout session with its top-up.

    Raises:
        NotFound: there is none, or it is another organization's.
    """
    rows = CheckoutSession.objects.filter(org=org, public_id=public_id)
    found = rows.select_related("top_up").first()
    if found is None:
        raise NotFound("There is no such checkout session.")
    return found


def _paid_nanousd(org: Org) -> int:
    paid = LedgerAccount.objects.filter(org=org, code=chart.AVAILABLE_PAID).first()
    return paid.balance_nanousd if paid else 0
