"""Webhooks as their owner handles them: addresses, secrets, a test, once more."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from accounts.models import Org
from batches.delivery import claims, disabling, secrets, targets
from batches.models import (
    Batch,
    EventType,
    Quote,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
    WebhookSecret,
)
from batches.services.delivery_events import emit
from batches.states import DeliveryState
from batchrouter.kit.destinations import DestinationRefused, read_destination
from batchrouter.kit.errors import Conflict, InvalidRequest, NotFound
from batchrouter.kit.jobs import Job, enqueue_on_commit, ring

# Events, deliveries and tries, for support.
_KEPT: Final = timedelta(days=30)
# After a rotation both secrets sign for a day.
OVERLAP: Final = timedelta(hours=24)


class WebhookUrlRefused(InvalidRequest):
    """The address is not a public one over HTTPS."""

    code = "invalid_webhook_url"


class WebhookDisabled(Conflict):
    """Nothing is sent to this address until it is set anew."""

    code = "webhook_disabled"


class DeliveryOpen(Conflict):
    """It is on its way already."""

    code = "delivery_open"


@dataclass(frozen=True, slots=True)
class Shown:
    """A default endpoint as it was set.

    Attributes:
        secret: a new one of ours, to be shown this once; else None.
    """

    endpoint: WebhookEndpoint
    secret: str | None = field(repr=False)


@transaction.atomic
def set_default(org: Org, *, url: str, secret: str | None, now: datetime) -> Shown:
    """Set an organization's default webhook; a disabled one is tried again.

    Args:
        org: whose it is.
        url: where to.
        secret: the customer's own; with None the present one stays, and the first one
            is made by us.
        now: the present instant.

    Raises:
        WebhookUrlRefused, WebhookSecretRefused.
    """
    _check_url(url)
    if secret is not None:
        secrets.key_of(secret)
    Org.objects.select_for_update(no_key=True).get(pk=org.pk)
    WebhookEndpoint.objects.filter(org=org, is_default=True).exclude(url=url).update(
        is_default=False
    )
    endpoint = _endpoint(org, url, now=now)
    endpoint.is_default = True
    endpoint.save(update_fields=["is_default"])
    made = None
    if secret is not None:
        _replace_secret(org, secret, now=now)
    elif not WebhookSecret.objects.filter(org=org).exists():
        made = secrets.new_secret()
        _replace_secret(org, made, now=now)
    return Shown(endpoint, made)


@transaction.atomic
def remove_default(org: Org) -> None:
    """Send nothing more where a batch names no address; what waits is still sent.

    Raises:
        NotFound: there is none.
    """
    default_of(org)
    WebhookEndpoint.objects.filter(org=org, is_default=True).update(is_default=False)


def default_of(org: Org) -> WebhookEndpoint:
    """Return an organization's default webhook.

    Raises:
        NotFound: there is none.
    """
    found = WebhookEndpoint.objects.filter(org=org, is_default=True).first()
    if found is None:
        raise NotFound("The organization has no default webhook.")
    return found


@transaction.atomic
def rotate_secret(org: Org, *, secret: str | None, now: datetime) -> str:
    """Replace an organization's secret and return the new one; both sign for a day.

    Args:
        org: whose it is; one without any gets its first.
        secret: the customer's own; None lets us make one.
        now: the present instant.

    Raises:
        WebhookSecretRefused.
    """
    made = secrets.new_secret() if secret is None else secret
    secrets.key_of(made)
    Org.objects.select_for_update(no_key=True).get(pk=org.pk)
    _replace_secret(org, made, now=now)
    return made


@transaction.atomic
def attach_webhook(batch: Batch, *, spec: Mapping[str, Any], now: datetime) -> None:
    """Give a new batch the webhook that its quote's spec names, if it names one."""
    if spec["webhook_url"] is None:
        return
    batch.webhook_endpoint = _endpoint(batch.org, spec["webhook_url"], now=now)
    batch.webhook_secret = spec["webhook_secret"] or ""
    batch.save(update_fields=["webhook_endpoint", "webhook_secret"])
    if not batch.webhook_secret:
        _ensure_secret(batch.org, now=now)


def send_test(org: Org, *, now: datetime) -> WebhookDelivery:
    """Send a test event to the default webhook.

    Raises:
        NotFound: there is none.
        WebhookDisabled.
    """
    endpoint = default_of(org)
    _check_enabled(endpoint)
    data = {"message": "A test of your webhook; nothing has happened."}
    return emit(endpoint, EventType.ENDPOINT_TEST, data, batch=None, now=now)


