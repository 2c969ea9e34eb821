"""Reads about webhooks, for the API and for pages; every one starts from an org.

A page of a batch shows ``attempts_of(batch)`` by :func:`rendering.attempt_json`; a page
of the organization's webhook shows ``webhook_of(org)`` and ``deliveries_of(org)``.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from accounts.models import Org
from batches.models import (
    Batch,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookSecret,
)
from batchrouter.kit.errors import NotFound


@dataclass(frozen=True, slots=True)
class Webhook:
    """An organization's default webhook and what may be told of its secret."""

    endpoint: WebhookEndpoint | None
    secret_changed_at: datetime | None
    previous_secret_until: datetime | None


def webhook_of(org: Org, *, now: datetime) -> Webhook:
    """Return an organization's default webhook; an endpoint of None where none is."""
    endpoint = WebhookEndpoint.objects.filter(org=org, is_default=True).first()
    secret = WebhookSecret.objects.filter(org=org).first()
    until = None if secret is None else secret.before_until
    return Webhook(
        endpoint,
        None if secret is None else secret.changed_at,
        until if until is not None and until > now else None,
    )


def endpoints_of(org: Org) -> QuerySet[WebhookEndpoint]:
    """Return every address that was named, the default one first, then the newest."""
    return WebhookEndpoint.objects.filter(org=org).order_by("-is_default", "-pk")


def deliveries_of(org: Org) -> QuerySet[WebhookDelivery]:
    """Return an organization's deliveries, with what a line about each shows."""
    rows = WebhookDelivery.objects.filter(org=org)
    return rows.select_related("event", "endpoint", "batch")


def delivery_of(org: Org, public_id: str) -> WebhookDelivery:
    """Return an organization's delivery.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    found = deliveries_of(org).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("There is no such delivery.")
    return found


def attempts_of(batch: Batch) -> QuerySet[WebhookAttempt]:
    """Return every try to tell of a batch, with what a line about each shows."""
    rows = WebhookAttempt.objects.filter(delivery__batch=batch)
    return rows.select_related("delivery__event", "delivery__endpoint")


def attempts_to(org: Org, delivery: WebhookDelivery) -> QuerySet[WebhookAttempt]:
    """Return the tries of one delivery, the first one first."""
    rows = WebhookAttempt.objects.filter(delivery=delivery, delivery__org=org)
    return rows.select_related("delivery__event", "delivery__endpoint").order_by("no")


def last_attempt_of(batch: Batch) -> WebhookAttempt | None:
    """Return the latest try to tell of a batch, if there was one."""
    return attempts_of(batch).order_by("-id").first()
