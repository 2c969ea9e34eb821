"""Decisions as stored with the quote."""

import orjson

from batches import decisions
from batches.models import Quote
from batchrouter.kit.hashing import canonical_json
from routing import preview, scoring
from routing.weights import RouteWeights
from tests.batches.conftest import Customer
from tests.factories.batches import make_item, make_quote


def stored_quote(owner: Customer) -> Quote:
    item = make_item(model_options=["gpt-5.4-mini", "gpt-5.4", "deepseek-flash"])
    return Quote.objects.get(pk=make_quote(owner.org, [item]).pk)


def test_a_decision_reads_back_equal(owner: Customer) -> None:
    (stored,) = stored_quote(owner).decisions

    decision = decisions.from_json(stored)

    assert canonical_json(decisions.to_json(decision)) == canonical_json(stored)
    again = decisions.from_json(orjson.loads(orjson.dumps(stored)))
    assert again == decision


def test_a_price_with_tiers_reads_back_equal(owner: Customer) -> None:
    quote = make_quote(owner.org, [make_item(model="gpt-5.4")])

    decision = decisions.from_json(Quote.objects.get(pk=quote.pk).decisions[0])

    (tier,) = decision.terms.price.tiers
    assert (tier.above_input_tokens, tier.input) == (272_000, 2_500_000_000)


def test_the_first_stage_is_the_selected_lane(owner: Customer) -> None:
    quote = stored_quote(owner)

    decision = decisions.from_json(quote.decisions[0])

    first = decision.stages[0]
    assert first.provider == quote.reply["route_decision"]["selected_provider"]
    assert first.price.price_id == decision.terms.price.price_id


def test_the_stored_values_replay_to_the_same_lanes(owner: Customer) -> None:
    quote = stored_quote(owner)
    replay = quote.decisions[0]["replay"]
    lanes = [preview.lane_from_snapshot(lane) for lane in replay["lanes"]]

    again = scoring.judge(
        preview.request_from_snapshot(replay["request"]),
        [lane.offering for lane in lanes],
        RouteWeights(),
        now=quote.created_at,
    )

    assert again == lanes
