"""Jobs wait here while their provider's queue is full, instead of failing there."""

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from batches.engine.native import serve_native_lanes
from batches.models import Batch, BatchEvent
from batches.services.dispatch import dispatch_batch
from batchrouter.kit import clock
from routing import job_queues
from routing.job_queues import Full, Queue
from routing.models import JobQueue, OfferingHealth, QueuedJob
from routing.queueing import QueueLimits, QueueLoad
from tests.batches.conftest import Customer
from tests.batches.engine.builders import (
    DIRECT,
    NATIVE,
    dispatched,
    executions_of,
    make_due,
    make_texts,
    rows_of,
    run_direct,
    statuses_of,
    units_of,
)
from tests.batches.engine.test_native import leave_lane_at, step, strike, tend
from tests.factories.batches import book_problems, make_batch, make_items, make_quote
from tests.support.simulator import SimulatorProcess

FULL = "provider_queue_full"
ONE = QueueLoad(tokens=10, requests=1, jobs=1)
QUEUE = Queue("openai", "gpt-5.4-mini", is_sandbox=True)


@pytest.fixture(autouse=True)
def short_lag(settings: Any) -> None:
    settings.JOB_LISTING_LAG_SECONDS = 0


@pytest.fixture
def one_job_at_once(market: None) -> None:
    """Let OpenAI's simulated account have one job."""
    JobQueue.objects.create(provider="openai", is_sandbox=True, jobs_max=1)


def two_jobs(owner: Customer, settings: Any, *lanes: tuple[str, str]) -> Batch:
    settings.NATIVE_UNIT_ITEMS = 2
    return dispatched(owner.org, make_texts(*["hello"] * 4), *lanes)


def turn_away(simulator: SimulatorProcess, times: int = 1) -> None:
    simulator.post_fault(
        {
            "match": {"path": "batch"},
            "fault": {"kind": "fail_validation"},
            "times": times,
        }
    )


def test_a_job_waits_for_room_with_a_reason_and_a_time(
    owner: Customer,
    simulator: SimulatorProcess,
    settings: Any,
    one_job_at_once: None,
) -> None:
    strike(simulator, "stuck")
    batch = two_jobs(owner, settings, NATIVE)
    before = clock.now()
    step(batch)

    first, second = units_of(batch)
    assert (first.state, first.held_reason) == ("waiting", "")
    assert (second.state, second.held_reason) == ("ready", FULL)
    assert timedelta(0) < second.next_action_at - before < timedelta(minutes=1)
    assert simulator.stats()["batches_created"] == 1
    assert [run.unit_id for run in executions_of(batch)] == [first.pk]


def test_a_job_that_waited_runs_when_another_has_ended(
    owner: Customer,
    simulator: SimulatorProcess,
    settings: Any,
    one_job_at_once: None,
) -> None:
    batch = two_jobs(owner, settings, NATIVE)
    tend(batch)

    assert statuses_of(batch) == ["completed"] * 4
    assert [unit.held_reason for unit in units_of(batch)] == ["", ""]
    assert not QueuedJob.objects.exists()
    assert BatchEvent.objects.filter(batch=batch, kind="unit.held").count() == 1
    assert book_problems() == []


def test_a_job_that_waits_goes_to_the_next_lane_when_its_time_is_over(
    owner: Customer,
    simulator: SimulatorProcess,
    settings: Any,
    one_job_at_once: None,
) -> None:
    batch = two_jobs(owner, settings, NATIVE, DIRECT)
    step(batch)
    leave_lane_at(batch, -1)
    tend(batch)
    run_direct()

    assert statuses_of(batch) == ["completed"] * 4
    assert {row["lane"] for row in rows_of(batch)[2:]} == {"openai:direct"}
    assert book_problems() == []


def test_tokens_beyond_the_limit_wait(
    owner: Customer, simulator: SimulatorProcess, settings: Any
) -> None:
    strike(simulator, "stuck")
    step(dispatched(owner.org, make_texts("hello"), NATIVE))
    waiting = QueuedJob.objects.get()
    assert waiting.tokens > 0
    JobQueue.objects.create(
        provider="openai",
        provider_model=waiting.provider_model,
        is_sandbox=True,
        tokens_max=waiting.tokens * 2 - 1,
    )
    other = dispatched(owner.org, make_texts("hello"), NATIVE)
    step(other)

    assert [unit.held_reason for unit in units_of(other)] == [FULL]
    JobQueue.objects.filter(tokens_max__gt=0).update(tokens_max=waiting.tokens * 2)
    step(other)
    assert [unit.held_reason for unit in units_of(other)] == [""]


