"""Ask Stripe what a lost webhook would have told: events, sessions and fees.

Whatever is found goes through the very functions that deliveries go through, so a late
delivery of the same changes nothing.
"""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

from batchrouter.kit import clock
from batchrouter.kit.money import NANO_PER_CENT, format_usd
from billing import chart, stripe_gateway
from billing.ledger import Entry, credit, debit, post
from billing.models import (
    CheckoutSession,
    PaymentStatus,
    PulledSession,
    StripeEvent,
    StripePull,
    Suspense,
    TopUp,
)
from billing.stripe_facts import (
    USD,
    BalanceTransactionFact,
    EventFact,
    SessionFact,
)
from billing.top_ups import credit_paid_session
from billing.webhooks.handlers import HANDLERS
from billing.webhooks.inbox import receive

log = logging.getLogger(__name__)

LOOK_BACK = timedelta(days=3)


def pull(*, now: datetime) -> StripePull | None:
    """Walk Stripe's lists and apply what is missing; None where checkout is off.

    Raises:
        CheckoutUnavailable, CheckoutRefused: Stripe did not answer; try again later.
    """
    if not stripe_gateway.is_on():
        return None
    since = now - LOOK_BACK
    found = sum(_take_event(event, now) for event in _unknown_events(since))
    credited = sum(_take_session(session, now) for session in _sessions(since))
    for movement in stripe_gateway.list_balance_transactions(since):
        post_fee(movement)
    return StripePull.objects.create(
        since=since,
        started_at=now,
        finished_at=clock.now(),
        events_found=found,
        sessions_credited=credited,
    )


def post_fee(movement: BalanceTransactionFact) -> None:
    """Book what Stripe kept of a movement, once; a fee below zero came back."""
    fee = movement.fee_cents * NANO_PER_CENT
    if fee == 0:
        return
    if movement.currency != USD:
        log.critical("balance transaction %s is not in dollars", movement.id)
        return
    entries: list[Entry] = [
        debit(chart.EXPENSE_PAYMENT_FEES, fee),
        credit(chart.STRIPE_CLEARING, fee),
    ]
    post(
        kind="payment_fee",
        key=f"stripe:bt:{movement.id}:fee",
        entries=entries,
        purpose=f"stripe:{movement.source_id or movement.id}"[:120],
        reason=f"Stripe kept {format_usd(fee)} USD of a {movement.type}.",
        actor="stripe",
    )


def _unknown_events(since: datetime) -> Iterator[EventFact]:
    """Yield events that no delivery brought, the oldest first."""
    listed = list(stripe_gateway.list_events(since, types=tuple(HANDLERS)))
    names = [event.id for event in listed]
    known = set(
        StripeEvent.objects.filter(event_id__in=names).values_list(
            "event_id", flat=True
        )
    )
    return (event for event in reversed(listed) if event.id not in known)


def _take_event(event: EventFact, now: datetime) -> bool:
    try:
        receive(event, now=now)
    except Exception:  # the others go on
        log.critical("stripe event %s cannot be applied", event.id, exc_info=True)
        return False
    return True


def _sessions(since: datetime) -> Iterator[SessionFact]:
    """Yield the listed sessions, and older ones whose bank debit is on its way."""
    yield from stripe_gateway.list_sessions(since)
    older = CheckoutSession.objects.filter(
        payment_status=PaymentStatus.PROCESSING, created_at__lt=since
    )
    for session_id in older.values_list("stripe_session_id", flat=True):
        yield stripe_gateway.retrieve_session(str(session_id))


def _take_session(session: SessionFact, now: datetime) -> bool:
    """Note a paid session and credit it where no event did."""
    if not session.is_paid or session.amount_cents <= 0:
        return False
    PulledSession.objects.get_or_create(
        stripe_session_id=session.id,
        defaults={
            "amount_cents": session.amount_cents,
            "currency": session.currency[:3],
            "seen_at": now,
        },
    )
    if _is_posted(session):
        return False
    log.warning("session %s was paid, but no event told us", session.id)
    try:
        credit_paid_session(paid=session, now=now)
    except Exception:  # as above
        log.critical("session %s cannot be credited", session.id, exc_info=True)
        return False
    return True


def _is_posted(session: SessionFact) -> bool:
    name = {"stripe_session_id": session.id}
    return (
        TopUp.objects.filter(**name).exists()
        or Suspense.objects.filter(**name).exists()
    )
