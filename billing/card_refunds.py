"""Unused paid credit back to the card it was paid with.

Intent, call, outcome: the credits are taken in one transaction with a row per payment;
then Stripe is asked, outside any transaction, under the row's own key; what it answers
is written down. What it refuses comes back by an exact reversing transaction. A refund
whose answer was lost is asked for again by the same key.
"""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet, Sum

from accounts.models import Org
from batchrouter.kit.errors import BatchRouterError
from batchrouter.kit.jobs import Job, enqueue_on_commit
from batchrouter.kit.money import NANO_PER_CENT, format_usd
from billing import chart, stripe_gateway
from billing.clawbacks import post_refund
from billing.debts import repay
from billing.ledger import Entry, InsufficientCredits, credit, debit, lock_org, post
from billing.models import (
    CardRefund,
    CardRefundState,
    LedgerAccount,
    LedgerTransaction,
    OperationState,
    OperatorRequest,
    RefundState,
    StripeRefund,
    TopUp,
)
from billing.operation_ends import finish, names_of
from billing.stripe_facts import RefundFact

log = logging.getLogger(__name__)

# Stripe forgets an idempotency key after a day at the earliest; a refund that is older
# is first looked for.  https://docs.stripe.com/api/idempotent_requests, read 2026-11.
KEY_HOLDS = timedelta(hours=20)
# One message asks for so many refunds at most; the sweep rings for the rest.
ASK_MAX = 20


class NothingToRefund(BatchRouterError):
    """The payments have less left than what should go back."""

    code = "nothing_to_refund"
    status = 409
    error_type = "billing_error"


def refundable_nanousd(org: Org) -> int:
    """Return how much could go back to cards: unused, paid by card, whole cents."""
    held = LedgerAccount.objects.filter(org=org, code=chart.AVAILABLE_PAID).first()
    paid = 0 if held is None else held.balance_nanousd
    left = sum(_left(top_up) for top_up in TopUp.objects.filter(org=org))
    return min(paid, left) // NANO_PER_CENT * NANO_PER_CENT


def take_refund(asked: OperatorRequest, now: datetime) -> None:
    """Take an approved refund's credits and write down what Stripe is to be asked.

    Raises:
        NothingToRefund: the payments have less left.
        InsufficientCredits: the credits are spent or held.
    """
    org = _org_of(asked)
    # Payments before accounts, as webhooks do.
    top_ups = list(_payments(asked).select_for_update(no_key=True))
    free = lock_org(org)[chart.AVAILABLE_PAID].balance_nanousd
    if asked.amount_nanousd > free:
        raise InsufficientCredits(
            f"{format_usd(free)} USD of paid credit are unused, "
            f"{format_usd(asked.amount_nanousd)} USD should go back."
        )
    for top_up, part in _parts(top_ups, asked.amount_nanousd):
        _take_part(asked, top_up, part, now)
    enqueue_on_commit(Job.CARD_REFUNDS)


def ask_for_refunds(*, now: datetime) -> int:
    """Ask Stripe for what is taken and not answered yet; return how many it answered.

    Safe to repeat and to run twice at once: each refund has one key for ever.
    """
    answered = 0
    waiting = CardRefund.objects.filter(state=CardRefundState.POSTED).order_by("id")
    for refund in waiting[:ASK_MAX]:
        CardRefund.objects.filter(pk=refund.pk).update(attempts=refund.attempts + 1)
        answered += _ask(refund, now)
    for refund in _sent_back():
        _reverse(refund, "The bank sent the refund back.", now)
    return answered


def _ask(refund: CardRefund, now: datetime) -> bool:
    try:
        fact = _call(refund, now)
    except stripe_gateway.RefundRefused as refused:
        _reverse(refund, refused.message, now)
        return True
    except (
        stripe_gateway.CheckoutUnavailable,
        stripe_gateway.CheckoutRefused,
    ) as error:
        log.warning("refund %s is not answered: %s", refund.public_id, error.message)
        return False
    if fact.has_failed:
        _reverse(refund, f"Stripe says the refund {fact.status}.", now)
    else:
        _confirm(refund, fact, now)
    return True


def _call(refund: CardRefund, now: datetime) -> RefundFact:
    if now - refund.created_at > KEY_HOLDS:
        known = stripe_gateway.find_refund(refund.payment_intent_id, refund.public_id)
        if known is not None:
            return known
    return stripe_gateway.create_refund(
        refund.payment_intent_id, refund.amount_cents, refund.public_id
    )


@transaction.atomic
def _confirm(refund: CardRefund, fact: RefundFact, now: datetime) -> None:
    """Write down that Stripe took it; the webhook finds it counted already."""
    top_up = _lock_top_up(refund)
    held = _lock(refund)
    if held.state != CardRefundState.POSTED:
        return
    post_refund(top_up=top_up, fact=fact, now=now)
    held.stripe_refund_id = fact.id
    held.save(update_fields=["stripe_refund_id"])
    held.advance(CardRefundState.CONFIRMED, at=now)
    _finish_request(held.request, now)