def test_a_unit_holds_no_more_tokens_than_may_wait(
    owner: Customer, settings: Any
) -> None:
    quote = make_quote(owner.org)
    terms = quote.decisions[0]["terms"]
    counted = quote.decisions[0]["replay"]["request"]["input_tokens_max"]
    JobQueue.objects.create(
        provider="openai",
        provider_model="gpt-5.4-mini",
        is_sandbox=True,
        tokens_max=3 * (counted + terms["overhead_tokens"]),
    )
    batch = make_batch(owner.org, make_items(7))
    dispatch_batch(batch.pk, now=clock.now())

    assert [unit.item_count for unit in units_of(batch)] == [1, 2, 2, 2]


def test_a_quote_counts_the_rounds_that_a_full_queue_takes(owner: Customer) -> None:
    def seconds() -> int:
        lanes = make_quote(owner.org).reply["lanes"]
        (found,) = [
            lane["finish_seconds"]
            for lane in lanes
            if (lane["provider"], lane["mode"]) == NATIVE
        ]
        return int(found)

    usual = seconds()
    JobQueue.objects.create(
        provider="openai",
        provider_model="gpt-5.4-mini",
        is_sandbox=True,
        tokens_max=10_000,
    )
    job_queues.take(
        QUEUE, "pexec_other", QueueLoad(20_000, 1, 1), QueueLimits(), now=clock.now()
    )

    assert seconds() == 3 * usual


def test_a_job_that_is_turned_away_at_its_check_waits_and_runs_later(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    turn_away(simulator)
    batch = dispatched(owner.org, make_texts("a", "b"), NATIVE, DIRECT)
    step(batch)
    until = clock.now() + timedelta(seconds=60)
    while executions_of(batch)[0].state != "refused":
        assert clock.now() < until
        time.sleep(0.02)
        step(batch)
    (refused,) = executions_of(batch)
    (unit,) = units_of(batch)

    assert (refused.outcome, refused.failures) == (FULL, {FULL: 1})
    assert (refused.cost_nanousd, refused.ambiguous_nanousd) == (0, 0)
    assert (unit.state, unit.stage, unit.held_reason) == ("ready", 0, FULL)
    assert unit.next_action_at > clock.now() + timedelta(seconds=30)

    JobQueue.objects.update(full_until=clock.now())
    tend(batch)
    assert {row["lane"] for row in rows_of(batch)} == {"openai:batch"}
    assert {row["attempts"] for row in rows_of(batch)} == {1}
    # It says nothing of the lane's reliability.
    assert not OfferingHealth.objects.filter(recent_failures__gt=0).exists()
    assert book_problems() == []


def test_a_job_whose_making_is_refused_for_the_queue_waits_too(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    simulator.post_fault(
        {
            "match": {"path": "batch"},
            "fault": {"kind": "400", "code": "token_limit_exceeded"},
            "times": 4,
        }
    )
    batch = dispatched(owner.org, make_texts("a"), NATIVE, DIRECT)
    for _ in range(4):
        step(batch)
        JobQueue.objects.update(full_until=clock.now())

    assert [run.outcome for run in executions_of(batch)] == [FULL] * 4
    assert [unit.stage for unit in units_of(batch)] == [0]
    tend(batch)
    assert statuses_of(batch) == ["completed"]


def test_what_the_provider_said_holds_for_every_worker(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    job_queues.note_full(QUEUE, until=clock.now() + timedelta(hours=1))
    batch = dispatched(owner.org, make_texts("a"), NATIVE)
    serve_native_lanes()

    (unit,) = units_of(batch)
    assert (unit.state, unit.held_reason) == ("ready", FULL)
    assert simulator.stats()["batches_created"] == 0


def test_the_story_tells_that_a_unit_waits(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    job_queues.note_full(QUEUE, until=clock.now() + timedelta(hours=1))
    batch = dispatched(owner.org, make_texts("a", "b"), NATIVE)
    for _ in range(2):
        make_due(batch)
        serve_native_lanes()

    held = BatchEvent.objects.get(batch=batch, kind="unit.held")
    assert held.data == {
        "work_unit_id": units_of(batch)[0].public_id,
        "items": 2,
        "cause": FULL,
    }


def test_sandbox_jobs_take_no_room_from_live_ones(db: None) -> None:
    live = Queue("openai", "gpt-5.4-mini", is_sandbox=False)
    limits = QueueLimits(jobs_max=1)
    assert job_queues.take(QUEUE, "pexec_a", ONE, limits, now=clock.now()) is None

    assert job_queues.take(live, "pexec_b", ONE, limits, now=clock.now()) is None
    assert job_queues.take(live, "pexec_c", ONE, limits, now=clock.now()) == Full(
        "jobs", None
    )


@pytest.mark.usefixtures("committed_db")
def test_workers_that_ask_at_once_get_no_more_than_there_is() -> None:
    limits, found = QueueLimits(jobs_max=3), []

    def ask(number: int) -> None:
        try:
            full = job_queues.take(
                QUEUE, f"pexec_{number}", ONE, limits, now=clock.now()
            )
            found.append(full is None)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(found) == [False] * 5 + [True] * 3
    assert QueuedJob.objects.count() == 3
