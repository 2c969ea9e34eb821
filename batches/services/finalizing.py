"""End a batch whose items all have rows: files, settlement, receipts, in that order.

Files are content-addressed, so writing them again is harmless. Money, receipts, file
rows and the final state are one transaction: a crash leaves nothing or all of it.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from accounts.spending import give_back
from batches.blobs import name_blob
from batches.engine.keeping import KeepLease
from batches.engine.lifecycle import record_event
from batches.models import Batch, EventType, StoredFile, WorkUnit
from batches.models.file import FilePurpose
from batches.services import artifacts, outcomes, receipts, rolling_up
from batches.services.artifacts import Merged, RowsIncomplete, Totals
from batches.services.delivery_events import announce_batch
from batches.states import BATCH_TERMINAL, UNIT_OPEN, BatchState, RowStatus
from batches.store import store
from batchrouter.kit import clock
from batchrouter.kit.hashing import canonical_json
from batchrouter.kit.money import fee_nanousd, format_usd
from billing.reservations import settle

# Kept while the files are written. A second finalizer would be harmless, but two that
# took the batch from each other would never end it.
_LEASE = timedelta(seconds=60)
_FILE_OF_NAME = {
    "output": FilePurpose.OUTPUT,
    "review": FilePurpose.REVIEW,
    "error": FilePurpose.ERROR,
    "retry": FilePurpose.RETRY,
    "golden": FilePurpose.GOLDEN,
}


@dataclass(frozen=True, slots=True)
class Ending:
    """How a batch ends."""

    state: BatchState
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """What was read of the rows before the transaction that settles them."""

    merged: Merged
    totals: Totals
    summary: rolling_up.Summary


def finalize_batch(batch_id: int, *, now: datetime) -> None:
    """Finish a batch; safe to ring twice, and to repeat after a crash.

    Raises:
        RowsIncomplete: an item has no row; the batch stays open and is looked at.
    """
    token = _claim(batch_id, now=now)
    if token is None:
        return
    batch = Batch.objects.select_related("quote", "manifest__file", "org").get(
        pk=batch_id
    )
    with KeepLease(lambda: _extend(batch_id, token)):
        merged = artifacts.merge(batch)
        totals = artifacts.totals(batch_id)
        if sum(totals.counts.values()) != merged.row_count:
            raise RowsIncomplete("rows were added while the artifacts were written")
        found = Found(merged, totals, rolling_up.read(batch))
    _finish(batch, found, token, now=now)


def _claim(batch_id: int, *, now: datetime) -> uuid.UUID | None:
    """Take the batch's own lease once it has no open unit; None when it is not due."""
    token = uuid.uuid4()
    with transaction.atomic():
        batch = Batch.objects.select_for_update(no_key=True).get(pk=batch_id)
        is_held = batch.lease_until is not None and batch.lease_until > now
        if batch.state in BATCH_TERMINAL or batch.state == BatchState.PRICED or is_held:
            return None
        if WorkUnit.objects.filter(batch=batch, state__in=UNIT_OPEN).exists():
            return None
        if batch.state != BatchState.FINALIZING:
            batch.advance(BatchState.FINALIZING, at=now)
            record_event(batch.pk, "batch.finalizing", {}, now=now)
        Batch.objects.filter(pk=batch_id).update(
            lease_token=token, lease_until=now + _LEASE
        )
    return token


def _extend(batch_id: int, token: uuid.UUID) -> bool:
    """Make the batch's lease last on; False when it is another finalizer's."""
    ours = Batch.objects.filter(pk=batch_id, lease_token=token)
    return ours.update(lease_until=clock.now() + _LEASE) == 1


def ending_of(batch: Batch, totals: Totals) -> Ending:
    """Decide the terminal state and its reason."""
    done = totals.counts.get(RowStatus.COMPLETED, 0) + totals.counts.get(
        RowStatus.REVIEW, 0
    )
    if batch.cancel_requested_at is not None and totals.counts.get(RowStatus.CANCELED):
        return Ending(BatchState.CANCELED, "customer_cancel")
    if totals.counts.get(RowStatus.EXPIRED):
        state = BatchState.COMPLETED if done else BatchState.FAILED
        return Ending(state, "deadline_missed")
    if not done:
        return Ending(BatchState.FAILED, "all_rows_failed")
    return Ending(BatchState.COMPLETED, "")


@transaction.atomic
def _finish(batch: Batch, found: Found, token: uuid.UUID, *, now: datetime) -> None:
    merged, totals = found.merged, found.totals
    locked = Batch.objects.select_for_update(no_key=True).get(pk=batch.pk)
    if locked.lease_token != token or locked.state != BatchState.FINALIZING:
        return
    fee = fee_nanousd(totals.subtotal_nanousd, fee_bps=batch.quote.fee_bps)
    settlement = settle(
        purpose=batch.purpose,
        usage_nanousd=totals.subtotal_nanousd,
        fee_nanousd=fee,
        now=now,
    )
    give_back(batch.api_key_id, settlement.released_nanousd)
    ending = ending_of(locked, totals)
    files = _file_rows(batch, merged, now=now)
    route = receipts.issue_route_receipt(
        batch, merged, totals, state=ending.state, now=now
    )
    receipts.issue_billing_receipt(batch, totals, settlement, now=now)
    files["route_receipt"] = _receipt_file(batch, canonical_json(route), now=now)
    for name, row in files.items():
        setattr(locked, f"{name}_file", row)
    locked.terminal_reason = ending.reason
    locked.result_counts = outcomes.counts_json(totals.counts, batch.item_count)
    locked.charged_nanousd = settlement.charged_nanousd
    locked.completed_at = now
    locked.is_rolled_up = True
    locked.lease_token, locked.lease_until = None, None
    locked.save()
    locked.advance(ending.state, at=now)
    record_event(
        batch.pk,
        f"batch.{ending.state}",
        {
            "reason": ending.reason or None,
            "counts": locked.result_counts,
            "charged": format_usd(settlement.charged_nanousd),
            "released": format_usd(settlement.released_nanousd),
        },
        now=now,
    )
    announce_batch(locked, EventType(f"batch.{ending.state}"), now=now)
    outcomes.tell_market(batch, now=now)
    rolling_up.fold(
        batch, found.summary, charged_nanousd=settlement.charged_nanousd, now=now
    )


def _file_rows(batch: Batch, merged: Merged, *, now: datetime) -> dict[str, StoredFile]:
    return {
        name: name_blob(
            blob,
            org_id=batch.org_id,
            purpose=_FILE_OF_NAME[name],
            filename=f"{batch.public_id}_{name}.ndjson",
            line_count=lines,
            now=now,
        )
        for name, (blob, lines) in merged.blobs.items()
    }


def _receipt_file(batch: Batch, body: bytes, *, now: datetime) -> StoredFile:
    with store().new_blob() as out:
        out.write(body)
        blob = out.keep()
    return name_blob(
        blob,
        org_id=batch.org_id,
        purpose=FilePurpose.ROUTE_RECEIPT,
        filename=f"{batch.public_id}_route_receipt.json",
        line_count=1,
        now=now,
    )
