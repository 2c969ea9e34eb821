"""Paid sessions become credits, once each; what is not ours waits in suspense."""

import logging
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from batchrouter.kit.jobs import Job, enqueue_on_commit
from batchrouter.kit.money import NANO_PER_CENT, format_usd
from billing import chart
from billing.debts import repay
from billing.ledger import credit, debit, lock_org, post
from billing.models import (
    CheckoutSession,
    CheckoutState,
    PaymentStatus,
    StripeEvent,
    StripeEventState,
    Suspense,
    SuspenseReason,
    SuspenseState,
    TopUp,
)
from billing.signals import credits_posted
from billing.stripe_facts import USD, SessionFact

log = logging.getLogger(__name__)


@transaction.atomic
def credit_paid_session(*, paid: SessionFact, now: datetime) -> TopUp | Suspense:
    """Post what was really paid to the organization of our own row, once a session.

    Raises:
        ValueError: nothing was paid.
    """
    if not paid.is_paid or paid.amount_cents <= 0:
        raise ValueError(f"{paid.id} is not paid")
    parked = Suspense.objects.filter(stripe_session_id=paid.id).first()
    if parked is not None:
        return parked
    checkout = lock_checkout(paid)
    if checkout is None:
        return _park(paid, SuspenseReason.UNKNOWN_SESSION, None, now)
    posted = TopUp.objects.filter(checkout=checkout).first()
    if posted is not None:
        return posted
    _mark_paid(checkout, paid, now)
    if paid.currency != USD:
        return _park(paid, SuspenseReason.WRONG_CURRENCY, checkout, now)
    return _post_top_up(checkout, paid, now)


def note_session(*, fact: SessionFact, status: PaymentStatus, now: datetime) -> bool:
    """Note how far an unpaid session is; tell whether it is one of ours."""
    with transaction.atomic():
        checkout = lock_checkout(fact)
        if checkout is None:
            return False
        order = list(PaymentStatus)
        if order.index(status) > order.index(PaymentStatus(checkout.payment_status)):
            checkout.payment_status = status
            checkout.save(update_fields=["payment_status"])
        _advance(checkout, CheckoutState.COMPLETE, now)
    return True


def expire_session(*, fact: SessionFact, now: datetime) -> bool:
    """Note that nobody paid in time; tell whether it is one of ours."""
    with transaction.atomic():
        checkout = lock_checkout(fact)
        if checkout is None:
            return False
        _advance(checkout, CheckoutState.EXPIRED, now)
    return True


def lock_checkout(fact: SessionFact) -> CheckoutSession | None:
    """Lock and return our own row of a session, or None where it is not ours.

    A row whose call was made but whose outcome was never saved is known by our
    reference; customer and price must agree with it too, for metadata proves nothing.
    """
    ours = Q(stripe_session_id=fact.id)
    if fact.reference and fact.customer_id:
        ours |= Q(
            public_id=fact.reference,
            stripe_session_id__isnull=True,
            stripe_customer_id=fact.customer_id,
            price_cents=fact.amount_cents,
        )
    # In one statement: one that saves the id meanwhile leads from the second to the
    # first, and two looks would miss it.
    found = CheckoutSession.objects.select_for_update(no_key=True).filter(ours).first()
    if found is not None and found.stripe_session_id is None:
        found.stripe_session_id = fact.id
        found.url, found.expires_at = fact.url, fact.expires_at
        found.save(update_fields=["stripe_session_id", "url", "expires_at"])
    return found


def _mark_paid(checkout: CheckoutSession, paid: SessionFact, now: datetime) -> None:
    checkout.payment_status = PaymentStatus.PAID
    checkout.stripe_payment_intent_id = paid.payment_intent_id
    checkout.save(update_fields=["payment_status", "stripe_payment_intent_id"])
    _advance(checkout, CheckoutState.COMPLETE, now)


def _advance(checkout: CheckoutSession, to: CheckoutState, now: datetime) -> None:
    """Move the session where its table lets it; late news moves nothing."""
    if to in checkout.moves.get(checkout.state, frozenset()):
        checkout.advance(to, at=now)


def _post_top_up(checkout: CheckoutSession, paid: SessionFact, now: datetime) -> TopUp:
    org, amount = checkout.org, paid.amount_cents * NANO_PER_CENT
    lock_org(org)
    posted = post(
        kind="top_up",
        key=f"stripe:cs:{paid.id}:topup",
        entries=[
            debit(chart.STRIPE_CLEARING, amount),
            credit(chart.AVAILABLE_PAID, amount),
        ],
        org=org,
        purpose=f"checkout:{checkout.public_id}",
        reason=f"Bought {format_usd(amount)} USD of credits.",
        actor="stripe",
    )
    made = TopUp.objects.create(
        org=org,
        checkout=checkout,
        amount_nanousd=amount,
        stripe_session_id=paid.id,
        stripe_payment_intent_id=paid.payment_intent_id,
        transaction=posted,
        created_at=now,
    )
    repay(org)
    credits_posted.send(
        sender=TopUp,
        org=org,
        amount_nanousd=amount,
        source="top_up",
        transaction=posted,
    )
    _wake_what_waited(paid.payment_intent_id, now)
    return made


def _wake_what_waited(payment_intent_id: str, now: datetime) -> None:
    """Let refunds and disputes that came before this payment go on at once."""
    waiting = StripeEvent.objects.filter(
        state=StripeEventState.DEFERRED, waits_for=payment_intent_id
    )
    if payment_intent_id and waiting.update(next_attempt_at=now):
        enqueue_on_commit(Job.STRIPE_INBOX)


def _park(
    paid: SessionFact,
    reason: SuspenseReason,
    checkout: CheckoutSession | None,
    now: datetime,
) -> Suspense:
    """Keep a payment for a person to look at, with its dollars in the ledger."""
    posted = None
    if paid.currency == USD:
        amount = paid.amount_cents * NANO_PER_CENT
        posted = post(
            kind="suspense",
            key=f"stripe:cs:{paid.id}:suspense",
            entries=[
                debit(chart.STRIPE_CLEARING, amount),
                credit(chart.SUSPENSE, amount),
            ],
            purpose=f"stripe:{paid.id}"[:120],
            reason="A payment that belongs to no checkout session of ours.",
            actor="stripe",
        )
    ticket, is_new = Suspense.objects.get_or_create(
        stripe_session_id=paid.id,
        defaults={
            "reason": reason,
            "amount_minor": paid.amount_cents,
            "currency": paid.currency[:3],
            "stripe_payment_intent_id": paid.payment_intent_id,
            "org_hint": checkout.org if checkout else None,
            "transaction": posted,
            "created_at": now,
            "state": SuspenseState.OPEN,
            "state_at": now,
        },
    )
    if is_new:
        log.critical("payment %s is in suspense: %s", paid.id, reason)
        _wake_what_waited(paid.payment_intent_id, now)
    return ticket
