"""What a file looks like by its beginning."""

import gzip
from typing import Any

import orjson
import pytest

from batches.imports import kinds
from batches.imports.kinds import TITLES, Kind, Sniffed, sniff
from tests.batches.imports.files import (
    anthropic_csv,
    anthropic_page,
    embeddings_line,
    error_line,
    input_line,
    lines,
    message_line,
    openai_csv,
    openai_page,
    response_line,
)
from tests.factories.batches import lines_of, make_item

PRETTY = orjson.dumps(openai_page({}), option=orjson.OPT_INDENT_2)


def sniffed(data: bytes) -> Sniffed:
    return sniff(data[: kinds.HEAD_BYTES], lambda: data)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (lines([response_line()]), Kind.OPENAI_BATCH_OUTPUT),
        (lines([embeddings_line()]), Kind.OPENAI_BATCH_OUTPUT),
        (lines([error_line(0, "batch_expired")]), Kind.OPENAI_BATCH_OUTPUT),
        (lines([input_line()]), Kind.OPENAI_BATCH_INPUT),
        (openai_csv(), Kind.OPENAI_USAGE_CSV),
        (openai_csv().replace(b",", b"\t"), Kind.OPENAI_USAGE_CSV),
        (lines([openai_page({})]), Kind.OPENAI_USAGE_JSON),
        (PRETTY, Kind.OPENAI_USAGE_JSON),
        (orjson.dumps([openai_page({})]), Kind.OPENAI_USAGE_JSON),
        (lines([message_line()]), Kind.ANTHROPIC_BATCH_RESULTS),
        (anthropic_csv(), Kind.ANTHROPIC_USAGE_CSV),
        (b"\xef\xbb\xbf" + anthropic_csv(), Kind.ANTHROPIC_USAGE_CSV),
        (lines([anthropic_page()]), Kind.ANTHROPIC_USAGE_JSON),
    ],
)
def test_what_can_be_imported_is_known(data: bytes, kind: Kind) -> None:
    assert sniffed(data).kind is kind


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"PK\x03\x04", "archive"),
        (gzip.compress(b"{}", mtime=0), "gzip"),
        (b"%PDF-1.7", "pdf"),
        (b"\x89PNG\r\n", "image"),
        ("{}".encode("utf-16"), "utf16"),
        (b"{\0}", "binary"),
        (b"<!doctype html>", "html"),
        (b"Hello there.", "text"),
        (b"a,b,c\n1,2,3\n", "table"),
        (b"{broken", "broken_json"),
        (b"[" * 100_000, "broken_json"),
        (b"[]", "unknown_json"),
        (b"{}", "unknown_json"),
        (b'{"a": 1}', "unknown_json"),
        (lines_of([make_item()]), "batchrouter_manifest"),
        (
            lines([{"customer_item_id": "a", "status": "completed"}]),
            "batchrouter_results",
        ),
        (lines([{"messages": []}]), "openai_fine_tuning"),
        (lines([{"custom_id": "a", "params": {}}]), "anthropic_batch_requests"),
        (
            lines([{"input_file_id": "f", "completion_window": "24h"}]),
            "openai_batch_object",
        ),
        (
            b"start_time,end_time,amount_value,amount_currency,line_item\n",
            "openai_costs_export",
        ),
        (b"usage_date_utc,model,token_type,cost_usd\n", "anthropic_cost_export"),
    ],
)
def test_what_cannot_be_imported_is_named(data: bytes, name: str) -> None:
    found = sniffed(data)

    assert (found.looks_like, found.kind) == (name, None)
    assert name in TITLES


def test_a_broken_first_line_does_not_hide_the_kind() -> None:
    data = b"{broken\n" + lines([response_line()])

    assert sniffed(data) == Sniffed(Kind.OPENAI_BATCH_OUTPUT)


def test_only_a_document_is_read_as_a_whole() -> None:
    def refuse() -> Any:
        raise AssertionError

    assert sniff(lines([response_line()]), refuse).is_document is False
    assert sniffed(PRETTY).is_document is True
    assert sniff(b'{\n"data": [', lambda: None) == Sniffed("broken_json")
