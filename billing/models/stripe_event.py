"""What Stripe told us, kept as it came, and what we saw when we asked."""

from enum import StrEnum
from typing import ClassVar

from django.db import models
from django.db.models import Q

from batchrouter.kit.states import Moves, Stateful, state_known


class StripeEventState(StrEnum):
    """What became of an event."""

    RECEIVED = "received"  # stored, in the same transaction that decides the rest
    APPLIED = "applied"  # what it tells is in the books
    DEFERRED = "deferred"  # it builds on a fact that is not known yet
    IGNORED = "ignored"  # it tells nothing that concerns our books


STRIPE_EVENT_MOVES: Moves = {
    StripeEventState.RECEIVED: frozenset(
        {
            StripeEventState.APPLIED,
            StripeEventState.DEFERRED,
            StripeEventState.IGNORED,
        }
    ),
    StripeEventState.DEFERRED: frozenset(
        {StripeEventState.APPLIED, StripeEventState.IGNORED}
    ),
}


class StripeEvent(Stateful):
    """The inbox: a verified event, once for its id."""

    moves: ClassVar[Moves] = STRIPE_EVENT_MOVES

    event_id = models.CharField(max_length=255, unique=True)
    event_type = models.CharField(max_length=80)
    payload = models.JSONField()
    received_at = models.DateTimeField(editable=False)
    # The payment that a deferred event waits for; empty where it is not known.
    waits_for = models.CharField(max_length=255, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    # dj-stripe's copy, for support. The books never wait for it.
    mirrored_at = models.DateTimeField(null=True, blank=True)
    mirror_attempts = models.PositiveSmallIntegerField(default=0)
    mirror_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(state="deferred"),
                name="stripe_event_deferred",
            ),
            models.Index(
                fields=["mirror_at"],
                condition=Q(mirror_at__isnull=False),
                name="stripe_event_unmirrored",
            ),
            models.Index(fields=["received_at"], name="stripe_event_by_time"),
        ]
        constraints = [
            state_known(StripeEventState, name="stripe_event_state_known"),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_id}: {self.state}"


class PulledSession(models.Model):
    """A session that Stripe's list called paid; reconciliation compares top-ups."""

    stripe_session_id = models.CharField(max_length=255, unique=True)
    amount_cents = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    seen_at = models.DateTimeField(editable=False)

    def __str__(self) -> str:
        return self.stripe_session_id


class StripePull(models.Model):
    """One walk through Stripe's lists that came to its end."""

    since = models.DateTimeField(editable=False)
    started_at = models.DateTimeField(editable=False)
    finished_at = models.DateTimeField(editable=False)
    events_found = models.PositiveIntegerField(default=0)
    sessions_credited = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["-started_at"], name="stripe_pull_newest")]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M}"
