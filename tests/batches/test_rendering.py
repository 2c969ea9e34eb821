"""Rows to the API's JSON."""

from datetime import timedelta

from batches.models import Batch
from batches.rendering import file_json, progress_json
from batches.selectors import Pace, Progress
from batchrouter.kit import clock
from tests.batches.conftest import Customer
from tests.factories.batches import make_batch, make_items, make_manifest

NO_PACE = Pace(None, None, None, None)


def running(owner: Customer) -> Batch:
    return make_batch(owner.org, make_items(10))


def test_half_of_the_rows_are_half_of_the_way(owner: Customer) -> None:
    batch = running(owner)

    shown = progress_json(
        batch, Progress(3, 1, 0, 1, 0, 10), NO_PACE, now=batch.created_at
    )

    assert shown["percent"] == 50.0


def test_the_pace_so_far_gives_the_end(owner: Customer) -> None:
    batch = running(owner)
    now = batch.created_at + timedelta(seconds=100)
    pace = Pace(batch.created_at, None, None, None)

    shown = progress_json(batch, Progress(5, 0, 0, 0, 0, 10), pace, now=now)

    # Five items took 100 seconds: 70 to 205 more for the other five.
    assert shown["eta_low"] == clock.iso(now + timedelta(seconds=70))
    assert shown["eta_high"] == clock.iso(now + timedelta(seconds=205))


def test_the_end_is_never_later_than_the_deadline(owner: Customer) -> None:
    batch = running(owner)
    now = batch.deadline_at - timedelta(seconds=10)
    pace = Pace(batch.created_at, None, None, None)

    shown = progress_json(batch, Progress(1, 0, 0, 0, 0, 10), pace, now=now)

    assert shown["eta_low"] == shown["eta_high"] == clock.iso(batch.deadline_at)


def test_a_batch_that_waits_says_why_and_until_when(owner: Customer) -> None:
    batch = running(owner)
    now = batch.state_at + timedelta(minutes=6)
    pace = Pace(None, None, now + timedelta(seconds=30), "A job is under way.")

    shown = progress_json(batch, Progress(0, 0, 0, 0, 0, 10), pace, now=now)

    assert shown["stall"] == {
        "since": clock.iso(batch.state_at),
        "reason": "A job is under way.",
        "next_action_at": clock.iso(now + timedelta(seconds=30)),
    }


def test_a_batch_that_just_began_is_not_stalled(owner: Customer) -> None:
    batch = running(owner)
    pace = Pace(None, None, batch.created_at, None)

    shown = progress_json(
        batch, Progress(0, 0, 0, 0, 0, 10), pace, now=batch.created_at
    )

    assert shown["stall"] is None


def test_a_manifests_file_tells_its_counts(owner: Customer) -> None:
    file = make_manifest(owner.org, make_items(3)).file

    shown = file_json(file)

    assert (shown["item_count"], shown["duplicates"]) == (3, 2)
    assert (shown["skipped_count"], shown["skipped"]) == (0, [])
