"""A payment that belonged to nobody is credited to whom a person matched it with."""

from datetime import datetime

from django.db.models import Q, Sum

from batchrouter.kit.errors import Conflict
from batchrouter.kit.money import format_usd
from billing import chart
from billing.debts import repay
from billing.ledger import credit, debit, lock_org, post
from billing.models import (
    LedgerTransaction,
    OperatorRequest,
    Posting,
    Suspense,
    SuspenseState,
)
from billing.operation_ends import names_of


class SuspenseNotReleasable(Conflict):
    """The ticket is closed, holds no dollars, or holds another amount."""

    code = "suspense_not_releasable"


def release_suspense(asked: OperatorRequest, now: datetime) -> LedgerTransaction:
    """Credit the payment of a ticket and close the ticket.

    Raises:
        SuspenseNotReleasable.
    """
    if asked.org is None:
        raise ValueError(f"{asked.public_id} names no organization")
    ticket = (
        Suspense.objects.filter(public_id=asked.reference)
        .select_for_update(no_key=True)
        .first()
    )
    if ticket is None or ticket.state != SuspenseState.OPEN:
        raise SuspenseNotReleasable("There is no open ticket with this id.")
    held = _held(ticket)
    if held != asked.amount_nanousd:
        raise SuspenseNotReleasable(
            f"The ticket does not hold {format_usd(asked.amount_nanousd)} USD."
        )
    lock_org(asked.org)
    posted = post(
        kind="release_suspense",
        key=f"suspense:{ticket.public_id}:release",
        entries=[debit(chart.SUSPENSE, held), credit(chart.AVAILABLE_PAID, held)],
        org=asked.org,
        purpose=f"suspense:{ticket.public_id}",
        reason=asked.reason,
        actor=names_of(asked),
    )
    repay(asked.org)
    ticket.resolved_by = asked.checker[:120]
    ticket.resolution = f"Credited to {asked.org.public_id}: {asked.reason}"[:500]
    ticket.resolving_transaction = posted
    ticket.save(update_fields=["resolved_by", "resolution", "resolving_transaction"])
    ticket.advance(SuspenseState.RESOLVED, at=now)
    return posted


def _held(ticket: Suspense) -> int:
    """Return what of a payment still waits: parts of it may have gone back."""
    postings = Posting.objects.filter(
        Q(transaction=ticket.transaction_id)
        | Q(transaction__purpose=f"suspense:{ticket.public_id}"),
        account__code=chart.SUSPENSE,
    )
    return -int(postings.aggregate(total=Sum("amount_nanousd", default=0))["total"])
