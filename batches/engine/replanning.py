"""Choose lanes anew for what is left of a unit, when those that were planned are gone.

The customer's price stays the quoted one, and privacy, regions and preferences are
judged again by the request that was stored with the decision. A new plan is written
down with its cause and what it refused; units in the same place share it.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from batches import decisions
from batches.decisions import Decision, StageLane
from batches.engine.claims import ClaimedUnit
from batches.engine.context import BatchContext
from batches.engine.lifecycle import record_event
from batches.engine.rows import IndexedItem
from batches.models import RoutePlan
from batchrouter.kit.money import TOKENS_PER_PRICE, ceil_div
from catalog.pricing import ceiling_numerator
from routing import eligibility, planning, preview, scoring
from routing import selectors as routing_selectors
from routing.contracts import Lane, OfferingFacts, UnitRequest

# Units that stand at the same place within this take the same plan.
_SHARED = timedelta(seconds=30)
_FACTS_SECONDS = 2.0
# A lane without an end of its rest in sight is looked at again after this.
_LOOK_AGAIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Onward:
    """The decision whose next stage a unit goes to.

    Attributes:
        plan_id: of its plan; None where its stages are the quote's.
    """

    decision: Decision
    plan_id: int | None


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Why a lane takes no new work, and when to look at it again."""

    code: str
    look_at: datetime


def withdrawal(
    lane: StageLane, context: BatchContext, decision: Decision, *, now: datetime
) -> Withdrawal | None:
    """Return why a planned lane takes no new work now, or None where it does."""
    request = _request(decision)
    models = tuple(dict.fromkeys((*request.models, lane.model)))
    about = replace(request, models=models)
    facts = {one.offering_id: one for one in _facts(about, context, now=now)}
    found = facts.get(lane.offering_id)
    if found is None:
        return Withdrawal("offering_disabled", now + _LOOK_AGAIN)
    if found.is_sandbox != lane.is_sandbox:
        # It would be reached elsewhere than it was quoted for.
        return Withdrawal("provider_not_connected", now + _LOOK_AGAIN)
    refusal = eligibility.withdrawn(found, request, now=now)
    if refusal is None:
        return None
    rests_until = found.breaker_open_until
    is_resting = refusal.code == "breaker_open" and rests_until is not None
    until = rests_until if is_resting and rests_until else now + _LOOK_AGAIN
    return Withdrawal(refusal.code, until)


def onward(
    unit: ClaimedUnit,
    context: BatchContext,
    decision: Decision,
    items: Sequence[IndexedItem],
    *,
    cause: str,
    now: datetime,
) -> Onward | None:
    """Return where a unit's items go after its present lane; None is nowhere.

    The planned next lane while it takes work. Else a new plan over the lanes that do,
    where there are any and the customer allows another than the best one; a lane that
    befell nothing is left for the reasons that it was planned with. Call in the
    transaction that moves the unit.
    """
    planned = decision.stages[unit.stage + 1 :]
    as_planned = Onward(decision, unit.plan_id) if planned else None
    if planned:
        is_gone = withdrawal(planned[0], context, decision, now=now) is not None
    else:
        is_gone = cause in eligibility.WITHDRAWN
    if not is_gone or not _request(decision).preferences.allow_fallbacks:
        return as_planned
    return _known_plan(unit, context, decision, cause, now=now) or (
        _new_plan(unit, context, decision, items, cause, now=now) or as_planned
    )


def _known_plan(
    unit: ClaimedUnit,
    context: BatchContext,
    decision: Decision,
    cause: str,
    *,
    now: datetime,
) -> Onward | None:
    plan = RoutePlan.objects.filter(
        batch_id=context.pk,
        group_no=decision.group_no,
        base_id=unit.plan_id,
        kept=unit.stage + 1,
        cause=cause,
        created_at__gt=now - _SHARED,
    ).last()
    if plan is None:
        return None
    return Onward(context.decision(decision.group_no, plan.pk), plan.pk)


