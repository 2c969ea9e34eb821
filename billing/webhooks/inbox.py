"""The inbox: an event is stored and applied in one transaction, then mirrored.

A delivery that repeats one we know changes nothing. What builds on a fact that is not
known yet stays deferred, and the sweep tries it again.
"""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from batchrouter.kit.errors import BatchRouterError
from batchrouter.kit.jobs import Job, enqueue_on_commit
from billing import stripe_gateway
from billing.models import StripeEvent, StripeEventState
from billing.stripe_facts import EventFact, RefundFact, read_event
from billing.webhooks import handlers
from billing.webhooks.handlers import Told, Verdict, ignored

log = logging.getLogger(__name__)

RETRY_FIRST = timedelta(seconds=15)
RETRY_MAX = timedelta(hours=1)
# A payment that we have not heard of after a month is none of ours.
KEPT_DEFERRED = timedelta(days=30)
# The copy serves support; after a day of failures it is not worth more questions.
MIRROR_ATTEMPTS_MAX = 10
AT_ONCE = 100


@transaction.atomic
def receive(event: EventFact, *, now: datetime) -> StripeEvent:
    """Store a verified event and bring what it tells into the books, once.

    Raises:
        UnreadableFact: the event lacks what it must have; nothing is stored.
    """
    fresh = StripeEvent(
        event_id=event.id,
        event_type=event.type[:80],
        payload=dict(event.payload),
        received_at=now,
        state=StripeEventState.RECEIVED,
        state_at=now,
    )
    # A second delivery waits here for the first to commit or to give up.
    StripeEvent.objects.bulk_create([fresh], ignore_conflicts=True)
    row = _lock(event.id)
    if row.state == StripeEventState.RECEIVED:
        verdict = _foreign(event) or handlers.apply(Told(event), now=now)
        _decide(row, verdict, now)
    return row


def retry_deferred(*, now: datetime) -> int:
    """Try deferred events that are due again; return how many found their fact."""
    due = StripeEvent.objects.filter(
        state=StripeEventState.DEFERRED, next_attempt_at__lte=now
    ).order_by("next_attempt_at", "pk")
    names = list(due.values_list("event_id", flat=True)[:AT_ONCE])
    return sum(_retry_safely(name, now) for name in names)


def mirror_waiting(*, now: datetime) -> int:
    """Hand events to dj-stripe whose books are done; return how many it took."""
    if not stripe_gateway.is_on():
        return 0
    due = StripeEvent.objects.filter(mirror_at__lte=now).order_by("mirror_at", "pk")
    return sum(_mirror(row, now) for row in due[:AT_ONCE])


def _lock(event_id: str) -> StripeEvent:
    return StripeEvent.objects.select_for_update(no_key=True).get(event_id=event_id)


def _foreign(event: EventFact) -> Verdict | None:
    """Refuse what another mode or another account tells, loudly."""
    if event.livemode != settings.STRIPE_LIVE_MODE:
        reason = "of the other mode, live or test"
    elif event.account and event.account != settings.STRIPE_ACCOUNT_ID:
        reason = "of another account"
    else:
        return None
    log.critical("stripe event %s is %s", event.id, reason)
    return ignored(reason)


def _decide(row: StripeEvent, verdict: Verdict, now: datetime) -> None:
    row.attempts += 1
    row.reason = verdict.reason[:300]
    row.waits_for = verdict.waits_for
    row.next_attempt_at = None
    if verdict.state == StripeEventState.DEFERRED:
        wait = min(RETRY_FIRST * 2 ** min(row.attempts - 1, 10), RETRY_MAX)
        row.next_attempt_at = now + wait
    if verdict.state == StripeEventState.APPLIED:
        # Only now: the copy never comes before the books.
        row.mirror_at = now
        enqueue_on_commit(Job.STRIPE_INBOX)
    row.save(
        update_fields=[
            "attempts",
            "reason",
            "waits_for",
            "next_attempt_at",
            "mirror_at",
        ]
    )
    if verdict.state != row.state:
        row.advance(verdict.state, at=now)


def _retry_safely(event_id: str, now: datetime) -> bool:
    """Try one event; its trouble must not keep the others waiting."""
    try:
        return _retry(event_id, now)
    except BatchRouterError as error:
        log.warning("stripe event %s waits on: %s", event_id, error.code)
    except Exception:  # the others go on
        log.critical("stripe event %s cannot be applied", event_id, exc_info=True)
    return False


def _retry(event_id: str, now: datetime) -> bool:
    row = StripeEvent.objects.get(event_id=event_id)
    event = read_event(row.payload)
    refunds = _ask_refunds(event)
    with transaction.atomic():
        row = _lock(event_id)
        if row.state != StripeEventState.DEFERRED:
            return False
        verdict = handlers.apply(Told(event, refunds), now=now)
        waits = verdict.state == StripeEventState.DEFERRED
        if waits and row.received_at + KEPT_DEFERRED < now:
            log.critical("stripe event %s never found its payment", event_id)
            verdict = ignored("its payment never became known")
        _decide(row, verdict, now)
    return not waits


def _ask_refunds(event: EventFact) -> list[RefundFact] | None:
    if not handlers.needs_refunds(event):
        return None
    return stripe_gateway.list_refunds(str(event.subject["id"]))


def _mirror(row: StripeEvent, now: datetime) -> bool:
    row.mirror_attempts += 1
    try:
        stripe_gateway.mirror(row.payload)
    except Exception as error:  # noqa: BLE001 a copy that fails must not matter
        log.warning("dj-stripe did not copy %s: %s", row.event_id, type(error).__name__)
        wait = min(RETRY_FIRST * 2**row.mirror_attempts, RETRY_MAX)
        gives_up = row.mirror_attempts >= MIRROR_ATTEMPTS_MAX
        row.mirror_at = None if gives_up else now + wait
    else:
        row.mirror_at, row.mirrored_at = None, now
    row.save(update_fields=["mirror_attempts", "mirror_at", "mirrored_at"])
    return row.mirrored_at is not None
