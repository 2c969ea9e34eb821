"""What is told by webhook: an event and its delivery, written with the change itself.

A body holds ids, states, counts and money; never a prompt, an output or metadata, and
no link that opens without a key: an address may have another owner by then.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from accounts.models import Org
from batches.models import (
    Batch,
    EventType,
    StoredFile,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from batches.models.delivery import new_event_id
from batches.selectors import progress_of
from batches.states import BatchState, DeliveryState
from batchrouter.kit import clock
from batchrouter.kit.jobs import Job, enqueue_on_commit
from batchrouter.kit.money import format_usd

# The contract's, section 9: no more often than this.
PROGRESS_PAUSE: Final = timedelta(seconds=30)
_FILES: Final = ("output", "review", "error", "retry", "route_receipt")


def announce_batch(batch: Batch, kind: EventType, *, now: datetime) -> None:
    """Tell a batch's own webhook, or the organization's, in the change's transaction.

    Args:
        batch: locked, and as it is after the change.
        kind: what happened.
        now: the instant of the change.
    """
    endpoint = _endpoint_of(batch)
    if endpoint is None:
        return
    sequence = WebhookEvent.objects.filter(batch=batch).count() + 1
    data = {"batch_id": batch.public_id, "sequence": sequence, **_facts(batch)}
    emit(endpoint, kind, data, batch=batch, now=now)


def announce_credits(
    org: Org, kind: EventType, data: Mapping[str, Any], *, now: datetime
) -> None:
    """Tell the organization's webhook of its credits, in the posting's transaction."""
    endpoint = _default_of(org.pk)
    if endpoint is not None:
        emit(endpoint, kind, data, batch=None, now=now)


@transaction.atomic
def emit(
    endpoint: WebhookEndpoint,
    kind: EventType,
    data: Mapping[str, Any],
    *,
    batch: Batch | None,
    now: datetime,
) -> WebhookDelivery:
    """Write an event and its delivery down, and ring for them on commit."""
    event_id = new_event_id()
    body = {"id": event_id, "type": kind, "created": clock.iso(now), "data": data}
    event = WebhookEvent.objects.create(
        public_id=event_id,
        org_id=endpoint.org_id,
        batch=batch,
        type=kind,
        body=orjson.dumps(body).decode(),
        created_at=now,
    )
    delivery = WebhookDelivery.objects.create(
        state=DeliveryState.PENDING,
        state_at=now,
        event=event,
        endpoint=endpoint,
        org_id=endpoint.org_id,
        batch=batch,
        next_attempt_at=now,
        created_at=now,
    )
    enqueue_on_commit(Job.SEND_WEBHOOKS)
    return delivery


def announce_progress(*, now: datetime) -> None:
    """Tell of every running batch that came further since it was last told of."""
    for batch_id in _running_and_heard().values_list("pk", flat=True):
        _announce_progress_of(batch_id, now=now)


@transaction.atomic
def _announce_progress_of(batch_id: int, *, now: datetime) -> None:
    rows = Batch.objects.select_for_update(no_key=True, skip_locked=True)
    batch = rows.filter(pk=batch_id, state=BatchState.RUNNING).first()
    if batch is None:
        return
    told = (
        WebhookEvent.objects.filter(batch=batch, type=EventType.BATCH_PROGRESS)
        .order_by("-id")
        .first()
    )
    if told is not None and now - told.created_at < PROGRESS_PAUSE:
        return
    counts = progress_of(batch).counts()
    before = _open_items(orjson.loads(told.body)["data"]["counts"]) if told else None
    if _open_items(counts) not in {before, counts["total"]}:
        announce_batch(batch, EventType.BATCH_PROGRESS, now=now)


def _open_items(counts: Mapping[str, int]) -> int:
    return counts["pending"] + counts["running"]


def _running_and_heard() -> Any:
    own = Q(webhook_endpoint__isnull=False, webhook_endpoint__disabled_at=None)
    orgs = WebhookEndpoint.objects.filter(is_default=True, disabled_at=None)
    default = Q(webhook_endpoint=None, org__in=orgs.values("org"))
    return Batch.objects.filter(own | default, state=BatchState.RUNNING)


def _endpoint_of(batch: Batch) -> WebhookEndpoint | None:
    """Return who is told of a batch, if anybody: its own webhook wins."""
    if batch.webhook_endpoint_id is None:
        return _default_of(batch.org_id)
    own = WebhookEndpoint.objects.get(pk=batch.webhook_endpoint_id)
    return own if own.disabled_at is None else None


def _default_of(org_id: int) -> WebhookEndpoint | None:
    return WebhookEndpoint.objects.filter(
        org=org_id, is_default=True, disabled_at=None
    ).first()


def _facts(batch: Batch) -> dict[str, Any]:
    charged = batch.charged_nanousd
    facts: dict[str, Any] = {
        "state": batch.state,
        "terminal_reason": batch.terminal_reason or None,
        "counts": progress_of(batch).counts(),
        "charge": None if charged is None else money_json(charged),
        "deadline_at": clock.iso(batch.deadline_at),
        "created_at": clock.iso(batch.created_at),
        "completed_at": clock.iso_or_none(batch.completed_at),
    }
    for name in _FILES:
        file: StoredFile | None = getattr(batch, f"{name}_file")
        facts[f"{name}_file_id"] = file.public_id if file else None
        facts[f"{name}_file_url"] = _content_url(file) if file else None
    return facts


def _content_url(file: StoredFile) -> str:
    """Return where the API hands the file out, to whoever shows a key."""
    return f"{settings.PUBLIC_BASE_URL}/v1/files/{file.public_id}/content"


def money_json(nanousd: int) -> dict[str, str]:
    """Return an amount as the API writes money."""
    return {"amount": format_usd(nanousd), "currency": "usd"}
