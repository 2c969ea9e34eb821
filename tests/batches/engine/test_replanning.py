"""Work whose planned lanes are gone takes others, at the quoted price."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest

from batches.explaining import explain_route
from batches.models import Batch, BatchEvent, RoutePlan, WorkUnit
from batches.services.finalizing import finalize_batch
from batches.telling import story
from batchrouter.kit import clock
from billing.models import Receipt
from catalog.models import Offering
from routing import health
from tests.batches.conftest import Customer
from tests.batches.engine.builders import (
    DIRECT,
    NATIVE,
    OTHER,
    dispatched,
    executions_of,
    make_due,
    make_texts,
    rows_of,
    run_direct,
    serve_direct,
    statuses_of,
    units_of,
)
from tests.batches.engine.test_native import step, strike, tend
from tests.batches.engine.test_stopping import in_a_thread
from tests.factories.batches import book_problems
from tests.support.simulator import SimulatorProcess

BOTH = {"model_options": ["gpt-5.4-mini", "deepseek-flash"]}


@pytest.fixture(autouse=True)
def short_lag(settings: Any) -> None:
    settings.JOB_LISTING_LAG_SECONDS = 0


def offerings(provider: str, mode: str) -> Any:
    return Offering.objects.filter(provider__key=provider, mode=mode)


def rest(provider: str, mode: str = "direct", minutes: int = 10) -> None:
    """Open the breakers of a provider's lanes of a mode."""
    until = clock.now() + timedelta(minutes=minutes)
    for pk in offerings(provider, mode).values_list("pk", flat=True):
        health.trip(pk, until, "too many failures", now=clock.now(), is_sandbox=True)


def lanes_of(batch: Batch) -> set[str]:
    return {row["lane"] for row in rows_of(batch)}


def wait_until(holds: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.02)


def replanned(batch: Batch) -> list[dict[str, Any]]:
    events = BatchEvent.objects.filter(batch=batch, kind="route.replanned")
    return list(events.values_list("data", flat=True))


def test_a_lane_that_rests_is_left_before_anything_is_sent(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = dispatched(owner.org, make_texts("a", "b", **BOTH), DIRECT, OTHER)
    rest("openai")
    run_direct()

    assert lanes_of(batch) == {"deepseek:direct"}
    assert [run.provider for run in executions_of(batch)] == ["deepseek"]
    # The planned next lane takes work: there is nothing to plan anew.
    assert replanned(batch) == []
    shifted = BatchEvent.objects.get(batch=batch, kind="lane.shifted")
    assert shifted.data["cause"] == "breaker_open"
    assert book_problems() == []


def test_a_plan_whose_lanes_are_all_gone_is_made_anew(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = dispatched(owner.org, make_texts("a", "b", **BOTH), DIRECT)
    total = batch.quote.total_nanousd
    rest("openai", "direct")
    rest("openai", "batch")
    run_direct()

    (told,) = replanned(batch)
    assert told["cause"] == "breaker_open"
    assert told["items"] == 2
    assert {stage["provider"] for stage in told["stages"]} == {"deepseek"}
    refused = {
        (lane["provider"], lane["mode"]): lane["rejection_code"]
        for lane in told["refused"]
    }
    assert refused["openai", "direct"] == "breaker_open"
    assert lanes_of(batch) == {"deepseek:direct"}
    finalize_batch(batch.pk, now=clock.now())
    batch.refresh_from_db()
    assert 0 < (batch.charged_nanousd or 0) <= total
    assert book_problems() == []


def test_units_at_the_same_place_share_a_plan(
    owner: Customer, simulator: SimulatorProcess, settings: Any
) -> None:
    settings.DIRECT_UNIT_ITEMS = 2
    batch = dispatched(owner.org, make_texts(*["a"] * 6, **BOTH), DIRECT)
    rest("openai", "direct")
    rest("openai", "batch")
    run_direct()

    assert statuses_of(batch) == ["completed"] * 6
    assert RoutePlan.objects.filter(batch=batch).count() == 1
    assert len({unit.plan_id for unit in units_of(batch)}) == 1


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"enabled": False}, "offering_disabled"),
        ({"deprecates_at": "now"}, "model_deprecated"),
    ],
)
def test_a_lane_that_was_switched_off_or_withdrawn_is_left(
    owner: Customer,
    simulator: SimulatorProcess,
    change: dict[str, Any],
    cause: str,
) -> None:
    batch = dispatched(owner.org, make_texts("a", **BOTH), NATIVE, OTHER)
    values = {
        name: clock.now() if value == "now" else value for name, value in change.items()
    }
    offerings("openai", "batch").update(**values)
    step(batch)
    run_direct()

    assert lanes_of(batch) == {"deepseek:direct"}
    shifted = BatchEvent.objects.get(batch=batch, kind="lane.shifted")
    assert shifted.data["cause"] == cause
    assert simulator.stats()["batches_created"] == 0


