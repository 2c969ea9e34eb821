"""Workers of one lane keep to one pace."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache

from batches import decisions
from batches.decisions import StageLane
from batches.engine.lane_windows import LaneWindows
from batchrouter.kit import clock
from routing.models import OfferingHealth
from tests.batches.conftest import Customer
from tests.factories.batches import make_quote


@pytest.fixture
def lane(owner: Customer) -> StageLane:
    """A direct lane of the market, whoever plays it."""
    cache.clear()
    stages = decisions.from_json(make_quote(owner.org).decisions[0]).stages
    return next(stage for stage in stages if stage.mode == "direct")


def test_a_limit_that_one_worker_met_slows_the_other(lane: StageLane) -> None:
    first, second, now = LaneWindows(), LaneWindows(), clock.now()
    for windows in (first, second):
        windows.exchange([lane], clock=10.0, now=now)
    first.of(lane).limited(10.25, retry_after_seconds=30.0)
    first.exchange([lane], clock=10.25, now=now)
    # Not the second's turn yet; then it is.
    second.exchange([lane], clock=10.9, now=now)
    second.exchange([lane], clock=11.0, now=now)

    assert second.of(lane).limit == first.of(lane).limit == 32
    assert not second.of(lane).has_room(40.1)
    assert second.of(lane).has_room(41.1)


def test_a_new_worker_begins_where_the_others_are(lane: StageLane) -> None:
    first, now = LaneWindows(), clock.now()
    for second in range(3):
        first.of(lane).limited(10.0 + second, retry_after_seconds=None)
        at = now + timedelta(seconds=second)
        first.report([lane], clock=10.0 + second, now=at)

    late = LaneWindows()
    late.exchange([lane], clock=20.0, now=now + timedelta(seconds=10))
    assert late.of(lane).limit == 8


def test_what_a_sandbox_lane_meets_slows_no_live_one(
    lane: StageLane, settings: Any
) -> None:
    assert lane.is_sandbox
    settings.PROVIDER_API_KEYS = {lane.provider: "sk-test"}
    windows, now = LaneWindows(), clock.now()
    windows.of(lane).limited(10.0, retry_after_seconds=30.0)
    windows.report([lane], clock=10.0, now=now)
    live = replace(lane, is_sandbox=False)

    assert windows.of(lane).limit == 32
    assert windows.of(live).limit == 64
    assert not OfferingHealth.objects.exists()
