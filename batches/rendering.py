"""Rows to the API's JSON."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from batches.delivery.rendering import attempt_json
from batches.delivery.selectors import last_attempt_of
from batches.golden_scores import golden_json
from batches.links import signed_url
from batches.models import Batch, BatchEvent, Execution, StoredFile, WorkUnit
from batches.models.file import FilePurpose
from batches.progress import progress_json
from batches.retention import expires_at
from batches.selectors import Progress, progress_of, standing_of
from batches.states import BatchState
from batches.telling import sentence
from batches.wholes import whole_of
from batchrouter.kit import clock
from batchrouter.kit.money import format_usd

_FILES = ("output", "review", "error", "retry", "golden", "route_receipt")
PHASES = {
    BatchState.PRICED: "Paid for; about to be cut into work units.",
    BatchState.QUEUED: "Waiting for a worker.",
    BatchState.RUNNING: "Being answered by providers.",
    BatchState.FINALIZING: "Writing files, settling and signing receipts.",
    BatchState.COMPLETED: "Finished.",
    BatchState.FAILED: "Finished without a single answer.",
    BatchState.CANCELED: "Stopped on request.",
}
# Work units on a batch's page; all of them are in the route receipt.
_UNITS_SHOWN = 50


def batch_json(batch: Batch, *, now: datetime) -> dict[str, Any]:
    """Return a batch, and the same object again under ``batch`` for older clients."""
    body = _batch_body(batch, now=now)
    return {**body, "batch": body}


def _batch_body(batch: Batch, *, now: datetime) -> dict[str, Any]:
    standing = standing_of(batch)
    return {
        **_summary(batch, standing.progress, now=now),
        "delivery": _told(batch),
        "progress": progress_json(batch, standing, now=now),
        "retries": [
            {
                "batch_id": retry.public_id,
                "state": retry.state,
                "item_count": retry.item_count,
            }
            for retry in batch.retries.order_by("id")
        ],
        **_work_units(batch),
        "execution_summary": execution_summary(batch),
        "golden": golden_json(batch),
    }


def batch_summary(batch: Batch, *, now: datetime) -> dict[str, Any]:
    """Return a batch for a list: without units, executions, pace and last webhook.

    An ended batch costs no further query, an open one a single one.
    """
    return _summary(batch, progress_of(batch), now=now)


def _summary(batch: Batch, progress: Progress, *, now: datetime) -> dict[str, Any]:
    quote, spec = batch.quote, batch.quote.spec
    return {
        "id": batch.public_id,
        "object": "batch",
        "org_id": batch.org.public_id,
        "state": batch.state,
        "phase": PHASES[BatchState(batch.state)],
        "terminal_reason": batch.terminal_reason or None,
        "is_sample": batch.is_sample,
        "counts": progress.counts(),
        "completeness": _completeness(progress),
        "sla_tier": spec["sla_tier"],
        "routing_mode": spec["routing_mode"],
        "privacy_tier": spec["privacy_tier"],
        "allowed_regions": spec["allowed_regions"],
        "pricing_estimate": quote.reply["pricing_estimate"],
        "charged": None
        if batch.charged_nanousd is None
        else format_usd(batch.charged_nanousd),
        "quote_id": quote.public_id,
        "route_version": quote.route_version_id,
        "deadline_at": clock.iso(batch.deadline_at),
        "cancel_requested_at": clock.iso_or_none(batch.cancel_requested_at),
        "input_file_id": batch.manifest.file.public_id,
        "parent_batch_id": None if batch.parent is None else batch.parent.public_id,
        "content_expires_at": clock.iso_or_none(
            None if batch.content_deleted_at else expires_at(batch)
        ),
        "content_deleted_at": clock.iso_or_none(batch.content_deleted_at),
        **_files(batch, now=now),
        "delivery": _delivery(spec),
        "metadata": batch.metadata,
        "created_at": clock.iso(batch.created_at),
        "updated_at": clock.iso(batch.state_at),
        "completed_at": clock.iso_or_none(batch.completed_at),
    }


def _completeness(progress: Progress) -> float:
    return round(progress.completed / progress.total, 6)


def _delivery(spec: dict[str, Any]) -> dict[str, Any] | None:
    if spec["webhook_url"] is None:
        return None
    return {"webhook_url": spec["webhook_url"]}


def _told(batch: Batch) -> dict[str, Any] | None:
    """Return who is told of the batch, and what came of the last try."""
    last = last_attempt_of(batch)
    if last is None:
        own = _delivery(batch.quote.spec)
        return None if own is None else {**own, "last_attempt": None}
    url = batch.quote.spec["webhook_url"] or last.delivery.endpoint.url
    return {"webhook_url": url, "last_attempt": attempt_json(last)}


def _files(batch: Batch, *, now: datetime) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for name in _FILES:
        file: StoredFile | None = getattr(batch, f"{name}_file")
        if file is not None and file.deleted_at is not None:
            file = None
        shown[f"{name}_file_id"] = file.public_id if file else None
        shown[f"{name}_file_url"] = signed_url(file, now=now) if file else None
    shown["route_receipt_url"] = shown["route_receipt_file_url"]
    return shown


def _work_units(batch: Batch) -> dict[str, Any]:
    units = list(
        WorkUnit.objects.filter(batch=batch)
        .select_related("plan")
        .order_by("id")[: _UNITS_SHOWN + 1]
    )
    stages = {stored["group_no"]: stored["stages"] for stored in batch.quote.decisions}
    return {
        "work_units": [
            unit_json(unit, _stages(unit, stages)[unit.stage])
            for unit in units[:_UNITS_SHOWN]
        ],
        "work_units_truncated": len(units) > _UNITS_SHOWN,
    }


def _stages(
    unit: WorkUnit, decided: Mapping[int, list[dict[str, Any]]]
) -> list[dict[str, Any]]:
    """Return the stages that hold for a unit: a later plan's go before the quote's."""
    if unit.plan is not None:
        planned: list[dict[str, Any]] = unit.plan.stages
        return planned
    return decided[unit.group_no]


def unit_json(unit: WorkUnit, stage: dict[str, Any]) -> dict[str, Any]:
    """Return one work unit on its present lane."""
    return {
        "id": unit.public_id,
        "state": unit.state,
        "group_no": unit.group_no,
        "items": f"{unit.seq_from}-{unit.seq_to}",
        "item_count": unit.item_count,
        "provider": stage["provider"],
        "model": stage["model"],
        "mode": unit.mode,
        "stage": unit.stage,
        "counts": {
            "completed": unit.completed + unit.review,
            "failed": unit.failed,
            "canceled": unit.canceled,
            "expired": unit.expired,
        },
        "next_action_at": clock.iso(unit.next_action_at),
    }


def execution_summary(batch: Batch) -> dict[str, Any]:
    """Return which providers worked, how much each delivered, and what went wrong."""
    executions = Execution.objects.filter(batch=batch).values_list(
        "provider", "completed", "stage", "failures"
    )
    delivered: Counter[str] = Counter()
    routed: list[str] = []
    fallbacks = retries = 0
    for provider, completed, stage, failures in executions:
        if provider not in routed:
            routed.append(provider)
        delivered[provider] += completed
        fallbacks += stage > 0
        retries += sum(failures.values())
    return {
        "routed_providers": routed,
        "final_provider_breakdown": dict(delivered),
        "fallbacks": fallbacks,
        "retries": retries,
    }


def file_json(file: StoredFile) -> dict[str, Any]:
    """Return one file."""
    shown: dict[str, Any] = {
        "id": file.public_id,
        "object": "file",
        "purpose": file.purpose,
        "filename": file.filename,
        "bytes": file.size_bytes,
        "sha256": file.sha256,
        "line_count": file.line_count,
        "created_at": clock.iso(file.created_at),
    }
    if file.purpose == FilePurpose.MANIFEST:
        manifest = whole_of(file)
        shown["item_count"] = manifest.item_count
        shown["duplicates"] = manifest.duplicates
        shown["skipped_count"] = manifest.skipped_count
        shown["skipped"] = manifest.skipped
    return shown


def event_json(event: BatchEvent) -> dict[str, Any]:
    """Return one line of the timeline; a cause comes with what it means."""
    cause = event.data.get("cause")
    told = {"reason": sentence(cause)} if cause and "reason" not in event.data else {}
    return {
        "id": f"evt_{event.pk}",
        "object": "batch.event",
        "type": event.kind,
        "data": {**event.data, **told},
        "created_at": clock.iso(event.created_at),
    }
