"""A stored decision once more, from its stored values alone."""

from typing import Any

import pytest

from batches.models import Quote
from batches.replaying import DecisionUnreadable, Difference, differences, read_group
from routing.weights import RouteWeights, ScoreWeights
from tests.batches.conftest import Customer
from tests.factories.batches import make_item, make_quote

Json = dict[str, Any]
WEIGHTS = RouteWeights()


def stored_quote(owner: Customer, **fields: Any) -> Quote:
    return Quote.objects.get(pk=make_quote(owner.org, [make_item(**fields)]).pk)


def differing(quote: Quote) -> list[Difference]:
    group = read_group(quote.decisions[0], decided_at=quote.created_at)
    return differences(group, WEIGHTS)


@pytest.mark.parametrize(
    "fields",
    [
        {"model_options": ["gpt-5.4-mini", "gpt-5.4", "deepseek-flash"]},
        {"model": "gpt-5.4"},
        {
            "operation": "embeddings",
            "model": "text-embedding-3-small",
            "input": {"input": "Say hello."},
        },
        {"input": {"input": "Say hello."}},
    ],
    ids=["several models", "a price with tiers", "embeddings", "the default cap"],
)
def test_a_replay_is_the_stored_decision_byte_for_byte(
    owner: Customer, fields: Json
) -> None:
    assert differing(stored_quote(owner, **fields)) == []


def test_a_changed_price_is_named_by_all_that_follows_from_it(owner: Customer) -> None:
    quote = stored_quote(owner)
    lane = quote.decisions[0]["replay"]["lanes"][0]
    lane["offering"]["price"]["output"] += 1_000_000

    found = {each.path: each for each in differing(quote)}

    assert found["terms.price.output"] == Difference(
        "terms.price.output", "2250000000", "2251000000"
    )
    assert "ceiling_nanousd" in found
    assert "replay.lanes[0].ceiling_nanousd" in found


def test_a_changed_verdict_is_named(owner: Customer) -> None:
    quote = stored_quote(owner)
    quote.decisions[0]["judged"][0]["trust_score"] = 0.1

    (difference,) = differing(quote)

    assert difference.path == "judged[0].trust_score"
    assert difference.stored == "0.1"


def test_a_missing_stage_is_named(owner: Customer) -> None:
    quote = stored_quote(owner)
    stages = quote.decisions[0]["stages"]
    last = len(stages) - 1
    stages.pop()

    assert f"stages[{last}]" in {each.path for each in differing(quote)}
    assert {each.stored for each in differing(quote)} == {"(nothing)"}


def test_a_field_that_is_newer_than_the_decision_is_no_difference(
    owner: Customer,
) -> None:
    quote = stored_quote(owner)
    del quote.decisions[0]["replay"]["request"]["payload_bytes_max"]
    del quote.decisions[0]["judged"][0]["sandbox"]

    assert [each.path for each in differing(quote)] == []


def test_other_weights_are_another_decision(owner: Customer) -> None:
    quote = stored_quote(owner)
    group = read_group(quote.decisions[0], decided_at=quote.created_at)

    found = differences(group, RouteWeights(base=ScoreWeights(cost=9.0)))

    assert "judged[1].score.total" in {each.path for each in found}


def test_a_decision_with_a_part_missing_is_refused(owner: Customer) -> None:
    quote = stored_quote(owner)
    stored = quote.decisions[0]
    del stored["replay"]["request"]["operation"]

    with pytest.raises(DecisionUnreadable, match="operation"):
        read_group(stored, decided_at=quote.created_at)
