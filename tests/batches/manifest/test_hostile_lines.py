"""Lines that were made to break a reader: each is named, and the rest is read on."""

import gzip
from pathlib import Path

import pytest

from batches.manifest.lines import LINE_BYTES_MAX
from tests.batches.manifest.helpers import item, lines, places, read, refused

HEAD = b'{"customer_item_id":"x","model":"gpt-5.4","input":'


def option(value: bytes) -> bytes:
    return HEAD + b'{"input":"a","temperature":' + value + b"}}"


@pytest.mark.parametrize(
    ("line", "field", "code"),
    [
        (b"{", "", "json_syntax"),
        (b"[]", "", "wrong_type"),
        (b'"text"', "", "wrong_type"),
        (option(b"NaN"), "", "json_syntax"),
        (option(b"Infinity"), "", "json_syntax"),
        (option(b"1e400"), "", "json_number"),
        (option(b"-1e400"), "", "json_number"),
        (option(b"1180591620717411303424"), "", "json_number"),
        (option(b"9223372036854775808"), "", "json_number"),
        (option(b"true"), "input.temperature", "wrong_type"),
        (option(b"01"), "", "json_syntax"),
        (option(b'1,"temperature":2'), "", "json_duplicate_key"),
        (HEAD + b'"a","input":"b"}', "", "json_duplicate_key"),
        (HEAD + b'"a","model":"gpt-5.4"}', "", "json_duplicate_key"),
        (HEAD + b'"a\\u0000b"}', "", "json_nul"),
        (HEAD + b'"a\x00b"}', "", "json_syntax"),
        (HEAD + b'"\\ud800"}', "", "json_syntax"),
        (HEAD + b'"\\udc00\\ud800"}', "", "json_syntax"),
        (HEAD + b'"\xff"}', "", "json_syntax"),
        (HEAD + b'"\xed\xa0\x80"}', "", "json_syntax"),
        (HEAD + b"[" * 32 + b"]" * 32 + b"}", "", "json_depth"),
        (HEAD + b"[" * 100_000 + b"]" * 100_000 + b"}", "", "json_depth"),
        (b"\xef\xbb\xbf" + HEAD + b'"a"}', "", "json_syntax"),
        (HEAD + b'"a"} {}', "", "json_syntax"),
        (HEAD + b'"' + b"x" * LINE_BYTES_MAX + b'"}', "", "line_too_long"),
        (b"x" * (3 * LINE_BYTES_MAX), "", "line_too_long"),
    ],
)
def test_names_the_line_and_reads_on(
    tmp_path: Path, line: bytes, field: str, code: str
) -> None:
    good = lines([item(customer_item_id="a")])
    unknown = lines([item(customer_item_id="b", model="gpt-9")])

    refusal = refused(tmp_path, good + line + b"\n" + unknown)

    assert places(refusal) == [(2, field, code), (3, "model", "unknown_model")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le", "utf-32"])
def test_refuses_other_encodings(tmp_path: Path, encoding: str) -> None:
    text = lines([item()]).decode().encode(encoding)

    refusal = refused(tmp_path, text)

    assert refusal.details["errors"][0]["code"] in {"not_utf8", "json_syntax"}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            "\ufeff{}\n".encode("utf-16-le"),
            "The file is UTF-16; save it as UTF-8.",
        ),
        (
            gzip.compress(b"{}\n", mtime=0),
            "The file is compressed; send it as plain NDJSON.",
        ),
        (
            b"PK\x03\x04",
            "The file is an archive; send it as plain NDJSON.",
        ),
    ],
)
def test_says_what_a_file_is_instead(tmp_path: Path, data: bytes, message: str) -> None:
    (error,) = refused(tmp_path, data).details["errors"]

    assert (error["code"], error["message"]) == ("not_utf8", message)


def test_takes_line_separators_inside_text(tmp_path: Path) -> None:
    data = lines([item(input="a\u2028b\u2029c\u0085d")])

    assert read(tmp_path, data).item_count == 1


def test_takes_a_line_of_exactly_one_mebibyte(tmp_path: Path) -> None:
    room = LINE_BYTES_MAX - len(lines([item(input="")])) + 1
    data = lines([item(input="x" * room)])

    assert len(data) == LINE_BYTES_MAX + 1
    assert read(tmp_path, data).item_count == 1


def test_counts_a_line_of_a_mebibyte_of_spaces(tmp_path: Path) -> None:
    data = lines([item(input="a" + " " * 1_000_000 + "b")])

    assert read(tmp_path, data).item_count == 1


def test_takes_marks_of_a_tokenizer_as_text(tmp_path: Path) -> None:
    (group,) = read(tmp_path, lines([item(input="<|endoftext|>")])).groups

    assert group.input_tokens == 7 + 4 + 3
