"""Provider jobs stay within what the provider takes, over real HTTP to the simulator.

The limits are those of an adapter that these tests register: OpenAI's, with less room.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from batches.models import WorkUnit
from batches.services.dispatch import dispatch_batch
from batchrouter.kit import clock
from batchrouter.kit.outbound import ControlClient
from catalog.models import Offering
from routing.adapters.gemini import GeminiDirect
from routing.adapters.gemini_jobs import GeminiJobs
from routing.adapters.openai import OpenAIDirect
from routing.adapters.openai_jobs import OpenAIJobs
from routing.adapters.registry import ADAPTERS, AdapterPair
from routing.contracts import Connection, ItemRequest, JobLimits
from routing.estimates import job_line_bytes
from tests.batches.conftest import Customer
from tests.batches.engine.builders import (
    NATIVE,
    codes_of,
    dispatched,
    executions_of,
    make_texts,
    run_direct,
    statuses_of,
    units_of,
)
from tests.batches.engine.test_native import leave_lane_at, step, tend
from tests.factories.batches import (
    book_problems,
    lines_of,
    make_batch,
    make_items,
    make_quote,
)
from tests.support.simulator import SimulatorProcess

Register = Callable[..., None]


class SmallJobs(OpenAIJobs):
    """OpenAI's jobs with less room, and lines with blanks that nobody expects."""

    def __init__(self, limits: JobLimits, padding: int) -> None:
        super().__init__(ControlClient())
        self.limits = limits
        self._padding = b" " * padding

    def encode_line(self, item: ItemRequest, connection: Connection) -> bytes:
        line = super().encode_line(item, connection)
        return line[:-1] + self._padding + b"\n"


@pytest.fixture
def small(market: None) -> Iterator[Register]:
    """Give OpenAI's batch lanes an adapter with these limits."""

    def register(padding: int = 0, **limits: Any) -> None:
        room = {"requests_max": 1000, "bytes_max": 10**8} | limits
        jobs = SmallJobs(JobLimits(**room, source="these tests"), padding)
        ADAPTERS["small"] = AdapterPair(direct=OpenAIDirect(), jobs=jobs)
        Offering.objects.filter(provider__key="openai", mode="batch").update(
            adapter="small"
        )

    yield register
    ADAPTERS.pop("small", None)


@pytest.fixture(autouse=True)
def short_lag(settings: Any) -> None:
    settings.JOB_LISTING_LAG_SECONDS = 0


def counts_after_dispatch(owner: Customer, count: int) -> list[int]:
    batch = make_batch(owner.org, make_items(count))
    dispatch_batch(batch.pk, now=clock.now())
    units = WorkUnit.objects.filter(batch=batch).order_by("seq_from")
    assert {unit.mode for unit in units} == {"batch"}
    return [unit.item_count for unit in units]


def line_bytes(items: list[dict[str, Any]]) -> int:
    return sum(job_line_bytes(len(lines_of([item])) - 1) for item in items)


def test_a_unit_holds_no_more_items_than_a_job_takes(
    owner: Customer, small: Register
) -> None:
    small(requests_max=3)

    assert counts_after_dispatch(owner, 7) == [3, 3, 1]


def test_a_unit_holds_no_more_bytes_than_a_job_takes(
    owner: Customer, small: Register
) -> None:
    small(bytes_max=line_bytes(make_items(3)))

    # The first border falls into the second item; no unit has more than three.
    assert counts_after_dispatch(owner, 7) == [1, 2, 2, 2]


def test_a_unit_holds_no_more_tokens_than_a_job_takes(
    owner: Customer, small: Register
) -> None:
    quote = make_quote(owner.org)
    terms = quote.decisions[0]["terms"]
    counted = quote.decisions[0]["replay"]["request"]["input_tokens_max"]
    assert terms["factor_bps"] == 10_000
    small(tokens_max=3 * (counted + terms["overhead_tokens"]))

    assert counts_after_dispatch(owner, 7) == [1, 2, 2, 2]


