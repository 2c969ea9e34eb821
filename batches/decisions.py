"""Pure: what is decided for a group of items, and how it is stored with the quote."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any

from batches.engine.charges import QuotedTerms
from catalog.pricing import Price, PriceTier
from routing import estimates, planning, preview
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
class Copies:
    """The sums of items that get the row of an identical one, and do not run."""

    item_count: int
    input_tokens: int
    output_tokens: int
    payload_bytes: int

    def left_out_of(self, request: UnitRequest) -> UnitRequest:
        """Return the request of the items that run."""
        return self._moved(request, -1)

    def added_to(self, request: UnitRequest) -> UnitRequest:
        """Return the request as it would be if these ran too."""
        return self._moved(request, 1)

    def _moved(self, request: UnitRequest, sign: int) -> UnitRequest:
        return replace(
            request,
            item_count=request.item_count + sign * self.item_count,
            input_tokens=request.input_tokens + sign * self.input_tokens,
            output_tokens=request.output_tokens + sign * self.output_tokens,
            payload_bytes=request.payload_bytes + sign * self.payload_bytes,
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """The stored decision for one group: terms, stages, and the judged lanes.

    Attributes:
        judged: every lane as the quote showed it, refused ones too.
        route: the decision preview of the quote.
        replay: the request and the lanes with every value that scored them.
        copies: of ``item_count``, items that get the row of an identical one.
        saved_nanousd: how much higher the ceiling would be if they ran too.
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
    copies: Copies | None = None
    saved_nanousd: int = 0


@dataclass(frozen=True, slots=True)
class GroupTerms:
    """What a group's decision needs besides its request and its judged lanes.

    Attributes:
        default_cap: output cap of items that name none; 0 for embeddings.
        decided_at: the instant of the decision.
        copies: of the group's items, left out of the request.
    """

    group_no: int
    default_cap: int
    fee_bps: int
    decided_at: datetime
    copies: Copies | None = None


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
        item_count=_every(request, terms).item_count,
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
        copies=terms.copies,
        saved_nanousd=_saved_nanousd(request, best, terms),
    )


def _every(request: UnitRequest, terms: GroupTerms) -> UnitRequest:
    return request if terms.copies is None else terms.copies.added_to(request)


def _saved_nanousd(request: UnitRequest, best: Lane, terms: GroupTerms) -> int:
    apart = estimates.ceiling_nanousd(best.offering, _every(request, terms))
    return max(0, apart - best.ceiling_nanousd)


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


def stages_to_json(stages: Iterable[StageLane]) -> list[dict[str, Any]]:
    """Return the JSON form that :func:`stages_from_json` reads back."""
    return [
        {**asdict(stage), "leave_at": stage.leave_at.isoformat()} for stage in stages
    ]


def stages_from_json(stored: Iterable[dict[str, Any]]) -> tuple[StageLane, ...]:
    """Read stored stages."""
    return tuple(_stage(stage) for stage in stored)


def to_json(decision: Decision) -> dict[str, Any]:
    """Return the JSON form that :func:`from_json` reads back to an equal value."""
    return {
        # What is JSON already is large, and not copied.
        **{field.name: getattr(decision, field.name) for field in fields(decision)},
        "terms": asdict(decision.terms),
        "copies": None if decision.copies is None else asdict(decision.copies),
        "stages": stages_to_json(decision.stages),
    }


def from_json(stored: dict[str, Any]) -> Decision:
    """Read a stored decision."""
    terms = stored["terms"]
    return Decision(
        **{
            **stored,
            "terms": QuotedTerms(**{**terms, "price": _price(terms["price"])}),
            "stages": stages_from_json(stored["stages"]),
            "copies": copies_of(stored),
        }
    )


def copies_of(stored: Mapping[str, Any]) -> Copies | None:
    """Read the copies of a stored decision; older ones have none."""
    copies = stored.get("copies")
    return None if copies is None else Copies(**copies)


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
