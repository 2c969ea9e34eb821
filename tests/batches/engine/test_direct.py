"""The direct lane against the simulator: answers, faults, fallbacks."""

from typing import Any

import pytest

from batches.models import Batch, LostCall
from batches.services.finalizing import finalize_batch
from batchrouter.kit import clock
from tests.batches.conftest import Customer
from tests.batches.engine.builders import (
    DIRECT,
    OTHER,
    codes_of,
    dispatched,
    executions_of,
    make_texts,
    rows_of,
    run_direct,
    statuses_of,
    units_of,
)
from tests.factories.batches import book_problems
from tests.support.simulator import SimulatorProcess


def run(owner: Customer, *texts: str, lanes: Any = (DIRECT,), **fields: Any) -> Batch:
    batch = dispatched(owner.org, make_texts(*texts, **fields), *lanes)
    run_direct()
    return batch


def accepted(simulator: SimulatorProcess) -> list[int]:
    return sorted(simulator.accepted("pexec_").values())


def test_every_item_gets_a_row(owner: Customer, simulator: SimulatorProcess) -> None:
    batch = run(owner, *["hello"] * 30)
    rows = rows_of(batch)
    assert [row["sequence_no"] for row in rows] == list(range(30))
    assert {row["status"] for row in rows} == {"completed"}
    assert {row["attempts"] for row in rows} == {1}
    assert {row["lane"] for row in rows} == {"openai:direct"}
    assert accepted(simulator) == [1] * 30
    assert [unit.state for unit in units_of(batch)] == ["done"]
    (execution,) = executions_of(batch)
    assert (execution.state, execution.outcome) == ("ended", "ok")
    assert (execution.completed, execution.failures) == (30, {})
    assert execution.ambiguous_nanousd == 0
    assert book_problems() == []


@pytest.mark.parametrize(
    ("fault", "attempts", "failures"),
    [
        ("[[sim:429:1]]", 2, {"rate_limited": 1}),
        ("[[sim:429-noretry:1]]", 2, {"rate_limited": 1}),
        ("[[sim:500:1]]", 2, {"provider_overloaded": 1}),
        ("[[sim:empty:1]]", 2, {"verification_failed": 1}),
        ("[[sim:garbage:1]]", 2, {"malformed_answer": 1}),
        ("[[sim:reset-before:1]]", 2, {"no_answer": 1}),
        ("[[sim:reset-after:1]]", 2, {"no_answer": 1}),
        ("[[sim:429-noretry:2]][[sim:reset-after:1]]", 4, None),
    ],
)
def test_a_passing_fault_is_tried_again(
    owner: Customer,
    simulator: SimulatorProcess,
    fault: str,
    attempts: int,
    failures: dict[str, int] | None,
) -> None:
    batch = run(owner, f"say {fault}")
    (row,) = rows_of(batch)
    assert row["status"] == "completed"
    assert row["attempts"] == attempts
    if failures is not None:
        assert executions_of(batch)[0].failures == failures


@pytest.mark.parametrize(
    ("fault", "code", "attempts"),
    [
        ("500", "provider_overloaded", 4),
        ("400", "provider_rejected_request", 1),
        ("401", "provider_credential", 1),
        ("404", "model_unavailable", 1),
        ("insufficient_quota", "provider_quota", 1),
        ("reset-after", "no_answer", 2),
        ("garbage", "malformed_answer", 2),
        ("empty", "verification_failed", 2),
    ],
)
def test_a_lasting_fault_fails_the_item_on_the_last_lane(
    owner: Customer,
    simulator: SimulatorProcess,
    fault: str,
    code: str,
    attempts: int,
) -> None:
    batch = run(owner, f"say [[sim:{fault}]]")
    assert codes_of(batch) == [code]
    assert rows_of(batch)[0]["attempts"] == attempts
    assert rows_of(batch)[0]["cost"]["charge"] == "0.00"


@pytest.mark.parametrize("fault", ["401", "404", "insufficient_quota", "empty"])
def test_a_lasting_fault_of_one_provider_is_answered_by_the_next(
    owner: Customer, simulator: SimulatorProcess, fault: str
) -> None:
    batch = run(owner, f"say [[sim:{fault}@openai]]", lanes=(DIRECT, OTHER))
    (row,) = rows_of(batch)
    assert (row["status"], row["lane"]) == ("completed", "deepseek:direct")
    assert row["attempts"] == 2
    assert [run.outcome for run in executions_of(batch)][1:] == ["ok"]


