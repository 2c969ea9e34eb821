"""How a batch was routed, as data: decisions, work units, and what befell each."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from operator import itemgetter
from typing import Any

from batches import decisions
from batches.lane_changes import changes_of
from batches.models import Batch, Execution, WorkUnit
from batches.models.work_unit import COPIES
from batches.selectors import progress_of
from batches.services.receipts import price_json
from batches.states import UnitState
from batchrouter.kit import clock
from batchrouter.kit.errors import NotFound
from batchrouter.kit.money import format_usd

Json = dict[str, Any]


def explain_route(batch: Batch, *, unit_id: str | None = None) -> Json:
    """Return everything that was stored about a batch's way.

    Args:
        batch: whose way.
        unit_id: tell of this work unit only, and of the decision for its group.

    Raises:
        NotFound: the batch has no such work unit.
    """
    every = list(WorkUnit.objects.filter(batch=batch).order_by("id"))
    units = [unit for unit in every if unit_id in {None, unit.public_id}]
    if unit_id is not None and not units:
        raise NotFound(f"Batch {batch.public_id} has no work unit {unit_id}.")
    groups = {unit.group_no for unit in units}
    split = [unit for unit in every if unit.state == UnitState.SPLIT]
    happened = _happenings(batch)
    costs = _costs(batch)
    return {
        **_batch_json(batch, costs.values()),
        "decisions": [
            _decision_json(stored, batch)
            for stored in batch.quote.decisions
            if unit_id is None or stored["group_no"] in groups
        ],
        "work_units": [
            {
                **_unit_json(unit, _parent_of(unit, split)),
                **_cost_json(costs.get(unit.pk, (0, 0))),
                "happenings": happened.get(unit.public_id, []),
            }
            for unit in units
        ],
    }


def _batch_json(batch: Batch, costs: Iterable[tuple[int, int]]) -> Json:
    charged = batch.charged_nanousd
    known, unknown = map(sum, zip((0, 0), *costs, strict=True))
    return {
        "batch_id": batch.public_id,
        "state": batch.state,
        "terminal_reason": batch.terminal_reason or None,
        "created_at": clock.iso(batch.created_at),
        "deadline_at": clock.iso(batch.deadline_at),
        "completed_at": clock.iso_or_none(batch.completed_at),
        "quote_id": batch.quote.public_id,
        "quoted_at": clock.iso(batch.quote.created_at),
        "route_version": batch.quote.route_version_id,
        "counts": progress_of(batch).counts(),
        "quoted_total": format_usd(batch.quote.total_nanousd),
        "charged": None if charged is None else format_usd(charged),
        **_cost_json((known, unknown)),
    }


def _decision_json(stored: Mapping[str, Any], batch: Batch) -> Json:
    terms = decisions.from_json(dict(stored)).terms
    judged = stored["judged"]
    return {
        "group_no": stored["group_no"],
        "operation": stored["operation"],
        "item_count": stored["item_count"],
        "route_version": batch.quote.route_version_id,
        "ceiling": format_usd(stored["ceiling_nanousd"]),
        "expected": format_usd(stored["expected_nanousd"]),
        "terms": {
            "price": price_json(terms.price),
            "token_factor_bps": terms.factor_bps,
            "overhead_tokens": terms.overhead_tokens,
            "default_max_output_tokens": terms.default_cap,
            "fee_bps": terms.fee_bps,
        },
        "candidates": sorted(
            (lane for lane in judged if lane["rank"] is not None),
            key=lambda lane: lane["rank"],
        ),
        "refusals": [lane for lane in judged if lane["rank"] is None],
        "stages": [
            {
                "provider": stage["provider"],
                "model": stage["model"],
                "mode": stage["mode"],
                "leave_at": stage["leave_at"],
            }
            for stage in stored["stages"]
        ],
    }


def _unit_json(unit: WorkUnit, parent: WorkUnit | None) -> Json:
    return {
        "work_unit_id": unit.public_id,
        "split_from": parent.public_id if parent else None,
        "state": unit.state,
        "group_no": unit.group_no,
        "items": f"{unit.seq_from}-{unit.seq_to}",
        "item_count": unit.item_count,
        "mode": unit.mode,
        "stage": unit.stage,
        "held_for": unit.held_reason or None,
        "leave_at": clock.iso(unit.leave_at),
        "lost_leases": unit.lost_leases,
        "counts": {
            "completed": unit.completed,
            "review": unit.review,
            "failed": unit.failed,
            "canceled": unit.canceled,
            "expired": unit.expired,
            "open": unit.item_count - unit.row_count,
        },
        "charged": format_usd(unit.charged_nanousd),
    }


def _parent_of(unit: WorkUnit, split: Iterable[WorkUnit]) -> WorkUnit | None:
    """Return the unit that was split into this one and others, if one was."""
    found = None
    if unit.mode == COPIES:
        return None
    for other in split:
        if (
            other.pk < unit.pk
            and other.group_no == unit.group_no
            and other.seq_from <= unit.seq_from
            and unit.seq_to <= other.seq_to
        ):
            found = other
    return found


def _costs(batch: Batch) -> dict[int, tuple[int, int]]:
    """Sum by unit what its executions cost us, and what they may have."""
    costs: dict[int, tuple[int, int]] = {}
    for unit_id, known, unknown in Execution.objects.filter(batch=batch).values_list(
        "unit_id", "cost_nanousd", "ambiguous_nanousd"
    ):
        before = costs.get(unit_id, (0, 0))
        costs[unit_id] = (before[0] + known, before[1] + unknown)
    return costs


def _cost_json(cost: tuple[int, int]) -> Json:
    known, unknown = cost
    return {"cost": format_usd(known), "cost_of_unknown_outcomes": format_usd(unknown)}


def _happenings(batch: Batch) -> dict[str, list[Json]]:
    """Return executions and lane changes by work unit, in the order of time."""
    found: dict[str, list[tuple[datetime, Json]]] = defaultdict(list)
    executions = Execution.objects.filter(batch=batch).select_related("unit")
    for execution in executions.order_by("id"):
        told = (execution.started_at, _execution_json(execution))
        found[execution.unit.public_id].append(told)
    for unit_id, changes in changes_of(batch).items():
        found[unit_id].extend(changes)
    return {
        unit_id: [told for _, told in sorted(happened, key=itemgetter(0))]
        for unit_id, happened in found.items()
    }


def _execution_json(execution: Execution) -> Json:
    return {
        "type": "execution",
        "execution_id": execution.public_id,
        "stage": execution.stage,
        "provider": execution.provider,
        "model": execution.model,
        "provider_model": execution.provider_model,
        "mode": execution.mode,
        "provider_job_id": execution.provider_job_id or None,
        "state": execution.state,
        "started_at": clock.iso(execution.started_at),
        "ended_at": clock.iso_or_none(execution.ended_at),
        "outcome": execution.outcome or None,
        "item_count": execution.item_count,
        "completed": execution.completed,
        "failures": execution.failures,
        "polls": execution.polls,
        **_cost_json((execution.cost_nanousd, execution.ambiguous_nanousd)),
    }
