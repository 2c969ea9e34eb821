"""Decisions as JSON: what the quote shows, and what is stored to replay them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from batchrouter.kit import clock
from batchrouter.kit.money import money_json
from catalog.pricing import Price, PriceTier
from routing.contracts import (
    Drift,
    Finding,
    Lane,
    LaneScore,
    OfferingFacts,
    Plan,
    Preferences,
    Stage,
    UnitRequest,
)

Json = dict[str, Any]

_LANE_FIELDS: Final = tuple(field.name for field in fields(Lane))
_SCORE_FIELDS: Final = tuple(field.name for field in fields(LaneScore))


def route_decision(lanes: Sequence[Lane]) -> Json:
    """Return the decision preview of the product's documentation.

    ``fallback_order`` names each provider with an eligible lane once, best first, the
    selected one included; ``rejected_providers`` those that have none, with the reason
    of their first lane.
    """
    eligible = _eligible(lanes)
    selected = eligible[0] if eligible else None
    order = list(dict.fromkeys(lane.offering.provider for lane in eligible))
    return {
        "selected_provider": selected.offering.provider if selected else None,
        "quality_score": selected.score.quality if selected else None,
        "reliability_prior_score": (
            selected.score.reliability_prior_score if selected else None
        ),
        "observed_confidence_score": (
            selected.score.observed_confidence_score if selected else None
        ),
        "observed_confidence_basis": (
            selected.score.observed_confidence_basis if selected else "none"
        ),
        "trust_score": selected.score.trust_score if selected else None,
        "fallback_order": order,
        "rejected_providers": _rejected(lanes, frozenset(order)),
    }


def lane_json(lane: Lane) -> Json:
    """Return a lane as the quote's ``lanes[]`` show it."""
    offering = lane.offering
    score = lane.score
    return {
        "provider": offering.provider,
        "model": offering.model,
        "mode": offering.mode,
        "regions": list(offering.regions),
        "sandbox": offering.is_sandbox,
        "selected": lane.rank == 1,
        "rank": lane.rank,
        "ceiling": money_json(lane.ceiling_nanousd),
        "expected": money_json(lane.expected_nanousd),
        "finish_seconds": lane.finish_seconds,
        "score": {
            "total": score.total,
            "reliability": score.reliability,
            "cost": score.cost,
            "latency": score.latency,
            "quality": score.quality,
        },
        "trust_score": score.trust_score,
        "quality_prior_score": score.quality_prior_score,
        "factors": dict(score.factors),
        "rejection_code": lane.rejection_code,
        "reason": lane.reason,
    }


def plan_json(plan: Plan) -> Json:
    """Return the JSON form that :func:`plan_from_json` reads back to an equal value."""
    return {
        "stages": [
            {**asdict(stage), "leave_at": stage.leave_at.isoformat()}
            for stage in plan.stages
        ]
    }


def plan_from_json(stored: Mapping[str, Any]) -> Plan:
    """Read a stored plan."""
    return Plan(
        tuple(
            Stage(**{**stage, "leave_at": datetime.fromisoformat(stage["leave_at"])})
            for stage in stored["stages"]
        )
    )


def plan_summary(plan: Plan) -> list[Json]:
    """Return a plan as customers see it, times with milliseconds."""
    return [
        {
            "provider": stage.provider,
            "model": stage.model,
            "mode": stage.mode,
            "leave_at": clock.iso(stage.leave_at),
        }
        for stage in plan.stages
    ]


def lane_snapshot(lane: Lane) -> Json:
    """Return all of a lane as JSON, for replay; floats as they are.

    Lanes of one offering share its facts: the result is there to be written, not to be
    changed.
    """
    stored = {name: getattr(lane, name) for name in _LANE_FIELDS}
    stored["offering"] = facts_snapshot(lane.offering)
    stored["score"] = {name: getattr(lane.score, name) for name in _SCORE_FIELDS}
    return stored


def lane_from_snapshot(stored: Mapping[str, Any]) -> Lane:
    """Read a stored lane to a value equal to the one that was stored."""
    return Lane(
        **{
            **stored,
            "offering": facts_from_snapshot(stored["offering"]),
            "score": LaneScore(**stored["score"]),
        }
    )


# A quote of many groups asks for the same offerings once per group and tier.
@lru_cache(maxsize=512)
def facts_snapshot(offering: OfferingFacts) -> Json:
    """Return all facts of an offering as JSON, to be written and not to be changed."""
    stored = asdict(offering)
    for name in ("deprecates_at", "breaker_open_until"):
        instant: datetime | None = stored[name]
        stored[name] = None if instant is None else instant.isoformat()
    for name in ("operations", "regions", "privacy_tiers"):
        stored[name] = list(stored[name])
    stored["price"]["tiers"] = list(stored["price"]["tiers"])
    stored["findings"] = list(stored["findings"])
    return stored


def facts_from_snapshot(stored: Mapping[str, Any]) -> OfferingFacts:
    """Read stored facts to an equal value."""
    found = dict(stored)
    for name in ("deprecates_at", "breaker_open_until"):
        text = found[name]
        found[name] = None if text is None else datetime.fromisoformat(text)
    for name in ("operations", "regions", "privacy_tiers"):
        found[name] = tuple(found[name])
    price = found["price"]
    tiers = tuple(PriceTier(**tier) for tier in price["tiers"])
    found["price"] = Price(**{**price, "tiers": tiers})
    # Decisions older than these two know of neither.
    found["findings"] = tuple(Finding(**each) for each in found.get("findings", ()))
    drift = found.get("drift")
    found["drift"] = None if drift is None else Drift(**drift)
    return OfferingFacts(**found)


def request_snapshot(request: UnitRequest) -> Json:
    """Return a unit's request as JSON, for replay."""
    stored = asdict(request)
    stored["deadline_at"] = request.deadline_at.isoformat()
    for name in ("models", "allowed_regions"):
        stored[name] = list(stored[name])
    for name in ("only", "order", "exclude"):
        stored["preferences"][name] = list(stored["preferences"][name])
    return stored


def request_from_snapshot(stored: Mapping[str, Any]) -> UnitRequest:
    """Read a stored request to an equal value."""
    wishes = dict(stored["preferences"])
    for name in ("only", "order", "exclude"):
        wishes[name] = tuple(wishes[name])
    found = {
        **stored,
        "preferences": Preferences(**wishes),
        "deadline_at": datetime.fromisoformat(stored["deadline_at"]),
    }
    for name in ("models", "allowed_regions"):
        found[name] = tuple(found[name])
    return UnitRequest(**found)


def _eligible(lanes: Sequence[Lane]) -> list[Lane]:
    found = [lane for lane in lanes if lane.rank is not None]
    return sorted(found, key=lambda lane: lane.rank or 0)


def _rejected(lanes: Sequence[Lane], accepted: frozenset[str]) -> list[Json]:
    reasons: dict[str, Json] = {}
    for lane in lanes:
        provider = lane.offering.provider
        if lane.rejection_code is not None and provider not in accepted:
            reasons.setdefault(
                provider,
                {
                    "provider": provider,
                    "rejection_code": lane.rejection_code,
                    "reason": lane.reason,
                },
            )
    return list(reasons.values())
