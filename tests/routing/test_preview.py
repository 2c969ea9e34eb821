import json
from dataclasses import replace
from datetime import timedelta

from catalog.pricing import PriceTier
from routing import preview
from routing.contracts import Preferences
from routing.planning import plan
from routing.scoring import judge
from routing.weights import RouteWeights, from_json, to_json
from tests.routing.values import (
    LIST_PRICE,
    NOON,
    TOMORROW,
    make_batch_offering,
    make_offering,
    make_request,
)

WEIGHTS = RouteWeights()
SEEN = make_offering(observed_successes=990.0, observed_failures=10.0)
OFF = make_offering(
    offering_id=9, provider="groq", provider_name="Groq", is_connected=False
)


def test_the_preview_has_exactly_the_documented_keys() -> None:
    lanes = judge(make_request(), [SEEN, OFF], WEIGHTS, now=NOON)
    found = preview.route_decision(lanes)

    assert list(found) == [
        "selected_provider",
        "quality_score",
        "reliability_prior_score",
        "observed_confidence_score",
        "observed_confidence_basis",
        "trust_score",
        "fallback_order",
        "rejected_providers",
    ]
    assert found["selected_provider"] == "openai"
    assert found["quality_score"] == 0.92
    assert found["reliability_prior_score"] == 0.985
    assert found["observed_confidence_score"] == found["trust_score"]
    assert found["observed_confidence_basis"] == "routing_outcomes"
    assert found["fallback_order"] == ["openai"]
    assert found["rejected_providers"] == [
        {
            "provider": "groq",
            "rejection_code": "provider_not_connected",
            "reason": "Groq is not connected.",
        }
    ]


def test_a_provider_with_one_eligible_lane_is_not_rejected() -> None:
    off = make_batch_offering(is_enabled=False)
    lanes = judge(make_request(), [make_offering(), off], WEIGHTS, now=NOON)

    assert preview.route_decision(lanes)["rejected_providers"] == []


def test_the_preview_of_nothing_eligible() -> None:
    lanes = judge(make_request(), [OFF], WEIGHTS, now=NOON)
    found = preview.route_decision(lanes)

    assert found["selected_provider"] is None
    assert found["trust_score"] is None
    assert found["observed_confidence_basis"] == "none"
    assert found["fallback_order"] == []


def test_a_lane_as_the_quote_shows_it() -> None:
    [lane] = judge(make_request(), [make_offering()], WEIGHTS, now=NOON)

    assert preview.lane_json(lane) == {
        "provider": "openai",
        "model": "gpt-5.4-mini",
        "mode": "direct",
        "regions": ["global"],
        "sandbox": False,
        "selected": True,
        "rank": 1,
        "ceiling": {"amount": "0.097574349", "currency": "usd"},
        "expected": {"amount": "0.05257425", "currency": "usd"},
        "finish_seconds": 5,
        "score": {
            "total": 0.986792,
            "reliability": 0.985,
            "cost": 1.0,
            "latency": 1.0,
            "quality": 0.92,
        },
        "trust_score": 0.985,
        "quality_prior_score": 0.92,
        "factors": {},
        "rejection_code": None,
        "reason": "Selected: gpt-5.4-mini at OpenAI by direct calls.",
    }


def test_a_plan_survives_storage() -> None:
    offerings = [make_offering(), make_batch_offering()]
    lanes = judge(make_request(), offerings, WEIGHTS, now=NOON)
    made = plan(lanes, deadline_at=TOMORROW, now=NOON, allow_fallbacks=True)
    stored = json.loads(json.dumps(preview.plan_json(made)))

    assert preview.plan_from_json(stored) == made


def test_a_plan_as_customers_see_it() -> None:
    lanes = judge(make_request(), [make_offering()], WEIGHTS, now=NOON)
    made = plan(lanes, deadline_at=TOMORROW, now=NOON, allow_fallbacks=True)

    assert preview.plan_summary(made) == [
        {
            "provider": "openai",
            "model": "gpt-5.4-mini",
            "mode": "direct",
            "leave_at": "2026-11-23T12:00:00.000Z",
        }
    ]


def test_a_stored_decision_is_replayed_to_the_same_lanes() -> None:
    tier = PriceTier(200_000, 10**9, 10**8, 10**10)
    offerings = [
        replace(SEEN, price=replace(LIST_PRICE, tiers=(tier,))),
        make_batch_offering(deprecates_at=NOON + timedelta(microseconds=7)),
        make_offering(offering_id=3, breaker_open_until=NOON, capacity_items=5),
    ]
    request = make_request(preferences=Preferences(order=("openai",)), workload_key="k")
    lanes = judge(request, offerings, WEIGHTS, now=NOON)
    stored = json.loads(
        json.dumps(
            {
                "lanes": [preview.lane_snapshot(lane) for lane in lanes],
                "request": preview.request_snapshot(request),
                "weights": to_json(WEIGHTS),
            }
        )
    )

    read = [preview.lane_from_snapshot(lane) for lane in stored["lanes"]]
    assert read == lanes
    again = judge(
        preview.request_from_snapshot(stored["request"]),
        [lane.offering for lane in read],
        from_json("rv_default", stored["weights"]),
        now=NOON,
    )
    assert again == lanes
