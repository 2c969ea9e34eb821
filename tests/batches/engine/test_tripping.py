"""A provider that refuses our account rests with all its lanes, at once."""

import time
from typing import Any

import pytest

from batches.engine.native import serve_native_lanes
from batchrouter.kit import clock
from catalog.models import Offering
from routing.models import OfferingHealth
from tests.batches.conftest import Customer
from tests.batches.engine.builders import (
    DIRECT,
    NATIVE,
    OTHER,
    dispatched,
    executions_of,
    make_due,
    make_texts,
    run_direct,
    statuses_of,
)
from tests.factories.batches import make_quote
from tests.support.simulator import SimulatorProcess

CREDENTIAL = "The provider refused our credential."
QUOTA = "Our quota at the provider is used up."


def resting(provider: str) -> list[str]:
    """Return why the lanes of a provider that take no work rest, one reason each."""
    return list(
        OfferingHealth.objects.filter(
            breaker_open_until__gt=clock.now(), offering_id__in=lanes_of(provider)
        ).values_list("breaker_reason", flat=True)
    )


def lanes_of(provider: str) -> list[int]:
    """Return every offering of a provider."""
    found = Offering.objects.filter(provider__key=provider)
    return list(found.values_list("pk", flat=True))


def refuse(simulator: SimulatorProcess, kind: str, **match: str) -> None:
    simulator.post_fault(
        {"match": {"provider": "openai", **match}, "fault": {"kind": kind}}
    )


def go_live(settings: Any, simulator: SimulatorProcess) -> None:
    settings.PROVIDER_API_KEYS = {"openai": "sk-test"}
    settings.PROVIDER_BASE_URLS = {"openai": f"{simulator.url}/openai/v1"}


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("401", CREDENTIAL), ("403", CREDENTIAL), ("insufficient_quota", QUOTA)],
)
def test_a_refused_call_rests_every_lane_of_the_provider_and_no_other(
    owner: Customer, simulator: SimulatorProcess, fault: str, reason: str
) -> None:
    refuse(simulator, fault)
    batch = dispatched(owner.org, make_texts("hello"), DIRECT, OTHER)
    run_direct()

    assert statuses_of(batch) == ["completed"]
    assert resting("openai") == [reason] * len(lanes_of("openai"))
    assert resting("deepseek") == []


@pytest.mark.parametrize(
    ("fault", "reason"), [("401", CREDENTIAL), ("insufficient_quota", QUOTA)]
)
def test_a_refused_job_rests_every_lane_of_the_provider(
    owner: Customer, simulator: SimulatorProcess, fault: str, reason: str
) -> None:
    refuse(simulator, fault, path="batch")
    batch = dispatched(owner.org, make_texts("hello"), NATIVE, OTHER)
    serve_native_lanes()

    assert [run.state for run in executions_of(batch)] == ["refused"]
    assert resting("openai") == [reason] * len(lanes_of("openai"))


def test_a_refused_row_of_a_job_rests_every_lane_of_the_provider(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = dispatched(owner.org, make_texts("say [[sim:401@openai]]"), NATIVE, OTHER)
    end_by = time.monotonic() + 120
    while not executions_of(batch) or executions_of(batch)[0].ended_at is None:
        assert time.monotonic() < end_by
        make_due(batch)
        serve_native_lanes()
        time.sleep(0.05)

    assert executions_of(batch)[0].failures == {"provider_credential": 1}
    assert resting("openai") == [CREDENTIAL] * len(lanes_of("openai"))


def test_many_refusals_of_one_moment_count_as_one(
    owner: Customer, simulator: SimulatorProcess, settings: Any
) -> None:
    settings.DIRECT_UNIT_ITEMS = 5
    refuse(simulator, "401")
    dispatched(owner.org, make_texts(*["hello"] * 20), DIRECT, OTHER)
    run_direct()

    assert set(OfferingHealth.objects.exclude(trips=0).values_list("trips")) == {(1,)}


def test_a_passing_refusal_rests_nothing(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    dispatched(owner.org, make_texts("say [[sim:429x1@openai]]"), DIRECT, OTHER)
    run_direct()

    assert resting("openai") == []


def test_the_next_quote_goes_elsewhere_and_says_why(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    refuse(simulator, "401")
    dispatched(owner.org, make_texts("hello"), DIRECT, OTHER)
    run_direct()

    lanes = make_quote(
        owner.org, make_texts("hello", model_options=["deepseek-flash"])
    ).reply["lanes"]

    assert {lane["provider"] for lane in lanes if lane["selected"]} == {"deepseek"}
    assert {
        lane["rejection_code"] for lane in lanes if lane["provider"] == "openai"
    } == {"breaker_open"}


def test_what_the_simulator_refuses_rests_no_live_lane(
    owner: Customer, simulator: SimulatorProcess, settings: Any
) -> None:
    batch = dispatched(
        owner.org, make_texts("say [[sim:401]]"), DIRECT, OTHER, is_test=True
    )
    go_live(settings, simulator)
    run_direct()

    assert executions_of(batch)[0].failures == {"provider_credential": 1}
    assert resting("openai") == []


def test_what_a_live_provider_refuses_rests_its_lanes(
    owner: Customer, simulator: SimulatorProcess, settings: Any
) -> None:
    go_live(settings, simulator)
    dispatched(owner.org, make_texts("say [[sim:401@openai]]"), DIRECT, OTHER)
    run_direct()

    assert resting("openai") == [CREDENTIAL] * len(lanes_of("openai"))
