"""The two receipts of a batch: how it was routed, and what it cost."""

from datetime import datetime
from typing import Any

from django.db import connection

from batches import decisions
from batches.engine.lifecycle import LANE_SHIFTED
from batches.golden_scores import golden_json
from batches.lane_changes import changes_of
from batches.models import Batch, Execution, WorkUnit
from batches.selectors import events_of
from batches.services.artifacts import Merged, Totals
from batchrouter.kit import clock
from batchrouter.kit.money import format_usd
from billing.receipts import SignedReceipt, issue_receipt, receipt_json
from billing.reservations import Settlement
from catalog.pricing import Price

VERSION = 1


def issue_route_receipt(
    batch: Batch, merged: Merged, totals: Totals, *, state: str, now: datetime
) -> SignedReceipt:
    """Sign what was decided and what happened, with a Merkle root over the rows."""
    document = {
        "version": VERSION,
        "batch_id": batch.public_id,
        "quote_id": batch.quote.public_id,
        "state": state,
        "route_version": batch.quote.route_version_id,
        "deadline_at": clock.iso(batch.deadline_at),
        "decisions": [_decision_json(stored) for stored in batch.quote.decisions],
        "work_units": _units_json(batch),
        "golden": golden_json(batch),
        "lane_changes": _lane_changes_json(batch),
        "plan_changes": _plan_changes_json(batch),
        "duplicates": duplicates_json(batch),
        "rows": {
            "total": merged.row_count,
            "by_status": totals.counts,
            "merkle_root": merged.merkle_root,
            "hash": "sha256",
        },
        "files": {
            name: {"sha256": blob.sha256, "bytes": blob.size_bytes, "lines": lines}
            for name, (blob, lines) in merged.blobs.items()
        },
    }
    return receipt_json(
        issue_receipt(
            org=batch.org,
            kind="route",
            purpose=batch.purpose,
            document=document,
            now=now,
        )
    )


def _decision_json(stored: dict[str, Any]) -> dict[str, Any]:
    """Show a stored decision: its candidates, scores, refusals and order."""
    return {
        "group_no": stored["group_no"],
        "operation": stored["operation"],
        "item_count": stored["item_count"],
        "route_decision": stored["route"],
        "candidates": stored["judged"],
        "fallback_order": [
            {
                "provider": stage["provider"],
                "model": stage["model"],
                "mode": stage["mode"],
                "leave_at": stage["leave_at"],
            }
            for stage in stored["stages"]
        ],
    }


def _units_json(batch: Batch) -> list[dict[str, Any]]:
    executions: dict[int, list[dict[str, Any]]] = {}
    for execution in Execution.objects.filter(batch=batch).order_by("id"):
        executions.setdefault(execution.unit_id, []).append(_attempt_json(execution))
    return [
        {
            "work_unit_id": unit.public_id,
            "group_no": unit.group_no,
            "items": f"{unit.seq_from}-{unit.seq_to}",
            "item_count": unit.item_count,
            "completed": unit.completed,
            "failed": unit.failed,
            "canceled": unit.canceled,
            "expired": unit.expired,
            "review": unit.review,
            "attempts": executions.get(unit.pk, []),
        }
        for unit in WorkUnit.objects.filter(batch=batch).order_by("id")
    ]


def _attempt_json(execution: Execution) -> dict[str, Any]:
    return {
        "execution_id": execution.public_id,
        "provider": execution.provider,
        "model": execution.model,
        "provider_model": execution.provider_model,
        "mode": execution.mode,
        "provider_job_id": execution.provider_job_id or None,
        "state": execution.state,
        "outcome": execution.outcome,
        "item_count": execution.item_count,
        "completed": execution.completed,
        "failures": execution.failures,
        "started_at": clock.iso(execution.started_at),
        "ended_at": clock.iso_or_none(execution.ended_at),
    }


def _lane_changes_json(batch: Batch) -> list[dict[str, Any]]:
    """Show which units moved from lane to lane, when, and for which causes."""
    changes = events_of(batch).filter(kind=LANE_SHIFTED).order_by("id")
    return [{"at": clock.iso(event.created_at), **event.data} for event in changes]


def _plan_changes_json(batch: Batch) -> list[dict[str, Any]]:
    """Show which units got a new plan, had to wait, or left a job that stalled."""
    return [
        {"work_unit_id": unit_id, **told}
        for unit_id, changes in changes_of(batch).items()
        for _, told in changes
        if told["type"] != "lane_change"
    ]


