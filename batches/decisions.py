"""Pure: what is decided for a group of items, and how it is stored with the quote."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from batches.engine.charges import QuotedTerms
from catalog.pricing import Price, PriceTier
from routing import planning, preview
from routing.contracts import Lane, Mode, OfferingFacts, Plan, UnitRequest


@dataclass(frozen=True, slots=True)
class StageLane:
    """One stage of a plan with all that running it needs."""

    offering_id: int
    provider: str
    model: str
    provider_model: str
    mode: Mode
    adapter: str
    supports_sampling: bool
    is_sandbox: bool
    price: Price
    leave_at: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """The stored decision for one group: terms, stages, and the judged lanes.

    Attributes:
        judged: every lane as the quote showed it, refused ones too.
        route: the decision preview of the quote.
        replay: the request and the lanes with every value that scored them.
    """

    group_no: int
    operation: str
    item_count: int
    needs_schema: bool
    ceiling_nanousd: int
    expected_nanousd: int
    terms: QuotedTerms
    stages: tuple[StageLane, ...]
    judged: list[dict[str, Any]]
    route: dict[str, Any]
    replay: dict[str, Any]


@dataclass(frozen=True, slots=True)
class GroupTerms:
    """What a group's decision needs besides its request and its judged lanes.

    Attributes:
        default_cap: output cap of items that name none; 0 for embeddings.
        decided_at: the instant of the decision.
    """

    group_no: int
    default_cap: int
    fee_bps: int
    decided_at: datetime


def decide(
    request: UnitRequest, lanes: Sequence[Lane], terms: GroupTerms
) -> Decision | None:
    """Turn judged lanes into a decision; None where no lane is eligible.

    Nothing else decides, so that a replay from the stored values gives it again.
    """
    best = best_lane(lanes)
    if best is None:
        return None
    plan = planning.plan(
        lanes,
        deadline_at=request.deadline_at,
        now=terms.decided_at,
        allow_fallbacks=request.preferences.allow_fallbacks,
    )
    return Decision(
        group_no=terms.group_no,
        operation=request.operation,
        item_count=request.item_count,
        needs_schema=request.needs_schema,
        ceiling_nanousd=best.ceiling_nanousd,
        expected_nanousd=best.expected_nanousd,
        terms=QuotedTerms(
            price=best.offering.price,
            factor_bps=best.offering.token_factor_bps,
            overhead_tokens=best.offering.message_overhead_tokens,
            default_cap=terms.default_cap,
            fee_bps=terms.fee_bps,
        ),
        stages=stages_of(plan, lanes),
        judged=[preview.lane_json(lane) for lane in lanes],
        route=preview.route_decision(lanes),
        replay={
            "request": preview.request_snapshot(request),
            "lanes": [preview.lane_snapshot(lane) for lane in lanes],
        },
    )


def best_lane(lanes: Iterable[Lane]) -> Lane | None:
    """Return the lane that is ranked first, if any is eligible."""
    return next((lane for lane in lanes if lane.rank == 1), None)


def stages_of(plan: Plan, lanes: Sequence[Lane]) -> tuple[StageLane, ...]:
    """Join a plan with the offerings that it names."""
    by_id = {lane.offering.offering_id: lane.offering for lane in lanes}
    return tuple(
        _stage_lane(by_id[stage.offering_id], stage.leave_at) for stage in plan.stages
    )


def _stage_lane(offering: OfferingFacts, leave_at: datetime) -> StageLane:
    return StageLane(
        offering_id=offering.offering_id,
        provider=offering.provider,
        model=offering.model,
        provider_model=offering.provider_model,
        mode=offering.mode,
        adapter=offering.adapter,
        supports_sampling=offering.supports_sampling,
        is_sandbox=offering.is_sandbox,
        price=offering.price,
        leave_at=leave_at,
    )


def to_json(decision: Decision) -> dict[str, Any]:
    """Return the JSON form that :func:`from_json` reads back to an equal value."""
    return {
        # What is JSON already is large, and not copied.
        **{field.name: getattr(decision, field.name) for field in fields(decision)},
        "terms": asdict(decision.terms),
        "stages": [
            {**asdict(stage), "leave_at": stage.leave_at.isoformat()}
            for stage in decision.stages
        ],
    }


def from_json(stored: dict[str, Any]) -> Decision:
    """Read a stored decision."""
    terms = stored["terms"]
    return Decision(
        **{
            **stored,
            "terms": QuotedTerms(**{**terms, "price": _price(terms["price"])}),
            "stages": tuple(_stage(stage) for stage in stored["stages"]),
        }
    )


def _price(stored: dict[str, Any]) -> Price:
    tiers = tuple(PriceTier(**tier) for tier in stored["tiers"])
    return Price(**{**stored, "tiers": tiers})


def _stage(stored: dict[str, Any]) -> StageLane:
    return StageLane(
        **{
            **stored,
            "price": _price(stored["price"]),
            "leave_at": datetime.fromisoformat(stored["leave_at"]),
        }
    )
