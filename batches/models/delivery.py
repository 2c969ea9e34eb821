"""Webhooks out: who is told, what was said, and every try to say it."""

from typing import ClassVar

from django.db import models

from accounts.models import Org
from batches.states import DELIVERY_MOVES, DeliveryState
from batchrouter.kit import clock, ids
from batchrouter.kit.states import Moves, Stateful


def new_endpoint_id() -> str:
    """Make an endpoint's public id."""
    return ids.new_id("whe")


def new_event_id() -> str:
    """Make an event's public id; receivers tell repetitions by it."""
    return ids.new_id("evt")


def new_delivery_id() -> str:
    """Make a delivery's public id."""
    return ids.new_id("whd")


class EventType(models.TextChoices):
    """What there is to tell."""

    BATCH_SUBMITTED = "batch.submitted"
    BATCH_PROGRESS = "batch.progress"
    BATCH_COMPLETED = "batch.completed"
    BATCH_FAILED = "batch.failed"
    BATCH_CANCELED = "batch.canceled"
    CREDITS_POSTED = "credits.posted"
    CREDITS_LOW = "credits.low"
    ENDPOINT_TEST = "endpoint.test"


class DisabledReason(models.TextChoices):
    """Why nothing more is sent to an endpoint."""

    GONE = "gone"  # it answered 410
    FAILING = "failing"  # no success for days


class WebhookSecret(models.Model):
    """An organization's own secret, sealed, and the one before it for a day."""

    org = models.OneToOneField(
        Org, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    sealed = models.TextField()
    sealed_before = models.TextField(blank=True)
    before_until = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"secret of {self.org_id}"


class WebhookEndpoint(models.Model):
    """One address of an organization, and how it fares: a breaker of its own.

    ``failures`` counts failed tries since the last success, ``failing_since`` is the
    first of them, and nothing is sent before ``held_until``.
    """

    public_id = models.CharField(max_length=40, unique=True, default=new_endpoint_id)
    org = models.ForeignKey(
        Org, on_delete=models.CASCADE, related_name="webhook_endpoints"
    )
    url = models.CharField(max_length=2048)
    # Told of everything that has no address of its own.
    is_default = models.BooleanField(default=False)
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True, blank=True)
    held_until = models.DateTimeField(null=True, blank=True)
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_reason = models.CharField(
        max_length=8, choices=DisabledReason.choices, blank=True
    )
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["org", "url"], name="endpoint_url_once"),
            models.UniqueConstraint(
                fields=["org"],
                name="endpoint_default_once",
                condition=models.Q(is_default=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} of {self.org_id}"


class WebhookEvent(models.Model):
    """An outbox row: written with the change that it tells of, and never changed.

    ``body`` is what is sent, to the byte, however often it is sent.
    """

    public_id = models.CharField(max_length=40, unique=True, default=new_event_id)
    org = models.ForeignKey(Org, on_delete=models.CASCADE, related_name="+")
    batch = models.ForeignKey(
        "batches.Batch",
        on_delete=models.CASCADE,
        null=True,
        related_name="webhook_events",
        db_index=False,
    )
    type = models.CharField(max_length=20, choices=EventType.choices)
    body = models.TextField()
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [
            models.Index(fields=["batch", "type", "-id"], name="whevent_by_batch"),
            models.Index(fields=["created_at"], name="whevent_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} {self.type}"


class WebhookDelivery(Stateful):
    """An event on its way to an endpoint: the row that is the queue.

    The lease, ``next_attempt_at`` and ``give_up_at`` are judged by the database's clock
    only. ``tries`` counts tries whose end is known since it was queued; ``attempts``
    counts all that were begun.
    """

    moves: ClassVar[Moves] = DELIVERY_MOVES

    public_id = models.CharField(max_length=40, unique=True, default=new_delivery_id)
    event = models.ForeignKey(
        WebhookEvent, on_delete=models.CASCADE, related_name="deliveries"
    )
    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries"
    )
    # Copied from the event: lists start from them.
    org = models.ForeignKey(
        Org, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    batch = models.ForeignKey(
        "batches.Batch",
        on_delete=models.CASCADE,
        null=True,
        related_name="webhook_deliveries",
        db_index=False,
    )
    tries = models.PositiveSmallIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    # Of the first try and what is allowed from there; null before it.
    give_up_at = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    # A word of ours, never of the receiver's.
    error = models.CharField(max_length=24, blank=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["event", "endpoint"], name="delivery_once_per_endpoint"
            ),
        ]
        indexes = [
            models.Index(fields=["org", "-id"], name="delivery_by_org"),
            models.Index(fields=["batch", "-id"], name="delivery_by_batch"),
            # What a claim reads: the endpoints that have work, and the oldest of each.
            models.Index(
                fields=["endpoint", "next_attempt_at", "id"],
                name="delivery_due",
                condition=models.Q(state=DeliveryState.PENDING),
            ),
            models.Index(
                fields=["endpoint", "lease_until"],
                name="delivery_leased",
                condition=models.Q(state=DeliveryState.SENDING),
            ),
        ]


class WebhookAttempt(models.Model):
    """One try, written down before the call and completed after it."""

    delivery = models.ForeignKey(
        WebhookDelivery, on_delete=models.CASCADE, related_name="tried", db_index=False
    )
    no = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    # Empty while the call is under way.
    outcome = models.CharField(max_length=24, blank=True)
    status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    # Rounded: it tells nothing of a network's inside.
    duration_ms = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["delivery", "no"], name="attempt_no_once_per_delivery"
            ),
        ]

    def __str__(self) -> str:
        return f"try {self.no} of {self.delivery_id}"