def issue_billing_receipt(
    batch: Batch, totals: Totals, settlement: Settlement, *, now: datetime
) -> SignedReceipt:
    """Sign what was quoted, held, charged and given back."""
    quote = batch.quote
    row_fees = totals.row_charge_nanousd - totals.subtotal_nanousd
    document = {
        "version": VERSION,
        "batch_id": batch.public_id,
        "currency": "usd",
        "quote": {
            "quote_id": quote.public_id,
            "quoted_at": clock.iso(quote.created_at),
            "valid_until": clock.iso(quote.valid_until),
            "total": format_usd(quote.total_nanousd),
            "expected_total": format_usd(quote.expected_total_nanousd),
        },
        "prices": [_quoted_price_json(stored) for stored in quote.decisions],
        "lines": _lines_json(batch),
        "golden": {"items": batch.manifest.golden_count, "charged": format_usd(0)},
        "provider_subtotal": format_usd(settlement.usage_nanousd),
        "fee_bps": quote.fee_bps,
        "service_fee": format_usd(settlement.fee_nanousd),
        "fee_rounding": format_usd(settlement.fee_nanousd - row_fees),
        "duplicates": duplicates_json(batch),
        "reserved": format_usd(settlement.reserved_nanousd),
        "charged": format_usd(settlement.charged_nanousd),
        "released": format_usd(settlement.released_nanousd),
        "reservation_id": settlement.reservation_id,
        "ledger_transactions": [
            settlement.reserve_transaction_id,
            settlement.settle_transaction_id,
        ],
    }
    return receipt_json(
        issue_receipt(
            org=batch.org,
            kind="billing",
            purpose=batch.purpose,
            document=document,
            now=now,
        )
    )


def _quoted_price_json(stored: dict[str, Any]) -> dict[str, Any]:
    decision = decisions.from_json(stored)
    stage = decision.stages[0]
    return {
        "group_no": decision.group_no,
        "provider": stage.provider,
        "model": stage.model,
        "mode": stage.mode,
        **price_json(decision.terms.price),
    }


def price_json(price: Price) -> dict[str, Any]:
    """Show a price in dollars per million tokens, with where it was read."""
    return {
        "price_id": price.price_id,
        "unit": "usd_per_million_tokens",
        "input": format_usd(price.input),
        "cached_input": format_usd(price.cached_input),
        "output": format_usd(price.output),
        "tiers": [
            {
                "above_input_tokens": tier.above_input_tokens,
                "input": format_usd(tier.input),
                "cached_input": format_usd(tier.cached_input),
                "output": format_usd(tier.output),
            }
            for tier in price.tiers
        ],
        "source": price.source,
        "as_of": price.as_of,
    }


_LINES = """
SELECT e.provider, e.model, e.mode, r.status, count(*), sum(r.input_tokens),
       sum(r.cached_tokens), sum(r.output_tokens), sum(r.subtotal_nanousd)
  FROM batches_resultrow r JOIN batches_execution e ON e.id = r.execution_id
 WHERE r.batch_id = %s AND r.status IN ('completed', 'review')
 GROUP BY e.provider, e.model, e.mode, r.status ORDER BY 1, 2, 3, 4
"""


# The charge of each copied row, as often as it was not charged again.
_COPIES = """
SELECT count(*), coalesce(sum(r.charge_nanousd), 0)
  FROM batches_item i
  JOIN batches_resultrow r ON r.batch_id = %s AND r.seq = i.copy_of
 WHERE i.manifest_id = %s AND i.copy_of IS NOT NULL
   AND r.status IN ('completed', 'review')
"""


def duplicates_json(batch: Batch) -> dict[str, Any]:
    """Return the items that got an identical one's answer, and what that credits."""
    if not batch.quote.spec["dedupe"]:
        return {"items": 0, "delivered": 0, "credited": format_usd(0)}
    with connection.cursor() as cursor:
        cursor.execute(_COPIES, [batch.pk, batch.manifest_id])
        delivered, credited = cursor.fetchone()
    return {
        "items": sum(
            copies.item_count
            for copies in map(decisions.copies_of, batch.quote.decisions)
            if copies is not None
        ),
        "delivered": delivered,
        "credited": format_usd(int(credited)),
    }


def _lines_json(batch: Batch) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(_LINES, [batch.pk])
        return [
            {
                "provider": provider,
                "model": model,
                "mode": mode,
                "status": status,
                "items": items,
                "input_tokens": int(input_tokens),
                "cached_tokens": int(cached),
                "output_tokens": int(output),
                "amount": format_usd(int(amount)),
            }
            for (
                provider,
                model,
                mode,
                status,
                items,
                input_tokens,
                cached,
                output,
                amount,
            ) in cursor.fetchall()
        ]
