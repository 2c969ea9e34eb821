from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from routing.contracts import Lane, OfferingFacts, Plan
from routing.planning import plan
from routing.scoring import judge
from routing.weights import RouteWeights
from tests.routing.values import (
    BATCH_PRICE,
    LIST_PRICE,
    NOON,
    TOMORROW,
    make_batch_offering,
    make_offering,
    make_request,
)


def plan_of(
    *offerings: OfferingFacts,
    deadline_at: datetime = TOMORROW,
    allow_fallbacks: bool = True,
    **changes: Any,
) -> Plan:
    request = make_request(deadline_at=deadline_at, **changes)
    lanes = judge(request, offerings, RouteWeights(), now=NOON)
    return plan(
        lanes, deadline_at=deadline_at, now=NOON, allow_fallbacks=allow_fallbacks
    )


def steps(found: Plan) -> list[tuple[int, float]]:
    return [
        (stage.offering_id, (stage.leave_at - NOON).total_seconds())
        for stage in found.stages
    ]


def test_a_batch_lane_leaves_in_time_for_a_direct_one() -> None:
    # The direct lane takes ceil(2.5 s + 100 / 40) = 5 s; 1.5 times that and 15 minutes.
    assert steps(plan_of(make_offering(), make_batch_offering())) == [
        (2, 86_400 - 7.5 - 900),
        (1, 86_400),
    ]


def test_a_batch_lane_alone_stays_until_the_deadline() -> None:
    assert steps(plan_of(make_batch_offering())) == [(2, 86_400)]


def test_a_direct_lane_alone_stays_until_the_deadline() -> None:
    assert steps(plan_of(make_offering())) == [(1, 86_400)]


def test_no_eligible_lane_gives_no_stage() -> None:
    assert steps(plan_of(make_offering(is_enabled=False))) == []


def test_without_fallbacks_the_best_lane_keeps_the_work() -> None:
    found = plan_of(make_offering(), make_batch_offering(), allow_fallbacks=False)

    assert steps(found) == [(2, 86_400)]


def test_the_margin_shrinks_before_the_batch_lanes_usual_time_does() -> None:
    direct = make_offering(items_per_second=0.1)  # 1,003 s
    deadline_at = NOON + timedelta(seconds=5000)
    found = plan_of(direct, make_batch_offering(), deadline_at=deadline_at)

    # With its margin the direct lane would have to start after 2,595 s.
    assert steps(found) == [(2, 3600), (1, 5000)]


def test_a_batch_lane_leaves_before_its_usual_time_where_the_rescue_needs_it() -> None:
    direct = make_offering(items_per_second=0.1)
    deadline_at = NOON + timedelta(seconds=4000)
    found = plan_of(direct, make_batch_offering(), deadline_at=deadline_at)

    assert steps(found) == [(2, 4000 - 1003), (1, 4000)]


def test_a_short_deadline_is_shared() -> None:
    batch = make_batch_offering(batch_seconds=2)
    deadline_at = NOON + timedelta(seconds=10)
    found = plan_of(make_offering(), batch, deadline_at=deadline_at)

    assert steps(found) == [(2, 2), (1, 10)]


def test_a_second_direct_lane_follows_the_first() -> None:
    other = make_offering(offering_id=3, provider="groq", quality=0.5)

    assert steps(plan_of(make_offering(), other)) == [(1, 86_400 - 907.5), (3, 86_400)]


def test_at_most_two_direct_fallbacks_are_kept() -> None:
    offerings = [make_offering(offering_id=n, provider=f"p{n}") for n in range(1, 6)]

    assert [step[0] for step in steps(plan_of(*offerings))] == [1, 2, 3]


def test_another_providers_batch_lane_comes_before_the_direct_ones() -> None:
    other = make_batch_offering(offering_id=3, provider="groq", quality=0.5)
    found = plan_of(make_offering(), make_batch_offering(), other)

    assert [stage.offering_id for stage in found.stages] == [2, 3, 1]
    assert [stage.mode for stage in found.stages] == ["batch", "batch", "direct"]


