"""What each event does to the books, in whatever order and however often it comes."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from batchrouter.kit.money import NANO_PER_CENT
from billing import chart
from billing.clawbacks import post_dispute, post_refund
from billing.ledger import credit, debit, post
from billing.models import (
    DisputeState,
    PaymentStatus,
    StripeEventState,
    Suspense,
    SuspenseState,
    TopUp,
)
from billing.stripe_facts import (
    USD,
    DisputeFact,
    EventFact,
    RefundFact,
    SessionFact,
    read_charge,
    read_dispute,
    read_refund,
    read_session,
)
from billing.top_ups import credit_paid_session, expire_session, note_session

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Verdict:
    """What became of an event, why, and what a deferred one waits for."""

    state: StripeEventState
    reason: str = ""
    waits_for: str = ""


@dataclass(frozen=True)
class Told:
    """An event with what it does not say itself, asked for beforehand."""

    event: EventFact
    refunds: Sequence[RefundFact] | None = None


APPLIED = Verdict(StripeEventState.APPLIED)
Handler = Callable[[Told, datetime], Verdict]


def ignored(reason: str) -> Verdict:
    """Decide that an event concerns our books in nothing."""
    return Verdict(StripeEventState.IGNORED, reason)


def deferred(waits_for: str, reason: str) -> Verdict:
    """Decide that an event builds on what is not known yet."""
    return Verdict(StripeEventState.DEFERRED, reason, waits_for)


def apply(told: Told, *, now: datetime) -> Verdict:
    """Bring what an event tells into the books, inside the caller's transaction.

    Raises:
        UnreadableFact: its object lacks what every such object has.
    """
    handler = HANDLERS.get(told.event.type)
    return handler(told, now) if handler else ignored("of a kind that moves no credits")


def needs_refunds(event: EventFact) -> bool:
    """Tell whether an event names a charge without its refunds: they must be asked for.

    The sum that the charge shows is of no use: a refund is posted by its own id.
    """
    return event.type == "charge.refunded" and not read_charge(event.subject).refunds


def _session_done(told: Told, now: datetime) -> Verdict:
    fact = read_session(told.event.subject)
    if fact.is_paid:
        return _credit(fact, now)
    return _ours(note_session(fact=fact, status=PaymentStatus.PROCESSING, now=now))


def _session_failed(told: Told, now: datetime) -> Verdict:
    fact = read_session(told.event.subject)
    return _ours(note_session(fact=fact, status=PaymentStatus.FAILED, now=now))


def _session_expired(told: Told, now: datetime) -> Verdict:
    return _ours(expire_session(fact=read_session(told.event.subject), now=now))


def _credit(fact: SessionFact, now: datetime) -> Verdict:
    if fact.amount_cents <= 0:
        return ignored("nothing was paid")
    outcome = credit_paid_session(paid=fact, now=now)
    if isinstance(outcome, Suspense):
        return Verdict(StripeEventState.APPLIED, f"in suspense as {outcome.public_id}")
    return APPLIED


def _ours(known: bool) -> Verdict:  # noqa: FBT001 the answer of the call around it
    return APPLIED if known else ignored("a session that is not ours, and unpaid")


def _refund(told: Told, now: datetime) -> Verdict:
    return _apply_refund(read_refund(told.event.subject), now)


def _charge_refunded(told: Told, now: datetime) -> Verdict:
    charge = read_charge(told.event.subject)
    refunds = charge.refunds or told.refunds
    if refunds is None:
        return deferred(charge.payment_intent_id, "its refunds must be asked for")
    verdicts = [_apply_refund(fact, now) for fact in refunds]
    waiting = [one for one in verdicts if one.state == StripeEventState.DEFERRED]
    return waiting[0] if waiting else APPLIED


def _apply_refund(fact: RefundFact, now: datetime) -> Verdict:
    top_up = _lock_top_up(fact)
    if top_up is None:
        return _from_suspense(fact, f"stripe:re:{fact.id}", returned=fact.has_failed)
    if fact.currency != USD:
        return _alarm(f"refund {fact.id} is not in dollars")
    post_refund(top_up=top_up, fact=fact, now=now)
    return APPLIED


def _dispute(told: Told, now: datetime) -> Verdict:
    fact = read_dispute(told.event.subject)
    if fact.is_inquiry or fact.status == "prevented":
        return ignored("an inquiry takes nothing")
    outcome = _outcome(told.event.type, fact)
    top_up = _lock_top_up(fact)
    if top_up is None:
        won = outcome == DisputeState.WON
        return _from_suspense(fact, f"stripe:dp:{fact.id}:open", returned=won)
    if fact.currency != USD:
        return _alarm(f"dispute {fact.id} is not in dollars")
    post_dispute(top_up=top_up, fact=fact, outcome=outcome, now=now)
    return APPLIED


def _outcome(event_type: str, fact: DisputeFact) -> DisputeState:
    if fact.status == "won" or event_type == "charge.dispute.funds_reinstated":
        return DisputeState.WON
    return DisputeState.LOST if fact.status == "lost" else DisputeState.OPEN


def _lock_top_up(fact: RefundFact | DisputeFact) -> TopUp | None:
    """Lock the top-up of the payment, and learn its charge's id."""
    rows = TopUp.objects.select_for_update(no_key=True)
    found = None
    if fact.payment_intent_id:
        found = rows.filter(stripe_payment_intent_id=fact.payment_intent_id).first()
    elif fact.charge_id:
        found = rows.filter(stripe_charge_id=fact.charge_id).first()
    if found is not None and fact.charge_id and not found.stripe_charge_id:
        found.stripe_charge_id = fact.charge_id
        found.save(update_fields=["stripe_charge_id"])
    return found


