"""Why a batch that should move does not."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from batches.engine.claims import RUNNING_PER_ORG
from batches.models import Batch, Execution, WorkUnit
from batches.progress import progress_json
from batches.selectors import standing_of
from batches.states import BatchState, ExecutionState, UnitState
from batchrouter.kit import clock
from routing import health
from tests.batches.conftest import Customer
from tests.batches.engine.builders import DIRECT, NATIVE, dispatched
from tests.factories.batches import make_batch, make_items

LATER = timedelta(minutes=6)


def stall_of(batch: Batch, *, now: datetime) -> dict[str, Any]:
    """Return what a batch's progress says of its stall."""
    batch.refresh_from_db()
    found = progress_json(batch, standing_of(batch), now=now)["stall"]
    assert found is not None
    stall: dict[str, Any] = found
    return stall


def started(
    batch: Batch, unit_state: UnitState, state: ExecutionState, **facts: Any
) -> Execution:
    """Let the only unit of a batch be in the hands of an execution."""
    unit = WorkUnit.objects.get(batch=batch)
    WorkUnit.objects.filter(pk=unit.pk).update(state=unit_state)
    Batch.objects.filter(pk=batch.pk).update(state=BatchState.RUNNING)
    stage = batch.quote.decisions[0]["stages"][0]
    return Execution.objects.create(
        state=state,
        state_at=batch.state_at,
        batch=batch,
        unit=unit,
        stage=0,
        offering_id=stage["offering_id"],
        provider=stage["provider"],
        model=stage["model"],
        provider_model=stage["provider_model"],
        mode=stage["mode"],
        item_count=unit.item_count,
        started_at=datetime.fromisoformat("2026-11-29T10:00:00+00:00"),
        **facts,
    )


def test_nobody_has_cut_it_yet(owner: Customer) -> None:
    batch = make_batch(owner.org, make_items(3))

    stall = stall_of(batch, now=batch.state_at + LATER)

    assert stall["code"] == "not_dispatched"
    assert stall["since"] == clock.iso(batch.state_at)


def test_no_worker_takes_its_units(owner: Customer) -> None:
    batch = dispatched(owner.org, make_items(3), DIRECT)

    stall = stall_of(batch, now=batch.state_at + LATER)

    assert stall["code"] == "no_worker"
    assert stall["reason"] == (
        "1 work units for openai are due, and no worker has taken any; ours seem to "
        "be down."
    )


def test_workers_serve_others_first(owner: Customer, stranger: Customer) -> None:
    other = dispatched(stranger.org, make_items(3), DIRECT)
    WorkUnit.objects.filter(batch=other).update(state=UnitState.RUNNING)
    batch = dispatched(owner.org, make_items(3), DIRECT)

    assert stall_of(batch, now=batch.state_at + LATER)["code"] == "workers_busy"


def test_its_organization_has_its_share_already(owner: Customer) -> None:
    other = dispatched(owner.org, make_items(3), DIRECT)
    unit = WorkUnit.objects.get(batch=other)
    for _ in range(RUNNING_PER_ORG):
        unit.pk, unit.public_id = None, f"wu_{clock.now().timestamp()}"
        unit.state = UnitState.RUNNING
        unit.save(force_insert=True)
    batch = dispatched(owner.org, make_items(3), DIRECT)

    assert stall_of(batch, now=batch.state_at + LATER)["code"] == "fair_share"


def test_a_provider_works_on_its_job(owner: Customer) -> None:
    batch = dispatched(owner.org, make_items(3, model="gpt-5.4-mini"), NATIVE)
    started(batch, UnitState.WAITING, ExecutionState.ACCEPTED, polls=7)
    unit = WorkUnit.objects.get(batch=batch)

    stall = stall_of(batch, now=batch.state_at + LATER)

    assert stall == {
        "since": clock.iso(batch.state_at),
        "code": "waiting_for_provider_job",
        "reason": "openai is working on a job of 3 items since 2026-11-29 10:00 UTC; "
        "it has been asked 7 times. Its rows come all at once, when it ends.",
        "next_action_at": clock.iso(unit.next_action_at),
    }


def test_a_job_is_being_handed_over(owner: Customer) -> None:
    batch = dispatched(owner.org, make_items(3, model="gpt-5.4-mini"), NATIVE)
    started(batch, UnitState.WAITING, ExecutionState.PLANNED)

    stall = stall_of(batch, now=batch.state_at + LATER)

    assert stall["code"] == "submitting_provider_job"


@pytest.mark.parametrize(
    ("failures", "code"),
    [
        ({"rate_limited": 40, "provider_overloaded": 2}, "rate_limited"),
        ({"rate_limited": 1, "provider_overloaded": 2}, "provider_overloaded"),
        ({}, "waiting_for_answers"),
    ],
)
def test_calls_are_under_way(
    owner: Customer, failures: dict[str, int], code: str
) -> None:
    batch = dispatched(owner.org, make_items(3), DIRECT)
    started(batch, UnitState.RUNNING, ExecutionState.PLANNED, failures=failures)

    stall = stall_of(batch, now=batch.state_at + LATER)

    assert stall["code"] == code
    assert stall["reason"].endswith(".")


def test_the_breaker_of_its_lane_is_open(owner: Customer) -> None:
    batch = dispatched(owner.org, make_items(3), DIRECT)
    offering_id = batch.quote.decisions[0]["stages"][0]["offering_id"]
    now = batch.state_at + LATER
    until = now + timedelta(minutes=3)
    health.trip(offering_id, until, "too many errors", now=now)

    stall = stall_of(batch, now=now)

    assert (stall["code"], stall["next_action_at"]) == (
        "breaker_open",
        clock.iso(until),
    )


def test_its_lane_was_down_and_is_asked_again(owner: Customer) -> None:
    batch = dispatched(owner.org, make_items(3), DIRECT)
    now = batch.state_at + LATER
    again = now + timedelta(seconds=40)
    WorkUnit.objects.filter(batch=batch).update(next_action_at=again)

    stall = stall_of(batch, now=now)

    assert (stall["code"], stall["next_action_at"]) == (
        "retry_scheduled",
        clock.iso(again),
    )


def test_its_files_are_being_written(owner: Customer) -> None:
    batch = dispatched(owner.org, make_items(3), DIRECT)
    Batch.objects.filter(pk=batch.pk).update(state=BatchState.FINALIZING)

    assert stall_of(batch, now=batch.state_at + LATER)["code"] == "finalizing"