@transaction.atomic
def _reverse(refund: CardRefund, why: str, now: datetime) -> None:
    """Give the credits back by the mirror of what took them, once."""
    _lock_top_up(refund)
    held = _lock(refund)
    if held.state == CardRefundState.REVERSED:
        return
    held.reversal = _post_mirror(held, why)
    held.save(update_fields=["reversal"])
    held.advance(CardRefundState.REVERSED, at=now)
    repay(held.org)
    _finish_request(held.request, now)
    log.error("refund %s was reversed: %s", held.public_id, why)


def _post_mirror(refund: CardRefund, why: str) -> LedgerTransaction:
    posted = refund.transaction
    lines = posted.postings.values_list("account__code", "amount_nanousd")
    return post(
        kind="reversal",
        key=f"reverse:{posted.public_id}",
        entries=[Entry(code, -amount) for code, amount in lines],
        org=refund.org,
        purpose=posted.purpose,
        reason=f"{why} The credits are back."[:500],
        actor=posted.actor,
    )


def _finish_request(asked: OperatorRequest, now: datetime) -> None:
    """End the request once every payment's part is decided."""
    asked = OperatorRequest.objects.select_for_update(no_key=True).get(pk=asked.pk)
    parts = asked.refunds.all()
    if asked.state != OperationState.APPROVED or any(
        part.state == CardRefundState.POSTED for part in parts
    ):
        return
    back = sum(
        part.amount_nanousd for part in parts if part.state == CardRefundState.CONFIRMED
    )
    told = f"{format_usd(back)} of {format_usd(asked.amount_nanousd)} USD went back."
    if back == asked.amount_nanousd:
        finish(asked, outcome=told, now=now)
    else:
        finish(asked, failure=told, now=now)


def _payments(asked: OperatorRequest) -> QuerySet[TopUp]:
    """Return the payments that a refund may draw on, the oldest first."""
    found = TopUp.objects.filter(org=asked.org).order_by("pk")
    return found.filter(public_id=asked.reference) if asked.reference else found


def _parts(top_ups: list[TopUp], amount_nanousd: int) -> Iterator[tuple[TopUp, int]]:
    """Split an amount over payments.

    Raises:
        NothingToRefund: they have less left.
    """
    parts, missing = [], amount_nanousd
    for top_up in top_ups:
        part = min(missing, _left(top_up))
        if part:
            parts.append((top_up, part))
            missing -= part
    if missing:
        raise NothingToRefund(
            f"The payments have {format_usd(amount_nanousd - missing)} USD left, "
            f"{format_usd(amount_nanousd)} USD should go back."
        )
    return iter(parts)


def _left(top_up: TopUp) -> int:
    """Return what of a payment can still go back, whole cents."""
    # Those that Stripe told us about are in ``refunded_nanousd`` already.
    uncounted = (
        CardRefund.objects.filter(top_up_id=top_up.public_id)
        .exclude(state=CardRefundState.REVERSED)
        .exclude(transaction__in=StripeRefund.objects.values("transaction"))
        .aggregate(total=Sum("amount_nanousd", default=0))
    )
    left = top_up.refundable_nanousd - int(uncounted["total"])
    return max(0, left) // NANO_PER_CENT * NANO_PER_CENT


def _take_part(
    asked: OperatorRequest, top_up: TopUp, part_nanousd: int, now: datetime
) -> None:
    refund = CardRefund(
        request=asked,
        org=top_up.org,
        top_up_id=top_up.public_id,
        payment_intent_id=top_up.stripe_payment_intent_id,
        amount_nanousd=part_nanousd,
        created_at=now,
        state=CardRefundState.POSTED,
        state_at=now,
    )
    refund.transaction = post(
        kind="refund_card",
        key=f"refund:{refund.public_id}",
        entries=[
            debit(chart.AVAILABLE_PAID, part_nanousd),
            credit(chart.STRIPE_CLEARING, part_nanousd),
        ],
        org=top_up.org,
        purpose=f"topup:{top_up.public_id}",
        reason=asked.reason,
        actor=names_of(asked),
    )
    refund.save()


def _sent_back() -> QuerySet[CardRefund]:
    """Return refunds that Stripe called failed after it had taken them."""
    failed = StripeRefund.objects.filter(state=RefundState.FAILED)
    return CardRefund.objects.filter(
        state__in=[CardRefundState.POSTED, CardRefundState.CONFIRMED],
        transaction__in=failed.values("transaction"),
    )


def _org_of(asked: OperatorRequest) -> Org:
    if asked.org is None:
        raise ValueError(f"{asked.public_id} names no organization")
    return asked.org


def _lock_top_up(refund: CardRefund) -> TopUp:
    rows = TopUp.objects.filter(public_id=refund.top_up_id)
    return rows.select_for_update(no_key=True).get()


def _lock(refund: CardRefund) -> CardRefund:
    return CardRefund.objects.select_for_update(no_key=True).get(pk=refund.pk)
