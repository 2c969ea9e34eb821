"""Credits that follow money back: refunds and disputes, in whatever order we hear.

Each fact is posted once, by its own key. What the credits do not cover becomes a debt;
what a bank keeps for good is written off as far as a debt is left. After every fact the
accounts are squared, so the same facts end in the same balances in any order.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Sum

from accounts.models import Org
from batchrouter.kit.money import NANO_PER_CENT, format_usd
from billing import chart
from billing.debts import repay, written_off_nanousd
from billing.ledger import Entry, credit, debit, lock_org, post
from billing.models import (
    CardRefund,
    CardRefundState,
    DisputeState,
    LedgerTransaction,
    RefundState,
    StripeDispute,
    StripeRefund,
    TopUp,
)
from billing.models.top_up import DISPUTE_MOVES
from billing.selectors import owed_nanousd
from billing.stripe_facts import DisputeFact, RefundFact


@dataclass(frozen=True)
class _Cause:
    """What a posting is about."""

    kind: str
    key: str
    purpose: str
    reason: str


@transaction.atomic
def post_refund(*, top_up: TopUp, fact: RefundFact, now: datetime) -> StripeRefund:
    """Take the credits of a refund, once for its id; give them back where it failed.

    A refund that an operator asked for took its credits before Stripe was called: it is
    recognized by our own reference and only counted here.

    Args:
        top_up: of the payment, locked by the caller.
        fact: what Stripe says.
        now: the present instant.
    """
    lock_org(top_up.org)
    refund = StripeRefund.objects.filter(stripe_refund_id=fact.id).first()
    refund = refund or _take_refund(top_up, fact, now)
    if fact.has_failed and refund.state == RefundState.POSTED:
        _return_refund(top_up, refund, now)
    return refund


@transaction.atomic
def post_dispute(
    *, top_up: TopUp, fact: DisputeFact, outcome: DisputeState, now: datetime
) -> StripeDispute:
    """Take the credits of a dispute and, once it is decided, keep or return them.

    A decision that is heard before the opening implies it: both are posted.

    Args:
        top_up: of the payment, locked by the caller.
        fact: what Stripe says; no inquiry, that takes nothing.
        outcome: how far the dispute is by this fact.
        now: the present instant.
    """
    lock_org(top_up.org)
    dispute = StripeDispute.objects.filter(stripe_dispute_id=fact.id).first()
    dispute = dispute or _open_dispute(top_up, fact, now)
    # A fact that is older than what we know moves nothing.
    if outcome in DISPUTE_MOVES.get(dispute.state, frozenset()):
        dispute.advance(outcome, at=now)
        if outcome == DisputeState.WON:
            _return_disputed(top_up, dispute)
        else:
            _square(top_up.org, f"stripe:dp:{fact.id}:lost")
    return dispute


def _take_refund(top_up: TopUp, fact: RefundFact, now: datetime) -> StripeRefund:
    amount = fact.amount_cents * NANO_PER_CENT
    posted = _posted_by_operator(top_up, fact, amount)
    if posted is None:
        cause = _Cause(
            "refund",
            f"stripe:re:{fact.id}",
            f"topup:{top_up.public_id}",
            f"Refunded {format_usd(amount)} USD of {top_up.public_id}.",
        )
        posted = _take(top_up.org, amount, cause)
    top_up.refunded_nanousd += amount
    top_up.save(update_fields=["refunded_nanousd"])
    return StripeRefund.objects.create(
        top_up=top_up,
        stripe_refund_id=fact.id,
        amount_nanousd=amount,
        transaction=posted,
        state=RefundState.POSTED,
        state_at=now,
    )


def _posted_by_operator(
    top_up: TopUp, fact: RefundFact, amount_nanousd: int
) -> LedgerTransaction | None:
    """Return what our own refund posted before it was asked for."""
    ours = (
        CardRefund.objects.filter(
            public_id=fact.reference, org=top_up.org, amount_nanousd=amount_nanousd
        )
        .exclude(state=CardRefundState.REVERSED)
        .select_related("transaction")
        .first()
    )
    return ours.transaction if ours else None


def _return_refund(top_up: TopUp, refund: StripeRefund, now: datetime) -> None:
    refund.advance(RefundState.FAILED, at=now)
    top_up.refunded_nanousd -= refund.amount_nanousd
    top_up.save(update_fields=["refunded_nanousd"])
    ours = CardRefund.objects.filter(transaction=refund.transaction_id)
    if ours.exists():
        return  # its own service reverses what it posted
    cause = _Cause(
        "refund_failed",
        f"stripe:re:{refund.stripe_refund_id}:failed",
        f"topup:{top_up.public_id}",
        f"A refund of {format_usd(refund.amount_nanousd)} USD did not reach the card.",
    )
    _give(top_up.org, refund.amount_nanousd, cause)


def _open_dispute(top_up: TopUp, fact: DisputeFact, now: datetime) -> StripeDispute:
    amount = fact.amount_cents * NANO_PER_CENT
    cause = _Cause(
        "dispute_open",
        f"stripe:dp:{fact.id}:open",
        f"topup:{top_up.public_id}",
        f"A bank withdrew {format_usd(amount)} USD of {top_up.public_id}.",
    )
    posted = _take(top_up.org, amount, cause)
    top_up.disputed_nanousd += amount
    top_up.save(update_fields=["disputed_nanousd"])
    return StripeDispute.objects.create(
        top_up=top_up,
        stripe_dispute_id=fact.id,
        amount_nanousd=amount,
        transaction=posted,
        state=DisputeState.OPEN,
        state_at=now,
    )


def _return_disputed(top_up: TopUp, dispute: StripeDispute) -> None:
    top_up.disputed_nanousd -= dispute.amount_nanousd
    top_up.save(update_fields=["disputed_nanousd"])
    cause = _Cause(
        "dispute_won",
        f"stripe:dp:{dispute.stripe_dispute_id}:won",
        f"topup:{top_up.public_id}",
        f"A bank returned {format_usd(dispute.amount_nanousd)} USD.",
    )
    _give(top_up.org, dispute.amount_nanousd, cause)


def _take(org: Org, amount_nanousd: int, cause: _Cause) -> LedgerTransaction:
    """Take from the paid credits what they hold; the rest is owed."""
    paid = lock_org(org)[chart.AVAILABLE_PAID]
    covered = min(amount_nanousd, paid.balance_nanousd)
    entries = _nonzero(
        debit(chart.AVAILABLE_PAID, covered),
        debit(chart.RECEIVABLE, amount_nanousd - covered),
        credit(chart.STRIPE_CLEARING, amount_nanousd),
    )
    posted = _post(org, entries, cause)
    _square(org, cause.key)
    return posted


def _give(org: Org, amount_nanousd: int, cause: _Cause) -> LedgerTransaction:
    """Undo a taking: what was given up for it, what is owed, and then the credits.

    A loss may stand only as far as a shortage and a lost dispute are left for it.
    """
    owed, given_up = owed_nanousd(org), written_off_nanousd(org)
    short = max(0, owed + given_up - amount_nanousd)
    regained = given_up - min(given_up, short, _kept_by_banks(org))
    repaid = min(owed, amount_nanousd - regained)
    entries = _nonzero(
        debit(chart.STRIPE_CLEARING, amount_nanousd),
        credit(chart.EXPENSE_DISPUTE_LOSS, regained),
        credit(chart.RECEIVABLE, repaid),
        credit(chart.AVAILABLE_PAID, amount_nanousd - regained - repaid),
    )
    posted = _post(org, entries, cause)
    _square(org, cause.key)
    return posted


def _square(org: Org, cause_key: str) -> None:
    """Pay debts from credits, then write off what lost disputes leave of them."""
    repay(org)
    loss = min(owed_nanousd(org), _kept_by_banks(org) - written_off_nanousd(org))
    if loss > 0:
        cause = _Cause(
            "dispute_lost",
            f"{cause_key}:loss",
            f"org:{org.public_id}",
            f"Wrote off {format_usd(loss)} USD that a bank kept.",
        )
        entries = [
            debit(chart.EXPENSE_DISPUTE_LOSS, loss),
            credit(chart.RECEIVABLE, loss),
        ]
        _post(org, entries, cause)


def _kept_by_banks(org: Org) -> int:
    lost = StripeDispute.objects.filter(top_up__org=org, state=DisputeState.LOST)
    return int(lost.aggregate(total=Sum("amount_nanousd"))["total"] or 0)


def _nonzero(*entries: Entry) -> list[Entry]:
    return [entry for entry in entries if entry.amount_nanousd]


def _post(org: Org, entries: list[Entry], cause: _Cause) -> LedgerTransaction:
    return post(
        kind=cause.kind,
        key=cause.key,
        entries=entries,
        org=org,
        purpose=cause.purpose,
        reason=cause.reason,
        actor="stripe",
    )