def test_the_same_providers_other_batch_lane_is_no_fallback() -> None:
    other = make_batch_offering(offering_id=3, quality=0.5)

    assert [step[0] for step in steps(plan_of(make_batch_offering(), other))] == [2]


def test_a_fallback_within_the_fee_is_kept_before_a_dearer_one() -> None:
    dear = make_offering(offering_id=1, price=LIST_PRICE)
    same = make_offering(offering_id=3, provider="groq", price=BATCH_PRICE, quality=0.1)
    found = plan_of(make_batch_offering(), dear, same)

    assert [step[0] for step in steps(found)] == [2, 3]


def test_the_only_rescue_may_cost_us_twice_the_quote_and_no_more() -> None:
    batch = make_batch_offering()
    twice = make_offering(offering_id=1)
    more = make_offering(offering_id=1, token_factor_bps=10_100)

    assert [step[0] for step in steps(plan_of(batch, twice))] == [2, 1]
    assert [step[0] for step in steps(plan_of(batch, more))] == [2]


def test_what_we_bear_can_be_set() -> None:
    request = make_request()
    offerings = (make_batch_offering(), make_offering())
    lanes = judge(request, offerings, RouteWeights(), now=NOON)
    found = plan(
        lanes,
        deadline_at=TOMORROW,
        now=NOON,
        allow_fallbacks=True,
        bear_up_to=1.5,
    )
    assert steps(found) == [(2, 86_400)]


def test_an_embedding_plan_names_one_model() -> None:
    offerings = [
        make_offering(
            offering_id=number,
            model=model,
            provider=f"p{number}",
            operations=("embeddings",),
        )
        for number, model in enumerate(["small", "large", "large"], start=1)
    ]
    found = plan_of(*offerings, operation="embeddings", models=("large", "small"))

    assert {stage.model for stage in found.stages} == {"large"}
    assert len(found.stages) == 2


LANES = st.builds(
    make_offering,
    offering_id=st.integers(1, 100),
    provider=st.sampled_from(["openai", "groq", "together"]),
    mode=st.sampled_from(["batch", "direct"]),
    price=st.sampled_from([LIST_PRICE, BATCH_PRICE]),
    batch_seconds=st.integers(1, 90_000),
    latency_ms=st.integers(0, 100_000),
    items_per_second=st.floats(0.01, 100),
)


@settings(deadline=None)
@given(
    offerings=st.lists(LANES, max_size=6, unique_by=lambda lane: lane.offering_id),
    seconds=st.integers(1, 172_800),
)
def test_stages_follow_in_time_from_the_best_lane_to_the_deadline(
    offerings: list[OfferingFacts], seconds: int
) -> None:
    deadline_at = NOON + timedelta(seconds=seconds)
    request = make_request(deadline_at=deadline_at)
    lanes = judge(request, offerings, RouteWeights(), now=NOON)
    stages = plan(lanes, deadline_at=deadline_at, now=NOON, allow_fallbacks=True).stages
    by_id = {lane.offering.offering_id: lane for lane in lanes}
    best = next((lane for lane in lanes if lane.rank == 1), None)

    assert bool(stages) == (best is not None)
    if best is None:
        return
    assert stages[0].offering_id == best.offering.offering_id
    assert stages[-1].leave_at == deadline_at
    leaves = [stage.leave_at for stage in stages]
    assert leaves == sorted(leaves)
    assert leaves[0] > NOON
    assert len({stage.offering_id for stage in stages}) == len(stages)
    for before, stage in pairwise(stages):
        lane = by_id[stage.offering_id]
        room = (stage.leave_at - before.leave_at).total_seconds()
        assert room >= lane.finish_seconds - 0.001
        assert lane.ceiling_nanousd <= 2 * best.ceiling_nanousd
        assert_is_fallback(lane)


def assert_is_fallback(lane: Lane) -> None:
    assert lane.rejection_code is None
    assert lane.rank is not None
    assert lane.rank > 1
