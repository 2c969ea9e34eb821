import math
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.pricing import Price, PriceTier, numerator
from routing import estimates
from routing.contracts import Lane, OfferingFacts, Preferences, UnitRequest
from routing.eligibility import REJECTION_CODES, SELF_HOSTED
from routing.scoring import judge
from routing.weights import RouteWeights
from tests.routing.values import (
    BATCH_PRICE,
    LIST_PRICE,
    NOON,
    make_batch_offering,
    make_offering,
    make_request,
)

WEIGHTS = RouteWeights(version_id="rv_test")


def lanes_of(
    *offerings: OfferingFacts, request: UnitRequest | None = None
) -> list[Lane]:
    return judge(request or make_request(), offerings, WEIGHTS, now=NOON)


def verdict(offering: OfferingFacts, **changes: Any) -> str | None:
    [lane] = lanes_of(offering, request=make_request(**changes))
    assert (lane.rank is None) == (lane.rejection_code is not None)
    assert lane.reason
    return lane.rejection_code


def order(lanes: list[Lane]) -> list[int]:
    return [lane.offering.offering_id for lane in lanes if lane.rank is not None]


def test_a_plain_lane_is_eligible() -> None:
    [lane] = lanes_of(make_offering())

    assert (lane.rank, lane.rejection_code) == (1, None)
    assert lane.reason == "Selected: gpt-5.4-mini at OpenAI by direct calls."


REFUSALS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("offering_disabled", {"is_enabled": False}, {}),
    ("sanctioned", {"is_sanctioned": True}, {}),
    ("provider_not_connected", {"is_connected": False}, {}),
    ("sandbox_only", {"is_sandbox": False}, {"sandbox_only": True}),
    ("model_deprecated", {"deprecates_at": NOON + timedelta(hours=24)}, {}),
    ("operation_unsupported", {"operations": ("vision",)}, {}),
    ("vision_unsupported", {"supports_vision": False}, {"needs_vision": True}),
    ("schema_unsupported", {"supports_schema": False}, {"needs_schema": True}),
    ("tools_unsupported", {"supports_tools": False}, {"needs_tools": True}),
    ("context_exceeded", {"context_window": 399}, {}),
    ("output_cap_exceeded", {"max_output_tokens": 199}, {}),
    ("job_limit_exceeded", {"job_bytes_max": 1223}, {"payload_bytes_max": 100}),
    ("job_limit_exceeded", {"job_tokens_max": 199}, {}),
    ("region_not_allowed", {"regions": ("global",)}, {"allowed_regions": ("eu", "us")}),
    ("region_not_allowed", {"regions": ("us",)}, {"allowed_regions": ("eu",)}),
    ("privacy_not_met", {}, {"privacy_tier": "restricted"}),
    (
        "privacy_not_met",
        {"privacy_tiers": ("standard",)},
        {"routing_mode": "privacy_constrained"},
    ),
    ("routing_mode_excluded", {}, {"routing_mode": "edge_only"}),
    (
        "routing_mode_excluded",
        {"provider": "compatible"},
        {"routing_mode": "public_only"},
    ),
    ("preference_excluded", {}, {"preferences": Preferences(exclude=("openai",))}),
    ("preference_excluded", {}, {"preferences": Preferences(only=("groq",))}),
    (
        "latency_over_preference",
        {"latency_ms": 60_001},
        {"preferences": Preferences(max_latency_seconds=60)},
    ),
    ("deadline_unreachable", {}, {"deadline_at": NOON + timedelta(seconds=4)}),
    ("breaker_open", {"breaker_open_until": NOON + timedelta(seconds=1)}, {}),
    ("capacity_full", {"capacity_items": 99}, {}),
]


@pytest.mark.parametrize(("code", "offering", "request_"), REFUSALS)
def test_a_lane_is_refused(
    code: str, offering: dict[str, Any], request_: dict[str, Any]
) -> None:
    assert verdict(make_offering(**offering), **request_) == code


def test_every_code_is_tried_here() -> None:
    tried = {code for code, _, _ in REFUSALS} | {"embedding_model_fixed"}

    assert tried == set(REJECTION_CODES)


ACCEPTED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"is_sandbox": True}, {"sandbox_only": True}),
    ({"is_sandbox": True}, {}),
    ({"deprecates_at": NOON + timedelta(hours=24, seconds=1)}, {}),
    ({"context_window": 400}, {}),
    ({"max_output_tokens": 200}, {}),
    ({"job_bytes_max": 1224, "job_tokens_max": 200}, {"payload_bytes_max": 100}),
    ({"regions": ("eu",)}, {"allowed_regions": ("eu", "us")}),
    ({"regions": ("eu",)}, {"allowed_regions": ("global",)}),
    ({}, {"privacy_tier": "confidential"}),
    ({}, {"routing_mode": "privacy_constrained"}),
    ({"provider": "compatible"}, {"routing_mode": "edge_only"}),
    ({"provider": "compatible"}, {"routing_mode": "hybrid"}),
    ({}, {"routing_mode": "public_only"}),
    ({}, {"preferences": Preferences(only=("openai",))}),
    ({"latency_ms": 60_000}, {"preferences": Preferences(max_latency_seconds=60)}),
    ({"mode": "batch"}, {"preferences": Preferences(max_latency_seconds=1)}),
    ({}, {"deadline_at": NOON + timedelta(seconds=5)}),
    ({"breaker_open_until": NOON}, {}),
    ({"capacity_items": 100}, {}),
]


