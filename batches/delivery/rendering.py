"""Webhooks to the API's JSON: words and statuses, never a receiver's own text."""

from collections.abc import Iterable
from typing import Any

from batches.delivery.selectors import Webhook
from batches.models import WebhookAttempt, WebhookDelivery
from batches.states import DeliveryState
from batchrouter.kit import clock


def webhook_json(webhook: Webhook, *, secret: str | None = None) -> dict[str, Any]:
    """Return a default webhook; a secret of ours only at the moment it is made."""
    endpoint = webhook.endpoint
    body: dict[str, Any] = {
        "object": "delivery_webhook",
        "id": None,
        "url": None,
        "enabled": False,
        "disabled_at": None,
        "disabled_reason": None,
        "failing_since": None,
        "created_at": None,
    }
    if endpoint is not None:
        body |= {
            "id": endpoint.public_id,
            "url": endpoint.url,
            "enabled": endpoint.disabled_at is None,
            "disabled_at": clock.iso_or_none(endpoint.disabled_at),
            "disabled_reason": endpoint.disabled_reason or None,
            "failing_since": clock.iso_or_none(endpoint.failing_since),
            "created_at": clock.iso(endpoint.created_at),
        }
    return {
        **body,
        "secret": secret,
        "secret_changed_at": clock.iso_or_none(webhook.secret_changed_at),
        "previous_secret_until": clock.iso_or_none(webhook.previous_secret_until),
    }


def delivery_json(delivery: WebhookDelivery) -> dict[str, Any]:
    """Return an event on its way to an endpoint."""
    is_pending = delivery.state == DeliveryState.PENDING
    next_at = clock.iso(delivery.next_attempt_at) if is_pending else None
    return {
        "id": delivery.public_id,
        "object": "webhook_delivery",
        "event_id": delivery.event.public_id,
        "event": delivery.event.type,
        "batch_id": delivery.batch.public_id if delivery.batch else None,
        "url": delivery.endpoint.url,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "error": delivery.error or None,
        "next_attempt_at": next_at,
        "created_at": clock.iso(delivery.created_at),
        "updated_at": clock.iso(delivery.state_at),
    }


def full_delivery_json(
    delivery: WebhookDelivery, attempts: Iterable[WebhookAttempt]
) -> dict[str, Any]:
    """Return a delivery with its tries and the very text that is sent."""
    return {
        **delivery_json(delivery),
        "body": delivery.event.body,
        "tries": [attempt_json(attempt) for attempt in attempts],
    }


def attempt_json(attempt: WebhookAttempt) -> dict[str, Any]:
    """Return one try."""
    delivery = attempt.delivery
    return {
        "object": "webhook_attempt",
        "delivery_id": delivery.public_id,
        "event_id": delivery.event.public_id,
        "event": delivery.event.type,
        "url": delivery.endpoint.url,
        "attempt": attempt.no,
        "outcome": attempt.outcome or None,
        "status_code": attempt.status_code,
        "duration_ms": attempt.duration_ms,
        "started_at": clock.iso(attempt.started_at),
        "ended_at": clock.iso_or_none(attempt.ended_at),
    }
