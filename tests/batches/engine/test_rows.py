"""The bytes of a result row."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from batches.engine.charges import RowMoney
from batches.engine.rows import (
    IndexedItem,
    Lane,
    NewRow,
    RowError,
    RowParts,
    build_row,
    one_line,
)
from batches.states import RowStatus
from routing.contracts import Output, Usage

NOON = datetime(2026, 11, 22, 12, 0, 0, 5000, tzinfo=UTC)
ITEM = IndexedItem(3, "my-item", 0, 10, 12, None)


def build(**changes: Any) -> NewRow:
    values: dict[str, Any] = {
        "batch_id": "batch_1",
        "item": ITEM,
        "operation": "responses",
        "status": RowStatus.COMPLETED,
        "attempts": 1,
        "started_at": NOON,
        "completed_at": NOON,
        "lane": Lane(9, "openai", "gpt-5.4-mini", "direct"),
        "provider_model": "gpt-5.4-mini-2026-03-05",
        "output": Output("Hello.", "stop"),
        "usage": Usage(12, 0, 2, 0),
        "money": RowMoney(18_000, 1_062, 18_000),
        "raw": b'{"id":"resp_1"}',
    }
    return build_row(RowParts(**(values | changes)))


def head_of(row: NewRow) -> dict[str, Any]:
    value: dict[str, Any] = orjson.loads(row.data[: row.head_length] + b"}")
    return value


def test_a_row_is_one_line_of_json() -> None:
    row = build()
    assert row.data.endswith(b"}\n")
    assert row.data.count(b"\n") == 1
    assert orjson.loads(row.data)["raw"] == {"id": "resp_1"}


def test_the_head_is_the_row_without_the_raw_reply() -> None:
    row = build()
    whole = orjson.loads(row.data)
    del whole["raw"]
    assert head_of(row) == whole


def test_a_row_says_who_answered_and_what_it_costs() -> None:
    head = head_of(build())
    assert head["sequence_no"] == 3
    assert head["customer_item_id"] == "my-item"
    assert head["lane"] == "openai:direct"
    assert head["provider_model"] == "gpt-5.4-mini-2026-03-05"
    assert head["completed_at"] == "2026-11-22T12:00:00.005Z"
    assert head["output"] == {"text": "Hello.", "finish_reason": "stop"}
    assert head["usage"] == {
        "input_tokens": 12,
        "cached_tokens": 0,
        "output_tokens": 2,
        "reasoning_tokens": 0,
        "total_tokens": 14,
        "source": "provider",
    }
    assert head["cost"] == {
        "provider_cost": "0.000018",
        "service_fee": "0.000001062",
        "charge": "0.000019062",
        "currency": "usd",
    }


def test_a_row_names_what_its_provider_was_not_sent() -> None:
    dropped = ("temperature", "reasoning.summary")
    assert head_of(build(dropped_fields=dropped))["dropped_fields"] == [*dropped]
    assert head_of(build())["dropped_fields"] == []


def test_a_row_tells_what_was_written_to_a_cache_where_the_provider_says_so() -> None:
    usage = Usage(100, 20, 7, 3, cache_write_tokens=30)
    assert head_of(build(usage=usage))["usage"] == {
        "input_tokens": 100,
        "cached_tokens": 20,
        "output_tokens": 7,
        "reasoning_tokens": 3,
        "total_tokens": 107,
        "source": "provider",
        "cache_write_tokens": 30,
    }


def test_a_row_without_an_answer_says_why() -> None:
    row = build(
        status=RowStatus.FAILED,
        lane=None,
        output=None,
        usage=None,
        money=None,
        raw=None,
        error=RowError("timed_out", "No answer.", retryable=True),
    )
    head = head_of(row)
    assert head["error"] == {
        "code": "timed_out",
        "message": "No answer.",
        "retryable": True,
        "provider_status": None,
    }
    assert head["lane"] is None
    assert head["cost"]["charge"] == "0.00"
    assert orjson.loads(row.data)["raw"] is None
    assert row.error_code == "timed_out"


@pytest.mark.parametrize("brk", [b"\n", b"\r\n", b"\r"])
def test_line_breaks_of_the_raw_reply_are_taken_out(brk: bytes) -> None:
    assert one_line(b'{"a":' + brk + b'"b"}') == b'{"a":"b"}'


def test_an_escaped_line_break_stays() -> None:
    assert one_line(b'{"a":"b\\nc"}') == b'{"a":"b\\nc"}'


@pytest.mark.parametrize("text", ["a\x00b", "a\u2028b\u2029", "é\U0001f600", "a\nb\rc"])
def test_odd_characters_come_back_as_they_were(text: str) -> None:
    row = build(output=Output(text, "stop"), raw=orjson.dumps({"t": text}))
    assert row.data.count(b"\n") == 1
    assert b"\r" not in row.data
    assert head_of(row)["output"]["text"] == text
    assert orjson.loads(row.data)["raw"] == {"t": text}


def test_a_json_answer_is_shown_parsed_too() -> None:
    row = build(output=Output('{"n":1}', "stop"), parsed_json={"n": 1})
    assert head_of(row)["output"]["json"] == {"n": 1}