def test_a_lane_refuses_an_item_that_no_job_of_its_takes(
    owner: Customer, small: Register
) -> None:
    small(bytes_max=3000)
    quote = make_quote(owner.org, make_texts("x" * 1000))
    codes = {
        (lane["provider"], lane["mode"]): lane["rejection_code"]
        for lane in quote.reply["lanes"]
    }

    assert codes["openai", "batch"] == "job_limit_exceeded"
    assert codes["openai", "direct"] is None
    assert [stage["mode"] for stage in quote.decisions[0]["stages"]] == ["direct"]


def test_a_unit_is_cut_where_it_falls_back_to_a_smaller_job(
    owner: Customer, simulator: SimulatorProcess, small: Register
) -> None:
    small(requests_max=2)
    batch = dispatched(
        owner.org, make_texts(*["hello"] * 5), ("anthropic", "batch"), NATIVE
    )
    leave_lane_at(batch, -1)
    step(batch)
    tend(batch)

    assert statuses_of(batch) == ["completed"] * 5
    assert [(unit.state, unit.item_count) for unit in units_of(batch)] == [
        ("split", 0),
        ("done", 2),
        ("done", 2),
        ("done", 1),
    ]
    assert [job.item_count for job in executions_of(batch)] == [2, 2, 1]
    assert simulator.stats()["batches_created_by_provider"] == {"openai": 3}
    assert book_problems() == []


def test_a_unit_whose_lines_came_out_too_large_is_halved_before_it_is_sent(
    owner: Customer, simulator: SimulatorProcess, small: Register
) -> None:
    small(bytes_max=10_000, padding=4000)
    batch = dispatched(owner.org, make_texts(*["hello"] * 4), NATIVE)
    tend(batch)

    assert statuses_of(batch) == ["completed"] * 4
    assert [(job.outcome, job.item_count) for job in executions_of(batch)] == [
        ("job_limit_exceeded", 4),
        ("ok", 2),
        ("ok", 2),
    ]
    assert simulator.stats()["batches_created"] == 2
    assert book_problems() == []


def test_a_unit_of_items_that_are_several_lines_each_is_halved(
    owner: Customer, simulator: SimulatorProcess, small: Register
) -> None:
    jobs = GeminiJobs(ControlClient())
    jobs.limits = JobLimits(requests_max=4, bytes_max=10**8, source="these tests")
    ADAPTERS["small"] = AdapterPair(direct=GeminiDirect(), jobs=jobs)
    lanes = Offering.objects.filter(provider__key="gemini", mode="batch")
    assert lanes.update(adapter="small")
    two_texts = {"operation": "embeddings", "model": "gemini-embedding-001"}
    items = make_items(4, **two_texts, input={"input": ["a", "b"]})
    batch = make_batch(owner.org, items, provider_preferences={"only": ["gemini"]})
    dispatch_batch(batch.pk, now=clock.now())
    tend(batch)

    assert statuses_of(batch) == ["completed"] * 4
    assert [(job.outcome, job.item_count) for job in executions_of(batch)] == [
        ("job_limit_exceeded", 4),
        ("ok", 2),
        ("ok", 2),
    ]


def test_an_item_whose_line_came_out_too_large_goes_to_the_next_lane(
    owner: Customer, simulator: SimulatorProcess, small: Register
) -> None:
    small(bytes_max=3000, padding=4000)
    batch = dispatched(owner.org, make_texts("hello"), NATIVE, ("openai", "direct"))
    tend(batch)
    run_direct()

    assert statuses_of(batch) == ["completed"]
    assert simulator.stats()["batches_created"] == 0


def test_an_item_that_no_lane_takes_has_no_lane_left(
    owner: Customer, simulator: SimulatorProcess, small: Register
) -> None:
    small(bytes_max=3000, padding=4000)
    batch = dispatched(owner.org, make_texts("hello"), NATIVE)
    tend(batch)

    assert codes_of(batch) == ["no_lane_left"]
    assert simulator.stats()["batches_created"] == 0
