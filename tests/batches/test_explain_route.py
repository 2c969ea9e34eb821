"""``manage.py explain_route``."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from batches.models import Batch
from tests.batches.conftest import Customer
from tests.batches.engine.builders import (
    DIRECT,
    OTHER,
    dispatched,
    executions_of,
    make_texts,
    run_direct,
    units_of,
)
from tests.factories.batches import make_batch
from tests.support.simulator import SimulatorProcess

Json = dict[str, Any]


def told(batch: Batch, *options: str) -> str:
    """Return what the command prints."""
    out = StringIO()
    call_command("explain_route", batch.public_id, *options, stdout=out)
    return out.getvalue()


def told_as_data(batch: Batch, *options: str) -> Json:
    found: Json = json.loads(told(batch, "--json", *options))
    return found


@pytest.fixture
def fallen_back(owner: Customer, simulator: SimulatorProcess) -> Batch:
    """Return a batch of three items that left its first lane for the second."""
    simulator.post_fault({"match": {"provider": "openai"}, "fault": {"kind": "401"}})
    batch = dispatched(owner.org, make_texts(*["hello"] * 3), DIRECT, OTHER)
    run_direct()
    return batch


def test_the_decision_is_told_with_its_terms_scores_and_plan(
    fallen_back: Batch,
) -> None:
    (decision,) = told_as_data(fallen_back)["decisions"]

    assert decision["route_version"] == fallen_back.quote.route_version_id
    assert decision["terms"]["price"]["input"] == "0.375"
    assert decision["terms"]["fee_bps"] == 590
    assert decision["candidates"][0]["rank"] == 1
    assert set(decision["candidates"][0]["score"]) == {
        "total",
        "reliability",
        "cost",
        "latency",
        "quality",
    }
    assert [(stage["provider"], stage["mode"]) for stage in decision["stages"]] == [
        DIRECT,
        OTHER,
    ]
    assert all(stage["leave_at"] for stage in decision["stages"])


def test_a_refusal_is_told_with_its_code_and_sentence(owner: Customer) -> None:
    items = make_texts("hello", model_options=["gpt-5.4-mini", "deepseek-flash"])
    batch = make_batch(owner.org, items, provider_preferences={"exclude": ["deepseek"]})

    (decision,) = told_as_data(batch)["decisions"]

    refused = [lane for lane in decision["refusals"] if lane["provider"] == "deepseek"]
    assert {lane["rejection_code"] for lane in refused} == {"preference_excluded"}
    line = f"preference_excluded. {refused[0]['reason']}"
    assert line in told(batch)


def test_a_fallback_is_told_as_run_change_run(fallen_back: Batch) -> None:
    (unit,) = told_as_data(fallen_back)["work_units"]
    first, change, second = unit["happenings"]

    assert (first["provider"], first["outcome"]) == ("openai", "lane")
    assert first["failures"]["provider_credential"] >= 1
    assert first["ended_at"] >= first["started_at"]
    assert (change["to_provider"], change["cause"]) == (
        "deepseek",
        "provider_credential",
    )
    assert change["item_count"] == 3
    assert (second["provider"], second["outcome"], second["completed"]) == (
        "deepseek",
        "ok",
        3,
    )


def test_counts_and_our_costs_are_told(fallen_back: Batch) -> None:
    found = told_as_data(fallen_back)
    (unit,) = found["work_units"]
    _, second = executions_of(fallen_back)

    assert unit["counts"]["completed"] == 3
    assert unit["counts"]["open"] == 0
    assert second.cost_nanousd > 0
    assert unit["cost"] == found["cost"] == unit["happenings"][-1]["cost"]
    assert unit["cost_of_unknown_outcomes"] == "0.00"


def test_the_story_says_in_words_why_the_lane_changed(fallen_back: Batch) -> None:
    text = told(fallen_back)

    assert (
        "3 items moved to deepseek direct: provider_credential. "
        "The provider refused our credential." in text
    )
    assert "is done on stage 1: 3 completed, 0 review, 0 failed" in text
    assert "The lane was given up for all items that waited." in text


def test_slices_name_the_unit_that_they_were_split_from(
    owner: Customer, simulator: SimulatorProcess, settings: Any
) -> None:
    simulator.post_fault({"match": {"provider": "openai"}, "fault": {"kind": "401"}})
    batch = dispatched(owner.org, make_texts(*["hello"] * 4), DIRECT, OTHER)
    settings.DIRECT_UNIT_ITEMS = 2
    run_direct()

    parent, *slices = told_as_data(batch)["work_units"]

    assert (parent["state"], parent["split_from"]) == ("split", None)
    assert [part["split_from"] for part in slices] == [parent["work_unit_id"]] * 2


def test_one_unit_is_told_alone_with_the_decision_for_its_group(
    owner: Customer,
) -> None:
    items = [*make_texts("a"), *make_texts("b", model="deepseek-flash")]
    items[1]["customer_item_id"] = "item-1"
    batch = dispatched(owner.org, items, DIRECT)
    last = units_of(batch)[-1]

    found = told_as_data(batch, "--unit", last.public_id)

    assert [unit["work_unit_id"] for unit in found["work_units"]] == [last.public_id]
    assert [one["group_no"] for one in found["decisions"]] == [last.group_no]


def test_a_batch_that_has_not_begun_is_told(owner: Customer) -> None:
    batch = make_batch(owner.org)

    assert told_as_data(batch)["work_units"] == []
    assert "is priced: 1 total, 1 pending" in told(batch)


def test_an_unknown_batch_is_an_error(market: None) -> None:
    with pytest.raises(CommandError, match="there is no batch batch_0"):
        call_command("explain_route", "batch_0")


def test_a_unit_of_another_batch_is_an_error(owner: Customer) -> None:
    mine = dispatched(owner.org, make_texts("a"), DIRECT)
    other = dispatched(owner.org, make_texts("a"), DIRECT)
    foreign = units_of(other)[0].public_id

    with pytest.raises(CommandError, match=f"has no work unit {foreign}"):
        told(mine, "--unit", foreign)
