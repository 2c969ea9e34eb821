"""How many calls an offering takes of all workers together."""

from datetime import timedelta

import pytest

from routing.pacing import Pace, PaceReport, after_report
from tests.routing.values import NOON


def after(pace: Pace, report: PaceReport, seconds: float = 0.0) -> Pace:
    now = NOON + timedelta(seconds=seconds)
    return after_report(pace, report, ceiling_calls=256, now=now)


def test_answers_open_the_pace_up_to_the_ceiling_of_all_workers() -> None:
    assert after(Pace(), PaceReport(answered=64)).limit_calls == 128
    assert after(Pace(limit_calls=250), PaceReport(answered=500)).limit_calls == 256


def test_a_small_pace_grows_by_a_call_an_answer() -> None:
    assert after(Pace(limit_calls=2), PaceReport(answered=3)).limit_calls == 5


def test_limits_of_many_workers_in_one_second_halve_it_once() -> None:
    pace = Pace()
    for _ in range(5):
        pace = after(pace, PaceReport(is_limited=True), seconds=10.0)
    assert pace.limit_calls == 32
    assert after(pace, PaceReport(is_limited=True), seconds=11.0).limit_calls == 16


def test_a_pace_never_falls_below_one_call() -> None:
    assert after(Pace(limit_calls=1), PaceReport(is_limited=True)).limit_calls == 1


def test_the_longest_pause_that_a_worker_was_told_holds() -> None:
    pace = after(Pace(), PaceReport(is_limited=True, pause_seconds=30))
    pace = after(pace, PaceReport(pause_seconds=5), seconds=1)
    assert pace.paused_until == NOON + timedelta(seconds=30)


@pytest.mark.parametrize(("workers", "share"), [(0, 8.0), (1, 8.0), (4, 2.0), (9, 1.0)])
def test_workers_share_alike_and_each_has_a_call(workers: int, share: float) -> None:
    assert Pace(limit_calls=8).share(workers) == share


def test_every_report_is_a_newer_revision() -> None:
    assert after(after(Pace(), PaceReport()), PaceReport()).revision == 2
