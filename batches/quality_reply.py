"""Quality as the API shows it: the customer's signal, and what each lane learns."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from batches.findings import findings_of
from batches.models import Batch, QualityFeedback, Verdict
from batches.quality import (
    DeliveredLane,
    current_verdicts,
    delivered_lanes,
    feedback_of,
    verdict_days,
)
from batches.quality_signal import CONFIDENCE, RECENT_DAYS, Signal, signal_of
from batchrouter.kit import clock
from routing import scoring
from routing import selectors as routing_selectors
from routing.contracts import LaneScore
from routing.scoring import Confidence

Json = dict[str, Any]

FEEDBACK_SHOWN: Final = 50


def quality_json(batch: Batch, *, now: datetime) -> Json:
    """Return what is known of the quality of a batch and of work of its kind."""
    lanes = delivered_lanes(batch)
    keys = {lane.workload_key for lane in lanes}
    signal = signal_of(verdict_days(batch.org, keys, now=now), today=now.date())
    stated = current_verdicts(batch)
    return {
        "object": "quality_feedback",
        "batch_id": batch.public_id,
        "customer_quality_signal": {
            **_signal_json(signal),
            "scope": "Your verdicts on rows of this kind of work, last 90 days.",
            "workload_keys": sorted(keys),
            "this_batch": _verdicts_json(sum(stated.values(), Counter())),
        },
        "provider_attribution": _attribution(batch, lanes, stated, now=now),
        "feedback": [
            feedback_json(row) for row in feedback_of(batch, limit=FEEDBACK_SHOWN)
        ],
    }


def feedback_json(row: QualityFeedback) -> Json:
    """Return one feedback without its verdicts on rows."""
    return {
        "id": row.public_id,
        "rating": row.rating,
        "accepted": row.is_accepted,
        "comment": row.comment or None,
        "verdicts": _verdicts_json(row.verdict_counts),
        "created_at": clock.iso(row.created_at),
    }


def _verdicts_json(counts: Mapping[str, int]) -> Json:
    return {word: counts.get(word, 0) for word in Verdict.values}


def _signal_json(signal: Signal) -> Json:
    interval, trend = signal.interval, signal.trend
    return {
        "score": signal.score,
        "sample_size": signal.sample_size,
        "interval": None
        if interval is None
        else {
            "low": interval.low,
            "high": interval.high,
            "confidence": CONFIDENCE,
            "method": "wilson",
        },
        "trend": {
            "direction": trend.direction,
            "change": trend.change,
            "p_value": trend.p_value,
            "recent_days": RECENT_DAYS,
        },
    }


def _attribution(
    batch: Batch,
    lanes: Mapping[DeliveredLane, int],
    stated: Mapping[DeliveredLane, Counter[str]],
    *,
    now: datetime,
) -> list[Json]:
    quoted = _quoted_scores(batch)
    present = _present(batch, lanes, now=now)
    return [
        {
            "provider": lane.provider,
            "model": lane.model,
            "mode": lane.mode,
            "operation": lane.operation,
            "workload_key": lane.workload_key,
            "items": lanes[lane],
            "verdicts": _verdicts_json(stated.get(lane, {})),
            **_signal_json(_signal_of_lane(batch, lane, now=now)),
            "since_quote": _since_quote(quoted.get(lane.offering_id), present[lane]),
        }
        for lane in sorted(
            lanes, key=lambda lane: (-lanes[lane], lane.provider, lane.offering_id)
        )
    ]


def _signal_of_lane(batch: Batch, lane: DeliveredLane, *, now: datetime) -> Signal:
    days = verdict_days(
        batch.org, [lane.workload_key], now=now, offering_id=lane.offering_id
    )
    return signal_of(days, today=now.date())


def _quoted_scores(batch: Batch) -> dict[int, LaneScore]:
    """Return the scores that the batch was quoted by, by offering."""
    return {
        stored["offering"]["offering_id"]: LaneScore(**stored["score"])
        for decision in batch.quote.decisions
        for stored in decision["replay"]["lanes"]
    }


def _present(
    batch: Batch, lanes: Mapping[DeliveredLane, int], *, now: datetime
) -> dict[DeliveredLane, Confidence | None]:
    """Return how far each lane is trusted now with work of its kind."""
    version = routing_selectors.current_weights(now=now)
    found: dict[DeliveredLane, Confidence | None] = dict.fromkeys(lanes)
    for key in {lane.workload_key for lane in lanes}:
        models = sorted({lane.model for lane in lanes if lane.workload_key == key})
        facts = {
            offering.offering_id: offering
            for offering in routing_selectors.offering_facts(
                models,
                sandbox_only=batch.quote.is_test,
                now=now,
                workload_key=key,
                findings=findings_of(batch.org, models, workload_key=key, now=now),
            )
        }
        for lane in lanes:
            if lane.workload_key == key and lane.offering_id in facts:
                found[lane] = scoring.confidence_of(facts[lane.offering_id], version)
    return found


def _since_quote(quoted: LaneScore | None, present: Confidence | None) -> Json:
    """Return what changed since the quote; ``now`` is null where the lane is gone."""
    return {
        "quality_score": {
            "quoted": quoted.quality if quoted else None,
            "now": present.quality if present else None,
        },
        "trust_score": {
            "quoted": quoted.trust_score if quoted else None,
            "now": present.trust if present else None,
        },
        "reasons": list(present.sentences) if present else [],
    }