@transaction.atomic
def replay(delivery: WebhookDelivery, *, now: datetime) -> WebhookDelivery:
    """Send an event once more: the same id and bytes, and eight tries anew.

    Raises:
        DeliveryOpen: it waits for a try, or one is under way.
        WebhookDisabled.
    """
    rows = WebhookDelivery.objects.select_for_update(no_key=True, of=("self",))
    locked = rows.select_related("endpoint").get(pk=delivery.pk)
    _check_enabled(locked.endpoint)
    if locked.state not in {DeliveryState.DELIVERED, DeliveryState.FAILED}:
        raise DeliveryOpen("The delivery is on its way already.")
    locked.advance(DeliveryState.PENDING, at=now)
    locked.tries, locked.give_up_at, locked.error = 0, None, ""
    locked.next_attempt_at = now
    locked.save(update_fields=["tries", "give_up_at", "error", "next_attempt_at"])
    enqueue_on_commit(Job.SEND_WEBHOOKS)
    return locked


def sweep_deliveries(*, now: datetime) -> None:
    """Take back what dead workers held, end what is late, ring for what is due."""
    claims.take_back_lost(now=now)
    disabling.end_late()
    disabling.end_forsaken()
    if claims.any_due():
        ring(Job.SEND_WEBHOOKS)


def forget_told(*, now: datetime) -> int:
    """Delete events whose deliveries ended a month ago; return how many rows went."""
    recent = WebhookDelivery.objects.filter(event=OuterRef("pk")).filter(
        Q(state__in=[DeliveryState.PENDING, DeliveryState.SENDING])
        | Q(state_at__gte=now - _KEPT)
    )
    old = WebhookEvent.objects.filter(created_at__lt=now - _KEPT)
    return old.exclude(Exists(recent)).delete()[0]


def _check_url(url: str) -> None:
    try:
        read_destination(url, targets.rules())
    except DestinationRefused as refusal:
        raise WebhookUrlRefused(
            str(refusal), param="url", details={"reason": refusal.reason}
        ) from None


def _check_enabled(endpoint: WebhookEndpoint) -> None:
    if endpoint.disabled_at is not None:
        raise WebhookDisabled(
            "Nothing is sent to this address any more. Set the webhook anew, or name "
            "the address in another batch, to try it again.",
            details={"reason": endpoint.disabled_reason},
        )


def _endpoint(org: Org, url: str, *, now: datetime) -> WebhookEndpoint:
    """Return the organization's row of an address; naming it again enables it."""
    endpoint, _ = WebhookEndpoint.objects.get_or_create(
        org=org, url=url, defaults={"created_at": now}
    )
    WebhookEndpoint.objects.filter(pk=endpoint.pk, disabled_at__isnull=False).update(
        disabled_at=None,
        disabled_reason="",
        failures=0,
        failing_since=None,
        held_until=None,
    )
    endpoint.refresh_from_db()
    return endpoint


def _ensure_secret(org: Org, *, now: datetime) -> None:
    """Let an organization that has no secret have one; rotating it shows one."""
    sealed = secrets.seal(secrets.new_secret())
    WebhookSecret.objects.bulk_create(
        [WebhookSecret(org=org, sealed=sealed, changed_at=now)], ignore_conflicts=True
    )


def _replace_secret(org: Org, secret: str, *, now: datetime) -> None:
    """Keep a new secret; the one before it signs too for a day."""
    before = WebhookSecret.objects.filter(org=org).first()
    WebhookSecret.objects.update_or_create(
        org=org,
        defaults={
            "sealed": secrets.seal(secret),
            "sealed_before": before.sealed if before else "",
            "before_until": now + OVERLAP if before else None,
            "changed_at": now,
        },
    )


@transaction.atomic
def reseal_secrets() -> int:
    """Seal every secret that is kept with the newest sealing key; return how many.

    Raises:
        CannotOpen: one cannot be opened; then none was changed.
    """
    kept = list(WebhookSecret.objects.select_for_update().order_by("pk"))
    for row in kept:
        row.sealed = secrets.reseal(row.sealed)
        row.sealed_before = row.sealed_before and secrets.reseal(row.sealed_before)
    WebhookSecret.objects.bulk_update(kept, ["sealed", "sealed_before"])
    batches = list(Batch.objects.exclude(webhook_secret="").order_by("pk"))
    for batch in batches:
        batch.webhook_secret = secrets.reseal(batch.webhook_secret)
    Batch.objects.bulk_update(batches, ["webhook_secret"])
    quotes = list(Quote.objects.exclude(spec__webhook_secret=None).order_by("pk"))
    for quote in quotes:
        quote.spec["webhook_secret"] = secrets.reseal(quote.spec["webhook_secret"])
    Quote.objects.bulk_update(quotes, ["spec"])
    return len(kept) + len(batches) + len(quotes)
