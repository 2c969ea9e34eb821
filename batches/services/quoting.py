"""Manifest to quote: judge the lanes of every group, price the best, keep all values.

The total is a ceiling: counted input at the provider's factor and every output at its
cap, at the selected lane's price. It is what a submit reserves, and no fallback moves
it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from accounts.models import Org
from batches import decisions
from batches.decisions import Decision
from batches.engine.charges import QuotedTerms
from batches.manifest.envelope import Spec
from batches.models import ItemGroup, Manifest, Quote
from batches.services import quote_reply
from batches.states import QuoteState
from batchrouter.kit.errors import BatchRouterError
from batchrouter.kit.hashing import canonical_json, sha256_hex
from batchrouter.kit.money import fee_nanousd, format_usd
from catalog import selectors as catalog_selectors
from routing import planning, preview, scoring
from routing import selectors as routing_selectors
from routing.contracts import Lane, UnitRequest
from routing.weights import RouteWeights

# Of the provider subtotal (api-contract section 3): model routes, workflow products.
MODEL_FEE_BPS = 590


class NoEligibleLane(BatchRouterError):
    """No lane can take some of the items; every lane's reason is listed."""

    code = "no_eligible_lane"
    status = 422
    error_type = "invalid_request_error"


class MaxPriceExceeded(BatchRouterError):
    """The ceiling is above the manifest's ``max_price``."""

    code = "max_price_exceeded"
    status = 422
    error_type = "invalid_request_error"


@dataclass(frozen=True, slots=True)
class GroupJudgement:
    """A group of items, its lanes, and what was decided for it."""

    group: ItemGroup
    lanes: list[Lane]
    decision: Decision | None


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, for what, on which terms."""

    org: Org
    manifest: Manifest
    spec: Spec
    is_test: bool
    fee_bps: int
    deadline_at: datetime


def quote_manifest(
    *, org: Org, manifest: Manifest, spec: Spec, is_test: bool, now: datetime
) -> Quote:
    """Price a checked manifest; nothing is reserved.

    Raises:
        NoEligibleLane: some items have no lane and ``on_invalid`` is not ``skip``, or
            none has.
        MaxPriceExceeded.
    """
    asked = Asked(
        org=org,
        manifest=manifest,
        spec=spec,
        is_test=is_test,
        fee_bps=_fee_bps(spec),
        deadline_at=spec.deadline(now),
    )
    version = routing_selectors.current_weights(now=now)
    judged = [
        judge_group(group, asked, version, now=now)
        for group in manifest.groups.order_by("no")
    ]
    _refuse_unplaceable(judged, spec)
    return _save(asked, version, judged, now=now)


def fingerprint(manifest: Manifest, spec: Spec) -> str:
    """Name a manifest by its content, to compare a submit with its quote."""
    canonical = canonical_json({"file": manifest.file.sha256, "spec": spec.to_json()})
    return sha256_hex(canonical)


def _fee_bps(spec: Spec) -> int:
    if spec.workflow is None:
        return MODEL_FEE_BPS
    return catalog_selectors.workflow(spec.workflow).workflow_fee_bps


def judge_group(
    group: ItemGroup,
    asked: Asked,
    version: RouteWeights,
    *,
    now: datetime,
    deadline_at: datetime | None = None,
) -> GroupJudgement:
    """Judge a group's lanes and decide, for the asked deadline or another one."""
    due = deadline_at or asked.deadline_at
    request = unit_request(group, asked, due)
    offerings = routing_selectors.offering_facts(
        request.models,
        sandbox_only=asked.is_test,
        now=now,
        workload_key=request.workload_key,
    )
    lanes = scoring.judge(request, offerings, version, now=now)
    plan = planning.plan(
        lanes,
        deadline_at=due,
        now=now,
        allow_fallbacks=request.preferences.allow_fallbacks,
    )
    if not plan.stages:
        return GroupJudgement(group, lanes, None)
    best = min((lane for lane in lanes if lane.rank), key=lambda lane: lane.rank or 0)
    decision = Decision(
        group_no=group.no,
        operation=group.operation,
        item_count=group.item_count,
        needs_schema=group.needs_schema,
        ceiling_nanousd=best.ceiling_nanousd,
        expected_nanousd=best.expected_nanousd,
        terms=QuotedTerms(
            price=best.offering.price,
            factor_bps=best.offering.token_factor_bps,
            overhead_tokens=best.offering.message_overhead_tokens,
            default_cap=default_cap(group),
            fee_bps=asked.fee_bps,
        ),
        stages=decisions.stages_of(plan, lanes),
        judged=[preview.lane_json(lane) for lane in lanes],
        route=preview.route_decision(lanes),
        replay={
            "request": preview.request_snapshot(request),
            "lanes": [preview.lane_snapshot(lane) for lane in lanes],
        },
    )
    return GroupJudgement(group, lanes, decision)


def default_cap(group: ItemGroup) -> int:
    """Return the output cap for items that name none: the models' smallest default."""
    if group.operation == "embeddings":
        return 0
    return min(
        catalog_selectors.model_profile(slug).default_max_output_tokens
        for slug in group.model_slugs
    )