@pytest.mark.parametrize(("offering", "request_"), ACCEPTED)
def test_a_lane_is_accepted_at_the_edge(
    offering: dict[str, Any], request_: dict[str, Any]
) -> None:
    assert verdict(make_offering(**offering), **request_) is None


def test_the_providers_tokens_count_against_its_context() -> None:
    offering = make_offering(
        context_window=400, token_factor_bps=11_000, message_overhead_tokens=10
    )
    assert verdict(offering) == "context_exceeded"
    assert verdict(offering, input_tokens_max=172) is None
    assert verdict(offering, input_tokens_max=173) == "context_exceeded"


def test_the_self_hosted_providers_are_named() -> None:
    assert frozenset({"compatible"}) == SELF_HOSTED


def test_with_a_day_of_time_the_cheaper_batch_lane_wins() -> None:
    assert order(lanes_of(make_offering(), make_batch_offering())) == [2, 1]


def test_with_an_hour_the_direct_lane_is_left() -> None:
    request = make_request(deadline_at=NOON + timedelta(minutes=59))
    lanes = lanes_of(make_offering(), make_batch_offering(), request=request)

    assert order(lanes) == [1]
    assert lanes[1].rejection_code == "deadline_unreachable"


def test_the_ceiling_is_the_price_of_every_cap() -> None:
    [lane] = lanes_of(make_offering())

    # 10,000 in, 99 more for rounding the tokens; 20,000 out; 99 for rounding lines.
    tokens = 10_000 + 99
    assert lane.ceiling_nanousd == tokens * 750 + 20_000 * 4500 + 99


def test_the_expected_cost_assumes_half_of_the_caps() -> None:
    [lane] = lanes_of(make_offering())

    assert lane.expected_nanousd == (10_000 + 99) * 750 + 10_000 * 4500


