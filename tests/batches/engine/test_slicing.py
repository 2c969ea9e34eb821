"""How many items travel together: within a slice, and within a provider's job."""

from typing import Any

import orjson
import pytest

from batches.engine.charges import QuotedTerms
from batches.engine.rows import IndexedItem
from batches.engine.slicing import Room, cut
from routing.adapters.registry import ADAPTERS
from routing.contracts import JobAdapter
from routing.estimates import job_line_bytes
from tests.routing.values import LIST_PRICE, make_connection, make_item

# Twice the tokens of ours, and ten more for each item.
TERMS = QuotedTerms(LIST_PRICE, 20_000, 10, 100, 590)


def make_items(*lengths: int, tokens: int = 20) -> list[IndexedItem]:
    return [
        IndexedItem(seq, f"i{seq}", 0, length, tokens, None)
        for seq, length in enumerate(lengths)
    ]


def cut_seqs(items: list[IndexedItem], room: Room) -> list[list[int]]:
    return [[item.seq for item in part] for part in cut(items, room, TERMS)]


def test_items_are_cut_by_their_number() -> None:
    assert cut_seqs(make_items(*[100] * 5), Room(2)) == [[0, 1], [2, 3], [4]]


def test_items_are_cut_by_the_bytes_of_their_lines() -> None:
    # Lines of 1,224 and of 2,024 bytes.
    items = make_items(100, 100, 500, 100)

    assert cut_seqs(items, Room(9, bytes_max=2448)) == [[0, 1], [2], [3]]
    assert cut_seqs(items, Room(9, bytes_max=2447)) == [[0], [1], [2], [3]]


def test_items_are_cut_by_their_tokens_as_the_provider_counts() -> None:
    items = make_items(*[100] * 5)

    assert cut_seqs(items, Room(9, tokens_max=100)) == [[0, 1], [2, 3], [4]]
    assert cut_seqs(items, Room(9, tokens_max=99)) == [[0], [1], [2], [3], [4]]


def test_an_item_too_large_for_any_part_is_one_by_itself() -> None:
    items = make_items(100, 5000, 100)

    assert cut_seqs(items, Room(9, bytes_max=2448)) == [[0], [1], [2]]


def test_nothing_is_cut_into_nothing() -> None:
    assert cut([], Room(2), TERMS) == []


JOBS = {key: pair.jobs for key, pair in ADAPTERS.items() if pair.jobs}
INPUTS: dict[str, dict[str, Any]] = {
    "empty": {"input": "a"},
    "turns": {
        "messages": [
            {"role": role, "content": "a"} for role in ("user", "assistant") * 200
        ]
    },
    "signs": {"input": '\u00e9\u2028"' * 500},
    "schema": {
        "input": "a",
        "text": {
            "format": {
                "type": "json_schema",
                "name": "s",
                "schema": {
                    "type": "object",
                    "properties": {f"p{n}": {"type": "string"} for n in range(100)},
                },
            }
        },
    },
}


@pytest.mark.parametrize("adapter", JOBS.values(), ids=JOBS.keys())
@pytest.mark.parametrize("given", INPUTS.values(), ids=INPUTS.keys())
def test_a_line_takes_no_more_than_was_expected(
    adapter: JobAdapter, given: dict[str, Any]
) -> None:
    item = make_item(input=given, ref="r" * 48, provider_model="m" * 100)
    line = adapter.encode_line(item, make_connection())

    assert len(line) <= job_line_bytes(len(orjson.dumps(given)))
