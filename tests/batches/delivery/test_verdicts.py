"""What an endpoint's answer means."""

from datetime import UTC, datetime
from typing import get_args

import pytest

from batches.delivery.verdicts import Outcome, Verdict, judge, retry_after
from batchrouter.kit.pool import Completed, Fault
from batchrouter.kit.reply_headers import ReplyHeaders

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def answered(status: int, head: bytes = b"HTTP/1.1 200 OK\r\n\r\n") -> Verdict:
    done = Completed("token", status, ReplyHeaders(head), b"", None, 1)
    return judge(done, now=NOON)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, "delivered"),
        (204, "delivered"),
        (299, "delivered"),
        (300, "redirect_refused"),
        (308, "redirect_refused"),
        (400, "status_refused"),
        (404, "status_refused"),
        (410, "gone"),
        (429, "status_refused"),
        (500, "status_refused"),
        (101, "status_refused"),
    ],
)
def test_only_2xx_is_a_success(status: int, outcome: str) -> None:
    verdict = answered(status)

    assert (verdict.outcome, verdict.status_code) == (outcome, status)
    assert verdict.is_success == (outcome == "delivered")


def test_every_way_to_break_off_has_a_word() -> None:
    for fault in get_args(Fault):
        done = Completed("token", 0, ReplyHeaders(b""), b"", fault, 1)
        assert judge(done, now=NOON).outcome in set(Outcome)


def test_a_duration_is_told_to_the_tenth_of_a_second() -> None:
    assert answered(200).duration_ms == 100


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        ("120", 120.0),
        ("9" * 5000, 999_999_999_999.0),
        ("Sun, 29 Nov 2026 12:01:00 GMT", 60.0),
        ("Sun, 29 Nov 2026 11:00:00 GMT", 0.0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("²", None),
        ("Sun, 29 Nov 2026 12:01:00", None),
    ],
)
def test_reads_a_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, now=NOON) == seconds