@settings(deadline=None)
@given(
    counts=st.lists(
        st.tuples(st.integers(0, 300_000), st.integers(0, 4000)),
        min_size=1,
        max_size=20,
    ),
    factor=st.integers(10_000, 20_000),
    overhead=st.integers(0, 100),
    rates=st.tuples(*[st.integers(0, 10**10)] * 4),
)
def test_no_lines_charge_together_more_than_the_ceiling(
    counts: list[tuple[int, int]],
    factor: int,
    overhead: int,
    rates: tuple[int, int, int, int],
) -> None:
    tier = PriceTier(200_000, 2 * rates[0], rates[1], 2 * rates[2])
    price = Price(1, rates[0], rates[1], rates[2], (tier,), "s", "2026-11-22")
    offering = make_offering(
        price=price, token_factor_bps=factor, message_overhead_tokens=overhead
    )
    request = make_request(
        item_count=len(counts),
        input_tokens=sum(given for given, _ in counts),
        input_tokens_max=max(given for given, _ in counts),
        output_tokens=sum(made for _, made in counts),
        output_tokens_max=max(made for _, made in counts),
    )
    charged = 0
    for counted, cap in counts:
        line = numerator(
            price,
            input_tokens=estimates.input_bound(offering, counted),
            cached_tokens=0,
            output_tokens=cap,
        )
        charged += -(-line // 1_000_000)

    assert charged <= estimates.ceiling_nanousd(offering, request)
    assert estimates.expected_nanousd(
        offering, request, output_ratio=1.0
    ) <= estimates.ceiling_nanousd(offering, request)


def test_the_parts_of_a_score() -> None:
    cheap, dear = lanes_of(make_batch_offering(), make_offering())

    assert (cheap.score.cost, cheap.score.latency) == (1.0, 1.0)
    assert dear.score.cost == pytest.approx(0.5, abs=1e-4)
    assert (dear.score.quality, dear.score.reliability) == (0.92, 0.985)
    mean = (0.985 + dear.score.cost + 0.4 * 1.0 + 0.25 * 0.92) / 2.65
    assert dear.score.total == pytest.approx(mean, abs=1e-6)


@pytest.mark.parametrize(
    ("seconds", "fit"), [(14_400, 1.0), (3600 * 2, 2 / 3), (3600, 0.0)]
)
def test_latency_is_judged_against_the_time_left(seconds: int, fit: float) -> None:
    request = make_request(deadline_at=NOON + timedelta(seconds=seconds))
    [lane] = lanes_of(make_batch_offering(), request=request)

    assert lane.score.latency == pytest.approx(fit, abs=1e-6)


def test_without_outcomes_the_prior_is_the_trust() -> None:
    score = lanes_of(make_offering())[0].score

    assert score.observed_confidence_score is None
    assert score.observed_confidence_basis == "none"
    assert (score.trust_score, score.reliability_prior_score) == (0.985, 0.985)


def test_from_five_outcomes_on_the_observed_score_is_the_trust() -> None:
    offering = make_offering(observed_successes=90.0, observed_failures=10.0)
    score = lanes_of(offering)[0].score

    assert score.observed_confidence_basis == "routing_outcomes"
    assert score.observed_confidence_score == score.trust_score == score.reliability
    assert 0.8 < score.trust_score < 0.9


def test_a_lane_that_fails_often_loses_to_a_good_one() -> None:
    bad = make_offering(offering_id=1, observed_successes=60, observed_failures=40)
    good = make_offering(offering_id=2)

    assert order(lanes_of(bad, good)) == [2, 1]


TWO_MODELS = ("gpt-5.4", "gpt-5.4-mini")


def test_the_best_liked_model_wins_unless_another_is_clearly_better() -> None:
    liked = make_offering(offering_id=1, model="gpt-5.4", quality=0.90)
    other = make_offering(offering_id=2, model="gpt-5.4-mini", quality=0.95)
    cheap = make_offering(offering_id=3, model="gpt-5.4-mini", price=BATCH_PRICE)
    request = make_request(models=TWO_MODELS)

    assert order(lanes_of(liked, other, request=request)) == [1, 2]
    assert order(lanes_of(liked, cheap, request=request)) == [3, 1]


def test_the_order_of_providers_is_strict() -> None:
    dear = make_offering(offering_id=1, provider="groq")
    cheap = make_offering(offering_id=2, provider="openai", price=BATCH_PRICE)
    other = make_offering(offering_id=3, provider="together", price=BATCH_PRICE)
    request = make_request(preferences=Preferences(order=("groq", "together")))

    assert order(lanes_of(cheap, other, dear, request=request)) == [1, 3, 2]


def test_equal_lanes_are_ordered_by_their_id() -> None:
    offerings = [make_offering(offering_id=number) for number in (3, 1, 2)]

    assert order(lanes_of(*offerings)) == [1, 2, 3]


@pytest.mark.parametrize(
    ("mode", "first"), [("cheapest", 1), ("quality_first", 2), ("sla_aware", 1)]
)
def test_the_routing_mode_shifts_what_counts(mode: str, first: int) -> None:
    cheap = make_offering(offering_id=1, price=BATCH_PRICE, quality=0.70)
    fine = make_offering(offering_id=2, price=LIST_PRICE, quality=0.99)

    assert order(lanes_of(cheap, fine, request=make_request(routing_mode=mode)))[0] == (
        first
    )


def test_offerings_of_other_models_are_not_judged() -> None:
    assert lanes_of(make_offering(model="other")) == []


def test_refused_lanes_come_last_and_keep_price_and_score() -> None:
    off = make_offering(offering_id=1, is_enabled=False)
    lanes = lanes_of(off, make_offering(offering_id=2))

    assert [lane.offering.offering_id for lane in lanes] == [2, 1]
    assert lanes[1].ceiling_nanousd == lanes[0].ceiling_nanousd
    assert lanes[1].score.total > 0


def embedding(offering_id: int, model: str, **changes: Any) -> OfferingFacts:
    return make_offering(
        offering_id=offering_id, model=model, operations=("embeddings",), **changes
    )


def embedding_request(*models: str) -> UnitRequest:
    return make_request(
        operation="embeddings", models=models, output_tokens=0, output_tokens_max=0
    )


def test_embeddings_never_fall_back_to_another_model() -> None:
    lanes = lanes_of(
        embedding(1, "small", price=BATCH_PRICE),
        embedding(2, "large"),
        embedding(3, "large", provider="together"),
        request=embedding_request("large", "small"),
    )
    assert order(lanes) == [2, 3]
    assert lanes[2].rejection_code == "embedding_model_fixed"


def test_embeddings_take_the_next_model_where_the_first_has_no_lane() -> None:
    lanes = lanes_of(
        embedding(1, "small"),
        embedding(2, "large", is_enabled=False),
        request=embedding_request("large", "small"),
    )
    assert order(lanes) == [1]
    assert lanes[1].rejection_code == "offering_disabled"


@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            make_offering,
            offering_id=st.integers(1, 1000),
            quality=st.floats(0, 1),
            reliability_prior=st.floats(0, 1),
            observed_successes=st.floats(0, 1e6),
            observed_failures=st.floats(0, 1e6),
            latency_ms=st.integers(0, 10**6),
            items_per_second=st.floats(0, 1000),
            price=st.sampled_from(
                [LIST_PRICE, BATCH_PRICE, Price(3, 0, 0, 0, (), "s", "d")]
            ),
        ),
        max_size=8,
        unique_by=lambda offering: offering.offering_id,
    ),
    st.randoms(),
)
def test_the_same_offerings_in_any_order_give_the_same_lanes(
    offerings: list[OfferingFacts], chance: Any
) -> None:
    first = lanes_of(*offerings)
    chance.shuffle(offerings)

    assert lanes_of(*offerings) == first
    for lane in first:
        for part in ("reliability", "cost", "latency", "quality", "total"):
            value = getattr(lane.score, part)
            assert math.isfinite(value)
            assert 0.0 <= value <= 1.0
