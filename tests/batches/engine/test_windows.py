"""How many calls an offering takes at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batches.engine.windows import Window
from routing.adapters.rate_limits import Allowance
from routing.pacing import Pace, PaceReport


def test_a_window_starts_at_64_calls() -> None:
    assert Window(ceiling=256).limit == 64


def test_a_small_ceiling_is_the_start() -> None:
    assert Window(ceiling=3).limit == 3


def test_answers_open_the_window_up_to_its_ceiling() -> None:
    window = Window(ceiling=100)
    for _ in range(1000):
        window.answered()
    assert window.limit == 100


def test_a_small_window_grows_by_one_call_an_answer() -> None:
    window = Window(ceiling=256, limit=1.0)
    window.answered()
    assert window.limit == 2


@pytest.mark.parametrize(
    ("limit", "ahead"), [(1, 8), (17, 8), (64, 32), (511.9, 255), (2048, 256)]
)
def test_half_a_window_is_written_down_ahead(limit: float, ahead: int) -> None:
    assert Window(ceiling=4096, limit=limit).ahead_items == ahead


def test_a_limit_halves_the_window() -> None:
    window = Window(ceiling=256)
    window.limited(10.0, retry_after_seconds=None)
    assert window.limit == 32


def test_a_burst_of_limits_halves_once_a_second() -> None:
    window = Window(ceiling=256)
    for _ in range(50):
        window.limited(10.0, retry_after_seconds=None)
    window.limited(10.9, retry_after_seconds=None)
    assert window.limit == 32
    window.limited(11.0, retry_after_seconds=None)
    assert window.limit == 16


def test_a_window_never_closes_for_good() -> None:
    window = Window(ceiling=256)
    for second in range(100):
        window.limited(float(second), retry_after_seconds=None)
    assert window.limit == 1
    assert window.has_room(200.0)


def test_retry_after_stops_every_send_until_then() -> None:
    window = Window(ceiling=256)
    window.limited(10.0, retry_after_seconds=5.0)
    assert not window.has_room(14.9)
    assert window.has_room(15.0)


def test_a_shorter_retry_after_does_not_end_a_longer_one() -> None:
    window = Window(ceiling=256)
    window.limited(10.0, retry_after_seconds=5.0)
    window.limited(11.0, retry_after_seconds=1.0)
    assert not window.has_room(14.0)


def test_a_full_window_has_no_room() -> None:
    window = Window(ceiling=2)
    window.in_flight = 2
    assert not window.has_room(0.0)


@given(st.integers(1, 500), st.lists(st.booleans(), max_size=300))
def test_the_limit_stays_within_one_and_the_ceiling(
    ceiling: int, answers: list[bool]
) -> None:
    window = Window(ceiling=ceiling)
    for second, is_answer in enumerate(answers):
        if is_answer:
            window.answered()
        else:
            window.limited(float(second), retry_after_seconds=None)
        assert 1 <= window.limit <= ceiling


def test_few_calls_left_pause_the_window_for_a_part_of_the_reset() -> None:
    window = Window(ceiling=256)
    window.told(Allowance(calls_left=0, reset_seconds=60.0), now=10.0)
    assert not window.has_room(15.9)
    assert window.has_room(16.0)


def test_as_many_calls_left_as_under_way_pause_it_too() -> None:
    window = Window(ceiling=256, in_flight=5)
    window.told(Allowance(calls_left=5, reset_seconds=60.0), now=10.0)
    assert not window.has_room(10.0)


def test_enough_calls_left_change_nothing() -> None:
    window = Window(ceiling=256, in_flight=5)
    window.told(Allowance(calls_left=6, reset_seconds=60.0), now=10.0)
    assert window.has_room(10.0)


def test_headers_are_read_ten_times_a_second() -> None:
    window = Window(ceiling=256)
    looks = [window.wants_headers(10.0 + step / 100) for step in range(100)]
    assert looks.count(True) == 10


def test_a_report_holds_what_was_seen_since_the_last_one() -> None:
    window = Window(ceiling=256)
    for _ in range(3):
        window.answered()
    window.limited(10.0, retry_after_seconds=4.0)

    assert window.take_report(11.0) == PaceReport(3, is_limited=True, pause_seconds=3.0)
    assert window.take_report(20.0) == PaceReport()


def test_a_window_takes_its_share_of_the_pace_of_all_workers() -> None:
    window = Window(ceiling=30)
    pace = Pace(limit_calls=40, revision=1)
    window.heed(pace, workers=4, pause_seconds=5.0, now=10.0)
    assert window.limit == 10
    assert not window.has_room(14.9)
    assert window.has_room(15.0)
    window.heed(Pace(limit_calls=256, revision=2), workers=1, pause_seconds=0, now=20.0)
    assert window.limit == 30


def test_a_pace_that_is_not_newer_is_passed_over() -> None:
    window = Window(ceiling=256)
    window.heed(Pace(limit_calls=8, revision=2), workers=1, pause_seconds=0, now=0.0)
    window.heed(Pace(limit_calls=99, revision=2), workers=1, pause_seconds=9, now=0.0)
    window.heed(Pace(limit_calls=99, revision=1), workers=1, pause_seconds=9, now=0.0)
    assert window.limit == 8
    assert window.has_room(0.0)