def _new_plan(
    unit: ClaimedUnit,
    context: BatchContext,
    decision: Decision,
    items: Sequence[IndexedItem],
    cause: str,
    *,
    now: datetime,
) -> Onward | None:
    kept = decision.stages[: unit.stage + 1]
    request = _request_for(items, context, decision)
    lanes = scoring.judge(
        request, _facts(request, context, now=now), context.weights(), now=now
    )
    plan = planning.replan(
        _reached_alike(lanes, decision),
        tried={stage.offering_id for stage in kept},
        quoted_nanousd=_quoted_nanousd(request, decision),
        deadline_at=context.deadline_at,
        now=now,
    )
    if not plan.stages:
        return None
    stages = (*kept, *decisions.stages_of(plan, lanes))
    row = RoutePlan.objects.create(
        batch_id=context.pk,
        group_no=decision.group_no,
        base_id=unit.plan_id,
        kept=len(kept),
        cause=cause,
        stages=decisions.stages_to_json(stages),
        created_at=now,
    )
    record_event(
        context.pk,
        "route.replanned",
        {
            "work_unit_id": unit.public_id,
            "items": len(items),
            "cause": cause,
            "stages": preview.plan_summary(plan),
            "refused": [
                {
                    "provider": lane.offering.provider,
                    "model": lane.offering.model,
                    "mode": lane.offering.mode,
                    "rejection_code": lane.rejection_code,
                }
                for lane in lanes
                if lane.rejection_code is not None
            ],
        },
        now=now,
    )
    return Onward(replace(decision, stages=stages), row.pk)


def _request(decision: Decision) -> UnitRequest:
    return preview.request_from_snapshot(decision.replay["request"])


def _request_for(
    items: Sequence[IndexedItem], context: BatchContext, decision: Decision
) -> UnitRequest:
    """Describe what is left of a unit; vectors stay of the model they began with."""
    request = _request(decision)
    caps = [context.output_cap(decision.group_no, item) for item in items]
    models = request.models
    if request.operation == "embeddings":
        models = (decision.stages[0].model,)
    return replace(
        request,
        models=models,
        item_count=len(items),
        input_tokens=sum(item.input_tokens for item in items),
        input_tokens_max=max(item.input_tokens for item in items),
        output_tokens=sum(caps),
        output_tokens_max=max(caps),
        payload_bytes=sum(item.length for item in items),
        payload_bytes_max=max(item.length for item in items),
        deadline_at=context.deadline_at,
    )


def _quoted_nanousd(request: UnitRequest, decision: Decision) -> int:
    """Return what was quoted for these items at most, before the fee."""
    terms = decision.terms
    tokens = ceil_div(request.input_tokens * terms.factor_bps, 10_000)
    bound = ceiling_numerator(
        terms.price,
        input_tokens=tokens + request.item_count * (terms.overhead_tokens + 1),
        input_tokens_max=terms.input_bound(request.input_tokens_max),
        output_tokens=request.output_tokens,
    )
    return ceil_div(bound, TOKENS_PER_PRICE) + request.item_count


def _reached_alike(lanes: list[Lane], decision: Decision) -> list[Lane]:
    """Leave out the simulator's lanes for work that was quoted on live ones only."""
    may_simulate = any(stage.is_sandbox for stage in decision.stages)
    return [lane for lane in lanes if may_simulate or not lane.offering.is_sandbox]


def _facts(
    request: UnitRequest, context: BatchContext, *, now: datetime
) -> list[OfferingFacts]:
    """Return what is known of the request's offerings, two seconds old at most."""
    key = (request.models, request.workload_key, request.sandbox_only)
    kept = context.facts.get(key)
    if kept is None or time.monotonic() >= kept[0]:
        found = routing_selectors.offering_facts(
            request.models,
            sandbox_only=request.sandbox_only,
            now=now,
            workload_key=request.workload_key,
        )
        kept = context.facts[key] = (time.monotonic() + _FACTS_SECONDS, found)
    return kept[1]
