"""Stored decisions under another policy."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from batches import decisions
from batches.backtesting import (
    GroupBacktest,
    SettledUsage,
    UnknownPolicy,
    backtest_group,
    read_policy,
)
from batches.models import Quote
from batches.replaying import StoredGroup, read_group
from routing.weights import RouteWeights
from tests.batches.conftest import Customer
from tests.factories.batches import make_item, make_quote

HURRIED = {"sla_tier": "priority"}


def stored(owner: Customer, **wishes: Any) -> tuple[StoredGroup, decisions.Decision]:
    item = make_item(model_options=["gpt-5.4", "gpt-5.4-mini"])
    quote = Quote.objects.get(pk=make_quote(owner.org, [item], **wishes).pk)
    group = read_group(quote.decisions[0], decided_at=quote.created_at)
    return group, decisions.from_json(quote.decisions[0])


def tried(
    group: StoredGroup,
    before: decisions.Decision,
    policy: str,
    *usages: SettledUsage,
) -> GroupBacktest:
    return backtest_group(group, before, read_policy(policy), RouteWeights(), usages)


def lane(decision: decisions.Decision | None) -> tuple[str, str, str] | None:
    if decision is None:
        return None
    first = decision.stages[0]
    return first.provider, first.model, first.mode


def test_more_time_opens_the_batch_lane(owner: Customer) -> None:
    group, before = stored(owner, **HURRIED)

    found = tried(group, before, "flex")

    assert lane(before) == ("openai", "gpt-5.4-mini", "direct")
    assert lane(found.after) == ("openai", "gpt-5.4-mini", "batch")
    assert found.after is not None
    due = found.after.replay["request"]["deadline_at"]
    assert due == (group.terms.decided_at + timedelta(hours=48)).isoformat()


def test_settled_work_is_priced_at_the_other_lane(owner: Customer) -> None:
    group, before = stored(owner, **HURRIED)
    usage = SettledUsage(
        before.stages[0].offering_id, 1, 1000, 0, 100, subtotal_nanousd=4_000_000
    )

    found = tried(group, before, "flex", usage)

    assert found.items == 1
    assert found.before_nanousd == 4_000_000
    assert found.after_nanousd == 2_000_000  # the batch price is half of it


def test_tokens_are_counted_as_the_other_provider_counts(owner: Customer) -> None:
    group, before = stored(owner)
    dear = replace(before.terms, factor_bps=before.terms.factor_bps // 2)
    usage = SettledUsage(before.stages[0].offering_id, 1, 1000, 0, 0, 1_250_000)

    found = tried(group, replace(before, terms=dear), "sla_aware", usage)

    # The lane is the same, but of twice the tokens.
    assert found.after_nanousd == 2_500_000


def test_the_same_policy_changes_nothing(owner: Customer) -> None:
    group, before = stored(owner)
    usage = SettledUsage(before.stages[0].offering_id, 3, 999, 0, 33, 1_234_567)

    found = tried(group, before, "standard", usage)

    assert found.after == before
    assert found.after_nanousd == 1_234_567


def test_a_policy_that_nobody_can_meet_leaves_the_work_where_it_was(
    owner: Customer,
) -> None:
    group, before = stored(owner)
    usage = SettledUsage(before.stages[0].offering_id, 1, 1000, 0, 100, 7)

    found = tried(group, before, "edge_only", usage)

    assert found.after is None
    assert found.after_nanousd == found.before_nanousd == 7


def test_wishes_about_providers_can_be_dropped(owner: Customer) -> None:
    group, before = stored(owner, provider_preferences={"only": ["openai"]})

    found = tried(group, before, "open_providers")

    assert group.request.preferences.only == ("openai",)
    assert found.after is not None
    assert found.after.replay["request"]["preferences"]["only"] == []


def test_words_are_joined(owner: Customer) -> None:
    group, before = stored(owner, routing_mode="quality_first", **HURRIED)
    assert lane(before) == ("openai", "gpt-5.4", "direct")

    found = tried(group, before, "cheapest+flex")

    assert lane(found.after) == ("openai", "gpt-5.4-mini", "batch")
    assert found.after is not None
    assert found.after.replay["request"]["routing_mode"] == "cheapest"


def test_a_named_route_policy_is_a_policy(owner: Customer) -> None:
    group, _ = stored(owner)

    request = read_policy("agent_main_thread_fast_async").request(group)

    assert request.deadline_at == group.terms.decided_at + timedelta(hours=1)
    assert request.preferences.max_latency_seconds == 300


@pytest.mark.parametrize("name", ["", "cheap", "cheapest+", "rv_1", "\0", "x" * 5000])
def test_an_unknown_word_is_refused(name: str) -> None:
    with pytest.raises(UnknownPolicy, match="There is no policy"):
        read_policy(name)