@pytest.mark.usefixtures("committed_db")
def test_a_lane_switched_off_in_the_middle_gets_no_more_of_the_unit(
    owner: Customer, simulator: SimulatorProcess, settings: Any
) -> None:
    settings.DIRECT_WINDOW = 4
    settings.LEASE_SECONDS = 2
    simulator.settings(latency_ms=400)
    batch = dispatched(owner.org, make_texts(*["a"] * 200, **BOTH), DIRECT)

    def switch_off() -> None:
        wait_until(lambda: bool(simulator.accepted("pexec_")))
        offerings("openai", "direct").update(enabled=False)
        wait_until(lambda: bool(executions_of(batch)[0].outcome))
        simulator.settings(latency_ms=0)

    operator = in_a_thread(switch_off)
    serve_direct()
    operator.join()

    first, *others = executions_of(batch)
    assert (first.provider, first.outcome) == ("openai", "withdrawn")
    assert 4 <= first.completed < 100
    assert {run.provider for run in others} == {"deepseek"}
    assert statuses_of(batch) == ["completed"] * 200
    assert set(simulator.accepted("pexec_").values()) == {1}
    shifted = BatchEvent.objects.get(batch=batch, kind="lane.shifted")
    assert shifted.data["cause"] == "offering_disabled"
    finalize_batch(batch.pk, now=clock.now())
    assert book_problems() == []


def test_a_customer_who_wants_no_fallback_gets_none_and_the_work_waits(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = dispatched(
        owner.org,
        make_texts("a", **BOTH),
        DIRECT,
        provider_preferences={"allow_fallbacks": False},
    )
    rest("openai", "direct", minutes=5)
    run_direct()

    (unit,) = units_of(batch)
    assert (unit.state, unit.held_reason) == ("ready", "breaker_open")
    assert unit.next_action_at > clock.now() + timedelta(minutes=4)
    assert executions_of(batch) == []
    for pk in offerings("openai", "direct").values_list("pk", flat=True):
        health.close(pk, now=clock.now())
    make_due(batch)
    run_direct()
    assert lanes_of(batch) == {"openai:direct"}


def test_preferences_hold_for_the_new_plan_too(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = dispatched(
        owner.org,
        make_texts("a", **BOTH),
        DIRECT,
        provider_preferences={"exclude": ["deepseek"]},
    )
    rest("openai", "direct")
    rest("openai", "batch")
    run_direct()

    (unit,) = units_of(batch)
    assert (unit.state, unit.held_reason) == ("ready", "breaker_open")
    assert replanned(batch) == []


def test_a_job_that_is_far_too_slow_is_left_before_its_time(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    strike(simulator, "stuck", fraction=0.25)
    batch = dispatched(owner.org, make_texts(*["a"] * 8), NATIVE, DIRECT)
    step(batch)
    (run,) = executions_of(batch)
    # It began two hours ago, has done a quarter, and half an hour is left.
    run.__class__.objects.update(started_at=clock.now() - timedelta(hours=2))
    WorkUnit.objects.update(leave_at=clock.now() + timedelta(minutes=30))
    tend(batch)
    run_direct()

    assert statuses_of(batch) == ["completed"] * 8
    assert sorted(row["lane"] for row in rows_of(batch)) == (
        ["openai:batch"] * 2 + ["openai:direct"] * 6
    )
    assert BatchEvent.objects.filter(batch=batch, kind="lane.stalled").count() == 1
    assert book_problems() == []


def test_the_receipt_and_the_story_tell_why_the_lane_changed(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = dispatched(owner.org, make_texts("a", **BOTH), DIRECT)
    rest("openai", "direct")
    rest("openai", "batch")
    run_direct()
    finalize_batch(batch.pk, now=clock.now())
    batch.refresh_from_db()

    receipt = Receipt.objects.get(purpose=batch.purpose, kind="route")
    document = orjson.loads(receipt.body)
    (replan,), (shift,) = document["plan_changes"], document["lane_changes"]
    (unit,) = document["work_units"]
    assert (replan["type"], replan["cause"]) == ("replan", "breaker_open")
    assert shift["causes"] == {"breaker_open": 1}
    assert replan["work_unit_id"] == shift["work_unit_id"] == unit["work_unit_id"]
    text = "\n".join(story(explain_route(batch)))
    assert "New plan for 1 items (breaker_open): deepseek deepseek-flash direct" in text
    assert "1 items moved to deepseek direct: breaker_open." in text
