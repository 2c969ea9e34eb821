"""DeepSeek's own words, and the hours at which it costs half."""

from datetime import UTC, datetime, timedelta, timezone

import orjson
import pytest

from routing.adapters.deepseek import DeepSeekDirect, is_off_peak
from routing.adapters.registry import cost_bps
from routing.failures import FailureKind
from tests.routing.values import make_connection, make_item

BEIJING = timezone(timedelta(hours=8))


def at(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        (at(23, 0, 59), True),
        (at(23, 1), False),
        (at(23, 3, 59), False),
        (at(23, 4), True),
        (at(23, 5, 59), True),
        (at(23, 6), False),
        (at(23, 9, 59), False),
        (at(23, 10), True),
        (at(27, 7), False),
        (at(28, 7), True),
        (at(29, 7), True),
        (at(1, 7, month=10), True),
        (at(7, 7, month=10), True),
        (at(8, 7, month=10), False),
        (datetime(2026, 11, 23, 9, 30, tzinfo=BEIJING), False),
        (datetime(2026, 11, 23, 8, 30, tzinfo=BEIJING), True),
    ],
    ids=str,
)
def test_off_peak_is_outside_the_hours_of_working_days(
    instant: datetime, expected: bool
) -> None:
    assert is_off_peak(instant) is expected


@pytest.mark.parametrize(
    ("adapter", "mode", "hour", "expected"),
    [
        ("deepseek", "direct", 2, 10_000),
        ("deepseek", "direct", 5, 5_000),
        ("openai", "direct", 5, 10_000),
        ("openai", "batch", 5, 10_000),
    ],
)
def test_only_deepseek_s_calls_off_peak_cost_half(
    adapter: str, mode: str, hour: int, expected: int
) -> None:
    instant = datetime(2026, 11, 23, hour, tzinfo=UTC)
    assert cost_bps(adapter, mode, instant) == expected


def test_no_effort_switches_thinking_off() -> None:
    item = make_item(input={"input": "hi", "reasoning": {"effort": "none"}})
    body = orjson.loads(DeepSeekDirect().encode(item, make_connection()).body)

    assert body["thinking"] == {"type": "disabled"}
    assert "reasoning_effort" not in body


def test_an_effort_is_sent_as_it_is() -> None:
    item = make_item(input={"input": "hi", "reasoning": {"effort": "low"}})
    body = orjson.loads(DeepSeekDirect().encode(item, make_connection()).body)

    assert body["reasoning_effort"] == "low"
    assert "thinking" not in body


REPLY = {
    "model": "deepseek-flash",
    "choices": [
        {
            "finish_reason": "stop",
            "message": {"content": "Yes.", "reasoning_content": "Let me see."},
        }
    ],
    "usage": {
        "prompt_tokens": 10,
        "prompt_cache_hit_tokens": 4,
        "prompt_cache_miss_tokens": 6,
        "completion_tokens": 8,
        "completion_tokens_details": {"reasoning_tokens": 3},
    },
}


def test_blank_lines_before_a_reply_are_passed_over_and_thoughts_left_out() -> None:
    body = b"\n\n\n" + orjson.dumps(REPLY)
    answer = DeepSeekDirect().decode("responses", 200, {}, body)

    assert answer.output is not None
    assert answer.output.text == "Yes."
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.cached_tokens) == (10, 4)
    assert (answer.usage.output_tokens, answer.usage.reasoning_tokens) == (8, 3)


def test_a_model_that_broke_off_may_be_asked_again() -> None:
    choice = {"finish_reason": "insufficient_system_resource", "message": {}}
    body = orjson.dumps({**REPLY, "choices": [choice]})
    answer = DeepSeekDirect().decode("responses", 200, {}, body)

    assert answer.failure is not None
    assert answer.failure.kind is FailureKind.OVERLOADED