def _from_suspense(
    fact: RefundFact | DisputeFact, key: str, *, returned: bool
) -> Verdict:
    """Take money that went back from the ticket of its payment, if there is one."""
    ticket = (
        Suspense.objects.select_for_update(no_key=True)
        .filter(stripe_payment_intent_id=fact.payment_intent_id)
        .exclude(stripe_payment_intent_id="")
        .first()
    )
    if ticket is None:
        return deferred(fact.payment_intent_id, "its payment is not known yet")
    if ticket.transaction_id is None:
        return ignored("of a payment that is not in dollars")
    if ticket.state == SuspenseState.RESOLVED:
        return _alarm(f"{fact.id} follows {ticket.public_id}, which is resolved")
    amount = fact.amount_cents * NANO_PER_CENT
    out = [debit(chart.SUSPENSE, amount), credit(chart.STRIPE_CLEARING, amount)]
    back = [debit(chart.STRIPE_CLEARING, amount), credit(chart.SUSPENSE, amount)]
    purpose = f"suspense:{ticket.public_id}"
    post(kind="suspense_out", key=key, entries=out, purpose=purpose, actor="stripe")
    if returned:
        key = f"{key}:returned"
        post(kind="suspense_in", key=key, entries=back, purpose=purpose, actor="stripe")
    return APPLIED


def _alarm(reason: str) -> Verdict:
    log.critical("stripe: %s", reason)
    return ignored(reason)


HANDLERS: Mapping[str, Handler] = {
    "checkout.session.completed": _session_done,
    "checkout.session.async_payment_succeeded": _session_done,
    "checkout.session.async_payment_failed": _session_failed,
    "checkout.session.expired": _session_expired,
    "refund.created": _refund,
    "refund.updated": _refund,
    "refund.failed": _refund,
    "charge.refund.updated": _refund,
    "charge.refunded": _charge_refunded,
    "charge.dispute.created": _dispute,
    "charge.dispute.updated": _dispute,
    "charge.dispute.funds_withdrawn": _dispute,
    "charge.dispute.funds_reinstated": _dispute,
    "charge.dispute.closed": _dispute,
}
