"""Judge offerings for a work unit: who may take it, at what price, and how good.

Pure and deterministic: the same values give the same lanes in the same order, so a
stored decision can be replayed and explained.

The score is the weighted mean of four parts, each 0 to 1:

- reliability: the trust score: what was observed (routing/trust.py), else the
  offering's prior, times what is known of its answers (routing/quality.py).
- cost: the cheapest eligible lane's expected cost over this one's.
- latency: 1 while the unit is done within a quarter of the time left, falling to 0 at
  the deadline. Being faster than that is worth nothing to a batch.
- quality: the offering's, times what is known of its answers.

Each place that the lane's model stands behind the first of the request's models takes
``model_step`` off, so the best liked model wins unless another lane is clearly better.
``preferences.order`` is strict: providers named there come first, in that order.
Equal scores are ordered by offering id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from routing import eligibility, estimates, quality
from routing.contracts import Lane, LaneScore, OfferingFacts, UnitRequest
from routing.eligibility import Refusal
from routing.trust import observed_confidence
from routing.weights import RouteWeights

_PLACES: Final = 6
_EASY_SHARE: Final = 0.25


@dataclass(frozen=True, slots=True)
class _Candidate:
    offering: OfferingFacts
    refusal: Refusal | None
    ceiling_nanousd: int
    expected_nanousd: int
    finish_seconds: int


def judge(
    request: UnitRequest,
    offerings: Sequence[OfferingFacts],
    version: RouteWeights,
    *,
    now: datetime,
    output_ratio: float = estimates.EXPECTED_OUTPUT_RATIO,
) -> list[Lane]:
    """Return every offering as a lane: the eligible by rank, then the refused.

    Args:
        request: what the unit needs.
        offerings: of the request's models; others are ignored.
        version: the weights.
        now: the instant of the decision.
        output_ratio: share of the output caps that is usually written.
    """
    candidates = [
        _candidate(offering, request, now=now, output_ratio=output_ratio)
        for offering in offerings
        if offering.model in request.models
    ]
    if request.operation == "embeddings":
        candidates = _of_one_model(candidates, request.models)
    eligible = [found for found in candidates if found.refusal is None]
    cheapest = min((found.expected_nanousd for found in eligible), default=0)
    lanes = [
        _lane(found, request, version, cheapest=cheapest, now=now)
        for found in candidates
    ]
    order = _provider_places(request)
    ranked = sorted(
        (lane for lane in lanes if lane.rejection_code is None),
        key=lambda lane: (
            order.get(lane.offering.provider, len(order)),
            -lane.score.total,
            lane.offering.offering_id,
        ),
    )
    refused = sorted(
        (lane for lane in lanes if lane.rejection_code is not None),
        key=lambda lane: lane.offering.offering_id,
    )
    return [
        replace(lane, rank=rank, reason=_reason(rank, lane, version))
        for rank, lane in enumerate(ranked, start=1)
    ] + refused


@dataclass(frozen=True, slots=True)
class Confidence:
    """How far a lane and its answers are trusted, before price and deadline.

    Attributes:
        observed: the lower bound of its share of answered calls; None after too few.
        trust: the observed one or the prior, times what is known of its answers.
        quality: the offering's, times the same but for drift.
        factors: what is known and lowers either (routing/quality.py).
        sentences: the same in words.
    """

    observed: float | None
    trust: float
    quality: float
    factors: Mapping[str, float]
    sentences: tuple[str, ...]


def confidence_of(offering: OfferingFacts, version: RouteWeights) -> Confidence:
    """Return how far a lane is trusted."""
    observed = observed_confidence(
        successes=offering.observed_successes,
        failures=offering.observed_failures,
        prior=offering.reliability_prior,
        prior_outcomes=version.prior_outcomes,
        outcomes_min=version.outcomes_min,
    )
    trust = offering.reliability_prior if observed is None else observed
    known = quality.standing(offering.findings, offering.drift, version.quality)
    if known.factors:
        trust = round(trust * known.trust, _PLACES)
    return Confidence(
        observed,
        trust,
        round(offering.quality * known.quality, _PLACES),
        known.factors,
        tuple(quality.sentences(offering.findings, offering.drift, known)),
    )


def score_of(
    offering: OfferingFacts,
    request: UnitRequest,
    version: RouteWeights,
    *,
    cost: float,
    latency: float,
) -> LaneScore:
    """Return the parts of a lane's score and their weighted mean.

    Args:
        offering: gives quality and reliability.
        request: gives mode and order of models.
        version: the weights.
        cost: part that depends on the other lanes.
        latency: part that depends on the deadline.
    """
    known = confidence_of(offering, version)
    weights = version.of_mode(request.routing_mode)
    mean = (
        weights.reliability * known.trust
        + weights.cost * cost
        + weights.latency * latency
        + weights.quality * known.quality
    ) / weights.total
    penalty = version.model_step * request.models.index(offering.model)
    return LaneScore(
        reliability=round(known.trust, _PLACES),
        cost=round(cost, _PLACES),
        latency=round(latency, _PLACES),
        quality=known.quality,
        total=round(max(mean - penalty, 0.0), _PLACES),
        reliability_prior_score=offering.reliability_prior,
        observed_confidence_score=known.observed,
        observed_confidence_basis=(
            "none" if known.observed is None else "routing_outcomes"
        ),
        trust_score=known.trust,
        quality_prior_score=offering.quality,
        factors=known.factors,
    )


def _candidate(
    offering: OfferingFacts,
    request: UnitRequest,
    *,
    now: datetime,
    output_ratio: float,
) -> _Candidate:
    ceiling = estimates.ceiling_nanousd(offering, request)
    return _Candidate(
        offering,
        eligibility.refusal(offering, request, now=now),
        ceiling,
        estimates.expected_nanousd(
            offering, request, output_ratio=output_ratio, ceiling=ceiling
        ),
        estimates.finish_seconds(offering, request),
    )


def _of_one_model(
    candidates: list[_Candidate], models: tuple[str, ...]
) -> list[_Candidate]:
    """Refuse every embedding model but the best liked that has a lane."""
    open_models = {
        found.offering.model for found in candidates if found.refusal is None
    }
    chosen = next((model for model in models if model in open_models), None)
    fixed = Refusal(
        "embedding_model_fixed",
        f"Vectors of different models cannot be compared; {chosen} makes these.",
    )
    return [
        replace(found, refusal=fixed)
        if found.refusal is None and found.offering.model != chosen
        else found
        for found in candidates
    ]


def _lane(
    found: _Candidate,
    request: UnitRequest,
    version: RouteWeights,
    *,
    cheapest: int,
    now: datetime,
) -> Lane:
    expected = found.expected_nanousd
    cost = min(cheapest / expected, 1.0) if expected else 1.0
    seconds_left = (request.deadline_at - now).total_seconds()
    latency = _latency_fit(found.finish_seconds, seconds_left)
    refused = found.refusal
    return Lane(
        offering=found.offering,
        rank=None,
        ceiling_nanousd=found.ceiling_nanousd,
        expected_nanousd=expected,
        finish_seconds=found.finish_seconds,
        score=score_of(found.offering, request, version, cost=cost, latency=latency),
        rejection_code=refused.code if refused else None,
        reason=refused.reason if refused else "",
    )


def _latency_fit(finish_seconds: int, seconds_left: float) -> float:
    if seconds_left <= 0:
        return 0.0
    used = finish_seconds / seconds_left
    fit = (1.0 - used) / (1.0 - _EASY_SHARE)
    return min(max(fit, 0.0), 1.0)


def _provider_places(request: UnitRequest) -> dict[str, int]:
    places: dict[str, int] = {}
    for provider in request.preferences.order:
        places.setdefault(provider, len(places))
    return places


def _reason(rank: int, lane: Lane, version: RouteWeights) -> str:
    how = "a native batch job" if lane.offering.mode == "batch" else "direct calls"
    where = f"{lane.offering.model} at {lane.offering.provider_name} by {how}"
    place = f"Selected: {where}." if rank == 1 else f"Fallback {rank - 1}: {where}."
    return " ".join([place, *confidence_of(lane.offering, version).sentences])
