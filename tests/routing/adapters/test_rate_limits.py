"""What a reply's headers tell of the calls that are left."""

import pytest

from routing.adapters.rate_limits import Allowance, allowance_in


def openai(left: str, reset: str) -> dict[str, str]:
    return {
        "x-ratelimit-remaining-requests": left,
        "x-ratelimit-reset-requests": reset,
    }


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [("1s", 1.0), ("6m0s", 300.0), ("1m30s", 90.0), ("250ms", 0.25), ("12.5", 12.5)],
)
def test_a_reset_is_a_duration_of_at_most_five_minutes(
    reset: str, seconds: float
) -> None:
    assert allowance_in(openai("3", reset)) == Allowance(3, seconds)


def test_a_reset_that_is_an_instant_is_read_by_the_reply_s_own_clock() -> None:
    headers = {
        "anthropic-ratelimit-requests-remaining": "7",
        "anthropic-ratelimit-requests-reset": "2026-11-22T12:00:40Z",
        "date": "Sun, 22 Nov 2026 12:00:00 GMT",
    }

    assert allowance_in(headers) == Allowance(7, 40.0)


def test_hardly_any_tokens_left_is_no_call_left() -> None:
    headers = openai("500", "1s") | {
        "x-ratelimit-remaining-tokens": "999",
        "x-ratelimit-reset-tokens": "20s",
    }

    assert allowance_in(headers) == Allowance(0, 20.0)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        openai("3", ""),
        openai("-3", "1s"),
        openai("many", "1s"),
        openai("3", "soon"),
        openai("3", "1s later"),
        openai("3", "nan"),
        openai("3", "-1"),
        openai("3", "2026-11-22T12:00:40Z"),
        {"x-ratelimit-remaining-requests": "3"},
    ],
)
def test_what_cannot_be_read_tells_nothing(headers: dict[str, str]) -> None:
    assert allowance_in(headers) is None
