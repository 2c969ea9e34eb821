"""Quote to batch: reserve the total and open the batch, in one transaction."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from accounts.models import ApiKey, Org
from accounts.spending import take
from batches.engine.lifecycle import record_event
from batches.models import Batch, EventType, Quote
from batches.services import retrying
from batches.services.delivery import attach_webhook
from batches.services.delivery_events import announce_batch
from batches.services.inputs import hold_input
from batches.states import BatchState, QuoteState
from batchrouter.kit.errors import BatchRouterError, Conflict
from batchrouter.kit.jobs import Job, enqueue_on_commit
from batchrouter.kit.money import format_usd
from billing.reservations import reserve

# A reservation outlives its batch's deadline by this; reconciliation alarms then.
_HOLD_AFTER_DEADLINE = timedelta(hours=24)


class QuoteExpired(BatchRouterError):
    """The quote's ten minutes are over; ask for a new one."""

    code = "quote_expired"
    status = 410
    error_type = "invalid_request_error"


class QuoteAccepted(Conflict):
    """A batch exists for this quote, or for a point of its curve, already."""

    code = "quote_accepted"


class ManifestDiffers(Conflict):
    """The manifest sent along is not the one that was quoted."""

    code = "quote_manifest_mismatch"


class QuoteModeDiffers(Conflict):
    """A test key submits what was quoted for live lanes, or the other way round."""

    code = "quote_mode_mismatch"


@transaction.atomic
def submit_quote(
    *, org: Org, quote: Quote, api_key: ApiKey | None, now: datetime
) -> Batch:
    """Turn an active quote into a batch and reserve its total.

    The other points of its curve are void from then on.

    Raises:
        QuoteExpired, QuoteAccepted, QuoteModeDiffers, InsufficientCredits,
        KeySpendLimitExceeded.
        ContentDeleted: the input is gone, or the batch that is to be retried is.
        RetryInProgress: another retry was faster.
    """
    if api_key is not None and api_key.is_test != quote.is_test:
        raise QuoteModeDiffers(
            "A test key submits its own quotes, and a live key those of live lanes.",
            param="quote_id",
        )
    curve = _locked_curve(quote)
    locked = curve.pop(quote.pk)
    check_acceptable(locked, now=now)
    locked.advance(QuoteState.ACCEPTED, at=now)
    for other in curve.values():
        if other.state == QuoteState.ACTIVE:
            other.advance(QuoteState.VOID, at=now)
    parent = locked.retry_of
    if parent is not None:
        retrying.lock_family(parent)
        retrying.check_free(locked.manifest, parent)
    hold_input(locked.manifest)
    batch = Batch.objects.create(
        state=BatchState.PRICED,
        state_at=now,
        org=org,
        quote=locked,
        manifest_id=locked.manifest_id,
        parent=parent,
        api_key=api_key,
        item_count=locked.item_count,
        metadata=quote.spec.get("metadata") or {},
        retention_days=quote.spec.get("retention_days"),
        deadline_at=locked.deadline_at,
        created_at=now,
    )
    reserve(
        org=org,
        purpose=batch.purpose,
        amount_nanousd=locked.total_nanousd,
        reason=f"Ceiling of batch {batch.public_id}",
        expires_at=batch.deadline_at + _HOLD_AFTER_DEADLINE,
        now=now,
    )
    if api_key is not None:
        take(api_key, locked.total_nanousd)
    attach_webhook(batch, spec=quote.spec, now=now)
    record_event(
        batch.pk,
        "batch.submitted",
        {
            "quote_id": locked.public_id,
            "items": batch.item_count,
            "reserved": format_usd(locked.total_nanousd),
        },
        now=now,
    )
    announce_batch(batch, EventType.BATCH_SUBMITTED, now=now)
    if parent is not None:
        record_event(
            parent.pk,
            "retry.submitted",
            {"batch_id": batch.public_id, "items": batch.item_count},
            now=now,
        )
    enqueue_on_commit(Job.DISPATCH_BATCH, batch_id=batch.pk)
    return batch


def _locked_curve(quote: Quote) -> dict[int, Quote]:
    """Lock a quote with all points of its curve, in one order for everybody."""
    root_id = quote.curve_of_id or quote.pk
    family = Quote.objects.filter(Q(pk=root_id) | Q(curve_of_id=root_id))
    locked = family.order_by("pk").select_for_update(no_key=True)
    return {row.pk: row for row in locked.defer("spec", "decisions", "reply")}


def check_acceptable(quote: Quote, *, now: datetime) -> None:
    """Refuse a quote that is no longer active.

    Raises:
        QuoteExpired, QuoteAccepted.
    """
    if quote.state == QuoteState.ACCEPTED:
        raise QuoteAccepted("A batch was already created from this quote.")
    if quote.state == QuoteState.VOID:
        raise QuoteAccepted(
            "A batch was already created from another point of this quote's curve."
        )
    if quote.state == QuoteState.EXPIRED or now >= quote.valid_until:
        raise QuoteExpired("This quote has expired; ask for a new one.")