def unit_request(group: ItemGroup, asked: Asked, deadline_at: datetime) -> UnitRequest:
    """Describe a group to routing: counts and needs, no text and no customer."""
    spec, cap = asked.spec, default_cap(group)
    return UnitRequest(
        operation=group.operation,  # type: ignore[arg-type] # checked when the manifest was read
        models=tuple(group.model_slugs),
        item_count=group.item_count,
        input_tokens=group.input_tokens,
        input_tokens_max=group.input_tokens_max,
        output_tokens=group.output_tokens + group.uncapped_count * cap,
        output_tokens_max=max(
            group.output_tokens_max, cap if group.uncapped_count else 0
        ),
        payload_bytes=group.payload_bytes,
        needs_vision=group.needs_vision,
        needs_schema=group.needs_schema,
        needs_tools=group.needs_tools,
        privacy_tier=spec.privacy_tier,
        allowed_regions=tuple(spec.allowed_regions),
        routing_mode=spec.routing_mode,
        preferences=spec.preferences,
        deadline_at=deadline_at,
        sandbox_only=asked.is_test,
        workload_key=f"{spec.workflow or 'model'}:{group.operation}",
    )


def _refuse_unplaceable(judged: list[GroupJudgement], spec: Spec) -> None:
    homeless = [group for group in judged if group.decision is None]
    if not homeless or (spec.on_invalid == "skip" and len(homeless) < len(judged)):
        return
    count = sum(found.group.item_count for found in homeless)
    raise NoEligibleLane(
        f"No lane can take {count} of the items; details lists each lane's reason. "
        "Widen the models, regions, privacy tier or deadline, or send on_invalid: "
        "skip.",
        details={"groups": [_homeless_json(found) for found in homeless]},
    )


def _homeless_json(found: GroupJudgement) -> dict[str, Any]:
    return {
        "operation": found.group.operation,
        "models": found.group.model_slugs,
        "item_count": found.group.item_count,
        "items": found.group.ranges,
        "lanes": [
            {
                "provider": lane.offering.provider,
                "model": lane.offering.model,
                "mode": lane.offering.mode,
                "code": lane.rejection_code,
                "reason": lane.reason,
            }
            for lane in found.lanes
        ],
    }


def _save(
    asked: Asked, version: RouteWeights, judged: list[GroupJudgement], *, now: datetime
) -> Quote:
    decided = [found.decision for found in judged if found.decision is not None]
    subtotal = sum(decision.ceiling_nanousd for decision in decided)
    expected = sum(decision.expected_nanousd for decision in decided)
    fee = fee_nanousd(subtotal, fee_bps=asked.fee_bps)
    expected_fee = fee_nanousd(expected, fee_bps=asked.fee_bps)
    _check_max_price(asked.spec, subtotal + fee)
    quote = Quote(
        state=QuoteState.ACTIVE,
        state_at=now,
        org=asked.org,
        manifest=asked.manifest,
        fingerprint=fingerprint(asked.manifest, asked.spec),
        is_test=asked.is_test,
        spec=asked.spec.to_json(),
        decisions=[decisions.to_json(decision) for decision in decided],
        route_version_id=version.version_id,
        fee_bps=asked.fee_bps,
        item_count=sum(decision.item_count for decision in decided),
        provider_subtotal_nanousd=subtotal,
        fee_nanousd=fee,
        total_nanousd=subtotal + fee,
        expected_total_nanousd=min(expected + expected_fee, subtotal + fee),
        deadline_at=asked.deadline_at,
        valid_until=now + timedelta(seconds=settings.QUOTE_VALID_SECONDS),
        created_at=now,
    )
    curve = price_deadline_curve(asked, version, now=now)
    quote.reply = quote_reply.build(quote, asked, judged, curve)
    quote.save()
    return quote


def _check_max_price(spec: Spec, total_nanousd: int) -> None:
    most = spec.max_price_nanousd
    if most is not None and total_nanousd > most:
        raise MaxPriceExceeded(
            f"The ceiling is {format_usd(total_nanousd)} USD, above max_price "
            f"{format_usd(most)} USD. Lower max_output_tokens, allow a cheaper model "
            "or a later deadline, or raise max_price.",
            param="max_price",
            details={"total": format_usd(total_nanousd), "max_price": format_usd(most)},
        )


_CURVE: Mapping[str, timedelta] = {
    "priority": timedelta(hours=1),
    "standard": timedelta(hours=24),
    "flex": timedelta(hours=48),
}


def price_deadline_curve(
    asked: Asked, version: RouteWeights, *, now: datetime
) -> list[dict[str, Any]]:
    """Return what hurrying or waiting would cost, one point for each tier."""
    points = []
    for tier, window in _CURVE.items():
        due = now + window
        judged = [
            judge_group(group, asked, version, now=now, deadline_at=due)
            for group in asked.manifest.groups.order_by("no")
        ]
        decided = [found.decision for found in judged if found.decision is not None]
        subtotal = sum(decision.ceiling_nanousd for decision in decided)
        total = subtotal + fee_nanousd(subtotal, fee_bps=asked.fee_bps)
        points.append(
            {
                "sla_tier": tier,
                "window_seconds": int(window.total_seconds()),
                "total": format_usd(total) if decided else None,
                "item_count": sum(decision.item_count for decision in decided),
                "modes": sorted({found.stages[0].mode for found in decided}),
            }
        )
    return points
