"""What a provider's result file may claim, and what becomes of it."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from batches.models import Batch, BatchEvent
from batchrouter.kit.outbound import ControlClient
from catalog.models import Offering
from routing.adapters.openai import OpenAIDirect
from routing.adapters.openai_jobs import OpenAIJobs
from routing.adapters.registry import ADAPTERS, AdapterPair
from routing.contracts import Answer, Connection, JobState
from routing.failures import Failure, FailureKind
from routing.models import OfferingHealth
from tests.batches.conftest import Customer
from tests.batches.engine.builders import (
    DIRECT,
    NATIVE,
    codes_of,
    dispatched,
    executions_of,
    make_texts,
    rows_of,
    run_direct,
    statuses_of,
)
from tests.batches.engine.test_native import strike, tend
from tests.factories.batches import book_problems
from tests.support.simulator import SimulatorProcess

Rows = Iterator[tuple[str, Answer]]
Lie = Callable[[Rows], Rows]
CANARY = "CANARY-7f3a"
_FAILED = Answer(None, None, None, None, Failure(FailureKind.OVERLOADED), 500)


class LyingJobs(OpenAIJobs):
    """OpenAI's jobs, whose results somebody changes on their way."""

    def __init__(self, lie: Lie, states: Iterator[str]) -> None:
        super().__init__(ControlClient())
        self._lie, self._states = lie, states

    def poll(self, connection: Connection, job_id: str) -> JobState:
        job = super().poll(connection, job_id)
        word = next(self._states, None)
        if word is None:
            return job
        return replace(job, phase=word, ended_as=None)  # type: ignore[arg-type] # a lie

    def results(self, connection: Connection, job: JobState, scratch_dir: Path) -> Rows:
        return self._lie(super().results(connection, job, scratch_dir))


@pytest.fixture(autouse=True)
def short_lag(settings: Any) -> None:
    settings.JOB_LISTING_LAG_SECONDS = 0


@pytest.fixture
def lying(market: None) -> Iterator[Callable[..., None]]:
    """Let OpenAI's batch lanes tell lies."""

    def register(lie: Lie = lambda rows: rows, states: tuple[str, ...] = ()) -> None:
        jobs = LyingJobs(lie, iter(states))
        ADAPTERS["lying"] = AdapterPair(direct=OpenAIDirect(), jobs=jobs)
        Offering.objects.filter(provider__key="openai", mode="batch").update(
            adapter="lying"
        )

    yield register
    ADAPTERS.pop("lying", None)


def run(owner: Customer, count: int = 3) -> Batch:
    batch = dispatched(owner.org, make_texts(*["hello"] * count), NATIVE, DIRECT)
    tend(batch)
    return batch


@pytest.mark.parametrize(
    "change",
    [
        lambda ref: ref.upper(),
        lambda ref: ref.replace("pexec_", "pexec_x"),
        lambda ref: f" {ref}",
        lambda ref: f"{ref}\n",
        lambda ref: ref.replace("-", "-0"),
        lambda ref: ref[:-1] + "\N{ARABIC-INDIC DIGIT ONE}",
        lambda ref: ref[:-1] + "\N{SUPERSCRIPT TWO}",
        lambda ref: f"{ref}-1",
        lambda ref: f"{ref.rpartition('-')[0]}--1",
        lambda ref: f"{ref.rpartition('-')[0]}-99999999999999999999",
        lambda ref: "",
        lambda ref: "item-0",
    ],
)
def test_a_row_that_is_not_exactly_ours_is_delivered_to_nobody(
    owner: Customer,
    simulator: SimulatorProcess,
    lying: Callable[..., None],
    change: Callable[[str], str],
) -> None:
    lying(lambda rows: ((change(ref), answer) for ref, answer in rows))
    batch = run(owner)

    assert rows_of(batch) == []
    assert executions_of(batch)[0].failures == {
        "unexpected_row": 3,
        "missing_from_provider": 3,
    }
    run_direct()
    assert {row["lane"] for row in rows_of(batch)} == {"openai:direct"}
    assert book_problems() == []


def test_another_batch_s_rows_are_delivered_to_nobody(
    owner: Customer,
    stranger: Customer,
    simulator: SimulatorProcess,
    lying: Callable[..., None],
) -> None:
    seen: list[tuple[str, Answer]] = []

    def swap(rows: Rows) -> Rows:
        mine = list(rows)
        yield from seen
        seen.extend(mine)
        if len(seen) == len(mine):
            yield from mine

    lying(swap)
    theirs = run(stranger)
    mine = run(owner)

    assert statuses_of(theirs) == ["completed"] * 3
    assert rows_of(mine) == []
    assert executions_of(mine)[0].failures["unexpected_row"] == 3


@pytest.mark.parametrize("is_first", [True, False])
def test_an_answer_wins_over_an_error_for_the_same_item(
    owner: Customer,
    simulator: SimulatorProcess,
    lying: Callable[..., None],
    is_first: bool,
) -> None:
    def both(rows: Rows) -> Rows:
        for ref, answer in rows:
            pair = [(ref, answer), (ref, _FAILED)]
            yield from pair if is_first else reversed(pair)

    lying(both)
    batch = run(owner)

    assert {row["lane"] for row in rows_of(batch)} == {"openai:batch"}
    assert statuses_of(batch) == ["completed"] * 3
    assert book_problems() == []


def test_a_status_that_goes_backwards_ends_nothing(
    owner: Customer, simulator: SimulatorProcess, lying: Callable[..., None]
) -> None:
    lying(states=("collecting", "running", "submitted", "canceling", "running"))
    batch = run(owner)

    (execution,) = executions_of(batch)
    assert (execution.state, execution.outcome) == ("ended", "ok")
    assert execution.polls >= 5
    assert {row["lane"] for row in rows_of(batch)} == {"openai:batch"}


def test_usage_that_is_missing_is_never_free(
    owner: Customer, simulator: SimulatorProcess, lying: Callable[..., None]
) -> None:
    lying(lambda rows: ((ref, replace(answer, usage=None)) for ref, answer in rows))
    batch = run(owner)

    assert {row["usage"]["source"] for row in rows_of(batch)} == {"estimated"}
    assert all(float(row["cost"]["charge"]) > 0 for row in rows_of(batch))
    assert book_problems() == []


def test_a_provider_s_words_reach_no_log_and_nothing_that_others_see(
    owner: Customer,
    simulator: SimulatorProcess,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    strike(simulator, "fail_validation", code="invalid_file", message=CANARY)
    simulator.post_fault(
        {
            "match": {"path": "responses"},
            "fault": {"kind": "400", "message": CANARY},
        }
    )
    batch = run(owner)
    run_direct()

    assert codes_of(batch) == ["provider_rejected_request"] * 3
    assert CANARY not in caplog.text
    assert all(CANARY not in row["error"]["message"] for row in rows_of(batch))
    told = [
        *BatchEvent.objects.values_list("data", flat=True),
        *OfferingHealth.objects.values_list("breaker_reason", "last_failures"),
        *[(run.outcome, run.failures) for run in executions_of(batch)],
    ]
    assert CANARY not in repr(told)