def test_a_refused_credential_hands_the_whole_unit_on(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    simulator.post_fault({"match": {"provider": "openai"}, "fault": {"kind": "401"}})
    batch = run(owner, *["hello"] * 300, lanes=(DIRECT, OTHER))
    assert {row["lane"] for row in rows_of(batch)} == {"deepseek:direct"}
    assert executions_of(batch)[0].outcome == "lane"
    # The first window was under way; nothing was sent after its answers.
    assert simulator.stats()["refused"]["401"] <= 64


def test_an_item_is_sent_twice_at_most_when_answers_are_lost(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = run(owner, "say [[sim:reset-after]]", lanes=(DIRECT, OTHER))
    assert codes_of(batch) == ["no_answer"]
    assert sum(accepted(simulator)) == 2


def test_a_lost_answer_counts_on_the_next_lane_too(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    text = (
        "say [[sim:reset-after@openai:1]][[sim:401@openai:1]]"
        "[[sim:reset-after@deepseek]]"
    )
    batch = run(owner, text, lanes=(DIRECT, OTHER))
    assert codes_of(batch) == ["no_answer"]
    assert LostCall.objects.filter(batch_id=batch.pk).count() == 1
    assert sum(accepted(simulator)) == 2


def test_a_lost_answer_is_booked_as_ambiguous_exactly(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = run(owner, "say [[sim:reset-after:1]]")
    (execution,) = executions_of(batch)
    lane = batch.quote.decisions[0]["stages"][0]
    (row,) = rows_of(batch)
    counted = batch.quote.manifest.groups.get().input_tokens
    terms = batch.quote.decisions[0]["terms"]
    bound = -(-counted * terms["factor_bps"] // 10_000) + terms["overhead_tokens"]
    price = lane["price"]
    worst = bound * price["input"] + 50 * price["output"]
    assert execution.ambiguous_nanousd == -(-worst // 10**6)
    assert row["status"] == "completed"
    assert execution.cost_nanousd > 0
    assert book_problems() == []


@pytest.mark.parametrize("fault", ["hang", "drip:400"])
def test_a_call_that_never_ends_is_cut_off(
    owner: Customer, simulator: SimulatorProcess, settings: Any, fault: str
) -> None:
    settings.DIRECT_CALL_SECONDS = 1
    began = clock.now()
    batch = run(owner, f"say [[sim:{fault}]]")
    assert codes_of(batch) == ["timed_out"]
    assert (clock.now() - began).total_seconds() < 60


def test_a_declined_answer_goes_to_review(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = run(owner, "say [[sim:refusal]]", "say [[sim:filter]]")
    assert statuses_of(batch) == ["review", "review"]
    reasons = [row["output"]["finish_reason"] for row in rows_of(batch)]
    assert reasons == ["content_filter", "content_filter"]


@pytest.mark.parametrize("lie", ["garbage", "huge", "none"])
def test_usage_that_cannot_be_true_is_estimated_and_never_above_the_quote(
    owner: Customer, simulator: SimulatorProcess, lie: str
) -> None:
    batch = run(owner, f"say [[sim:usage:{lie}]]")
    (row,) = rows_of(batch)
    assert row["usage"]["source"] == "estimated"
    finalize_batch(batch.pk, now=clock.now())
    batch.refresh_from_db()
    assert 0 < (batch.charged_nanousd or 0) <= batch.quote.total_nanousd
    assert book_problems() == []


def test_hostile_text_is_delivered_or_refused_and_never_stops_the_others(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = run(owner, "say [[sim:nul]]", "say hello", "say [[sim:big:200000]]")
    assert [row["sequence_no"] for row in rows_of(batch)] == [0, 1, 2]
    assert statuses_of(batch)[1:] == ["completed", "completed"]


def test_a_failed_check_falls_back_at_once_where_the_item_asks(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = run(
        owner,
        "say [[sim:empty@openai]]",
        lanes=(DIRECT, OTHER),
        verify={"on_fail": "fallback", "min_length": 1},
    )
    assert rows_of(batch)[0]["lane"] == "deepseek:direct"
    assert executions_of(batch)[0].failures == {"verification_failed": 1}


def test_a_failed_check_goes_to_review_where_the_item_asks(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = run(owner, "hello", verify={"on_fail": "review", "regex": "^never$"})
    (row,) = rows_of(batch)
    assert row["status"] == "review"
    assert row["verification"]["passed"] is False
    assert row["cost"]["charge"] != "0.00"


def test_another_model_is_not_delivered_on_a_live_lane(
    owner: Customer, simulator: SimulatorProcess, settings: Any
) -> None:
    settings.PROVIDER_API_KEYS = {"openai": "sk-test"}
    settings.PROVIDER_BASE_URLS = {"openai": f"{simulator.url}/openai/v1"}
    batch = run(owner, "say [[sim:wrongmodel@openai]]", lanes=(DIRECT, OTHER))
    assert rows_of(batch)[0]["lane"] == "deepseek:direct"
    assert executions_of(batch)[0].failures == {"wrong_model": 1}
    assert executions_of(batch)[0].ambiguous_nanousd > 0


def test_a_large_unit_is_handed_on_in_slices(
    owner: Customer, simulator: SimulatorProcess, settings: Any
) -> None:
    simulator.post_fault({"match": {"provider": "openai"}, "fault": {"kind": "401"}})
    batch = dispatched(owner.org, make_texts(*["hello"] * 25), DIRECT, OTHER)
    settings.DIRECT_UNIT_ITEMS = 10
    run_direct()
    parent, *slices = units_of(batch)
    assert (parent.state, parent.item_count) == ("split", 0)
    assert [unit.item_count for unit in slices] == [10, 10, 5]
    assert [unit.state for unit in slices] == ["done"] * 3
    assert statuses_of(batch) == ["completed"] * 25


def test_an_outage_of_the_last_lane_is_waited_out(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    simulator.post_fault({"match": {}, "fault": {"kind": "503"}})
    batch = run(owner, *["hello"] * 6)
    (unit,) = units_of(batch)
    assert unit.state == "ready"
    assert 4 < (unit.next_action_at - unit.state_at).total_seconds() < 6
    assert rows_of(batch) == []


def test_a_missing_input_file_fails_its_items_and_no_worker(
    owner: Customer, stranger: Customer, simulator: SimulatorProcess, settings: Any
) -> None:
    broken = dispatched(owner.org, make_texts("gone", "too"), DIRECT)
    sound = dispatched(stranger.org, make_texts("here"), DIRECT)
    key = broken.manifest.file.storage_key
    (settings.ARTIFACTS_DIR / key).unlink()
    run_direct()
    assert codes_of(broken) == ["internal_error", "internal_error"]
    assert statuses_of(sound) == ["completed"]
    finalize_batch(broken.pk, now=clock.now())
    broken.refresh_from_db()
    assert (broken.state, broken.charged_nanousd) == ("failed", 0)
