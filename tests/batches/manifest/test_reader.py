"""A whole file: limits, duplicates, groups, skipping, and nothing left behind."""

from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import Any

import orjson
import pytest

from batches.manifest import reader as reading
from batches.manifest.problems import InvalidManifest
from tests.batches.manifest.helpers import (
    item,
    lines,
    places,
    read,
    reader,
    refused,
)


def numbered(count: int, **fields: Any) -> Iterator[dict[str, Any]]:
    return (item(customer_item_id=f"i{n}", **fields) for n in range(count))


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_keeps_the_bytes_as_they_came(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbf" + lines(numbered(2)).replace(b"\n", b"\r\n")

    found = read(tmp_path, data)

    assert (tmp_path / found.blob.key).read_bytes() == data
    assert found.blob.size_bytes == len(data)
    assert files(tmp_path) == [tmp_path / found.blob.key]


def test_spools_a_row_for_each_item(tmp_path: Path) -> None:
    one = item(customer_item_id="back\\slash", input="hello world")
    two = item(
        customer_item_id="é", input={"input": "hello world", "max_output_tokens": 20}
    )
    first, second = orjson.dumps(one), orjson.dumps(two)
    with reader(tmp_path) as opened:
        found = opened.read([first + b"\n" + second])
        rows = b"".join(found.spool.chunks(31)).decode()

    assert rows == (
        f"31\t0\t0\tback\\\\slash\t0\t{len(first)}\t9\t\\N\t\\N\tf\n"
        f"31\t1\t0\té\t{len(first) + 1}\t{len(second)}\t9\t20\t\\N\tf\n"
    )


def test_sums_items_that_can_travel_together(tmp_path: Path) -> None:
    capped = {"input": "hello world", "max_output_tokens": 100}
    items = [
        item(customer_item_id="a", input="hello world"),
        item(customer_item_id="b", model="gpt-5.4"),
        item(customer_item_id="c", input=capped),
        item(customer_item_id="d", input=capped),
        item(customer_item_id="e", operation="embeddings", input={"input": "hello"}),
    ]

    found = read(tmp_path, lines(items))

    mini, large, vectors = found.groups
    assert (mini.no, mini.operation, mini.models) == (0, "responses", ("gpt-5.4-mini",))
    assert (mini.item_count, mini.input_tokens, mini.input_tokens_max) == (3, 27, 9)
    assert (mini.output_tokens, mini.output_tokens_max) == (200, 100)
    assert mini.uncapped_count == 1
    assert mini.payload_bytes == sum(len(orjson.dumps(items[n])) for n in (0, 2, 3))
    assert mini.payload_bytes_max == max(len(orjson.dumps(items[n])) for n in (0, 2, 3))
    assert mini.ranges == ["0-0", "2-3"]
    assert large.ranges == ["1-1"]
    assert vectors.uncapped_count == 0


def test_lists_the_first_twenty_ranges_of_a_group(tmp_path: Path) -> None:
    models = ["gpt-5.4", "gpt-5.4-mini"]
    items = [item(customer_item_id=f"i{n}", model=models[n % 2]) for n in range(60)]

    found = read(tmp_path, lines(items))

    assert found.groups[0].ranges == [f"{n}-{n}" for n in range(0, 40, 2)]


def test_parts_items_where_prices_step(tmp_path: Path) -> None:
    # " a" is one token.
    items = [
        item(customer_item_id=f"i{count}", input=" a" * count)
        for count in (99_993, 99_994, 127_994, 199_994, 271_994)
    ]

    found = read(tmp_path, lines(items))

    assert [group.input_tokens for group in found.groups] == [
        100_000,
        100_001,
        128_001,
        200_001,
        272_001,
    ]


def test_counts_items_that_ask_the_same(tmp_path: Path) -> None:
    items = [*numbered(3), item(customer_item_id="other", input="Say goodbye.")]

    assert read(tmp_path, lines(items)).duplicates == 2


def test_names_every_wrong_line_at_once(tmp_path: Path) -> None:
    items = [
        item(customer_item_id="a"),
        item(customer_item_id="b", input={"input": "x", "stream": True}),
        item(customer_item_id="a", model="gpt-9", model_options=["gpt-5.4", "gpt-8"]),
        item(customer_item_id="b"),
    ]

    refusal = refused(tmp_path, lines(items))

    assert places(refusal) == [
        (2, "input.stream", "unsupported_option"),
        (3, "model", "unknown_model"),
        (3, "model_options", "unknown_model"),
        (3, "customer_item_id", "duplicate_id"),
        (4, "customer_item_id", "duplicate_id"),
    ]
    assert refusal.details["error_count"] == 5
    assert refusal.details["errors"][3] == {
        "line": 3,
        "customer_item_id": "a",
        "field": "customer_item_id",
        "code": "duplicate_id",
        "message": "Line 1 has the same customer_item_id.",
    }
    assert (refusal.code, refusal.status) == ("invalid_manifest", 400)
    assert refusal.param == "input.stream"
    assert refusal.message == (
        "line 2, input.stream: stream: Results arrive as files; leave it out. "
        "(5 problems in all)"
    )


def test_keeps_nothing_of_a_refused_file(tmp_path: Path) -> None:
    refused(tmp_path, lines([item(), item()]))

    assert files(tmp_path) == []


def test_lists_a_hundred_problems_and_counts_all(tmp_path: Path) -> None:
    refusal = refused(tmp_path, lines(numbered(250, model=1)))

    assert len(refusal.details["errors"]) == 100
    assert refusal.details["error_count"] == 250


def test_skips_invalid_lines_on_request(tmp_path: Path) -> None:
    items = [
        item(customer_item_id="a", model="gpt-9", x=1),
        item(customer_item_id="a"),
        item(customer_item_id="a"),
        item(customer_item_id="b"),
    ]

    found = read(tmp_path, b"{\n" + lines(items), "skip")

    assert found.item_count == 2
    assert found.skipped_count == 3
    assert [
        (line["line"], line["customer_item_id"], line["code"]) for line in found.skipped
    ] == [
        (1, None, "json_syntax"),
        (2, "a", "unknown_field"),
        (4, "a", "duplicate_id"),
    ]
    assert found.groups[0].ranges == ["0-1"]


def test_refuses_a_file_of_invalid_lines_even_when_skipping(tmp_path: Path) -> None:
    refusal = refused(tmp_path, lines([item(model="gpt-9")]), "skip")

    assert places(refusal) == [
        (None, "", "no_valid_items"),
        (1, "model", "unknown_model"),
    ]


@pytest.mark.parametrize("data", [b"", b"\n", b"\xef\xbb\xbf", b"\r\n \n\n"])
def test_refuses_an_empty_file(tmp_path: Path, data: bytes) -> None:
    assert places(refused(tmp_path, data)) == [(None, "", "empty_manifest")]


def test_takes_blank_lines_at_the_end(tmp_path: Path) -> None:
    assert read(tmp_path, lines([item()]) + b"\n\r\n  \n").item_count == 1


def test_refuses_blank_lines_in_the_middle(tmp_path: Path) -> None:
    data = lines([item(customer_item_id="a")]) + b"\n\n"

    refusal = refused(tmp_path, data + lines([item(customer_item_id="b")]))

    assert places(refusal) == [(2, "", "blank_line"), (3, "", "blank_line")]


def test_gives_up_on_endless_blank_lines(tmp_path: Path) -> None:
    refusal = refused(tmp_path, repeat(b"\n" * 4096))

    assert places(refusal) == [(None, "", "blank_line")]


def test_takes_no_more_than_a_hundred_thousand_items(tmp_path: Path) -> None:
    # Broken lines count as items, and are quick to read.
    refusal = refused(tmp_path, b"{\n" * 100_001)

    assert places(refusal)[:2] == [
        (None, "", "too_many_items"),
        (1, "", "json_syntax"),
    ]
    assert refusal.details["error_count"] == 100_001
    assert len(refusal.details["errors"]) == 100


def test_stops_reading_at_two_hundred_mebibytes(tmp_path: Path) -> None:
    chunk = b"x" * (8 << 20)

    refusal = refused(tmp_path, repeat(chunk))

    assert places(refusal) == [(None, "", "file_too_large")]
    assert files(tmp_path) == []


def test_takes_two_hundred_groups_and_no_more(tmp_path: Path) -> None:
    options = ["gpt-5.4", "text-embedding-3-small", "gpt-5.4-mini"]
    known = frozenset(options) | {f"m{n}" for n in range(201)}
    items = [item(customer_item_id=f"i{n}", model=f"m{n}") for n in range(201)]
    with reading.ManifestReader(
        reader(tmp_path)._blob._store, known_models=known
    ) as opened:
        assert len(opened.read([lines(items[:200])]).groups) == 200
    with (
        reading.ManifestReader(
            reader(tmp_path)._blob._store, known_models=known
        ) as opened,
        pytest.raises(InvalidManifest) as caught,
    ):
        opened.read([lines(items)])

    assert places(caught.value) == [(None, "", "too_many_groups")]


def test_writes_inline_items_as_lines(tmp_path: Path) -> None:
    items = list(numbered(2))
    with reader(tmp_path) as opened:
        found = opened.read_inline(items)

    assert (tmp_path / found.blob.key).read_bytes() == lines(items)
    assert found.item_count == 2


def test_names_inline_items_by_their_place(tmp_path: Path) -> None:
    items = [item(customer_item_id="a"), item(input={"input": "x", "n": 2}), 7]
    with reader(tmp_path) as opened, pytest.raises(InvalidManifest) as caught:
        opened.read_inline(items)

    assert places(caught.value) == [
        (2, "items[1].input.n", "unsupported_option"),
        (2, "items[1].customer_item_id", "duplicate_id"),
        (3, "items[2]", "wrong_type"),
    ]


@pytest.mark.parametrize(
    ("items", "place"),
    [
        ([], (None, "", "empty_manifest")),
        ({}, (None, "items", "wrong_type")),
        ([{}] * 5_001, (None, "items", "too_many_items")),
        ([{"a": 2**70}], (1, "items[0]", "json_syntax")),
        (["x" * (1 << 20)], (1, "items[0]", "line_too_long")),
    ],
)
def test_refuses_inline_items_of_another_form(
    tmp_path: Path, items: Any, place: tuple[int | None, str, str]
) -> None:
    with reader(tmp_path) as opened, pytest.raises(InvalidManifest) as caught:
        opened.read_inline(items)

    assert places(caught.value) == [place]
