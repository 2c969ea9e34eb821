"""One large object becomes its rows and the rest."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.adapters import inline_rows


def split(folder: Path, source: bytes) -> tuple[dict[str, Any] | None, list[Any]]:
    file, rows = folder / "batch.json", folder / "rows.jsonl"
    file.write_bytes(source)
    head = inline_rows.split(file, "results", rows)
    return head, [orjson.loads(line) for line in rows.read_bytes().splitlines()]


def test_rows_become_lines_and_the_rest_is_returned(tmp_path: Path) -> None:
    rows = [{"a": 'x"]}\\'}, {"b": [[], {}]}]
    source = orjson.dumps(
        {"id": "b", "results": rows, "n": {"results": [1]}},
        option=orjson.OPT_INDENT_2,
    )

    head = {"id": "b", "results": [], "n": {"results": [1]}}
    assert split(tmp_path, source) == (head, rows)


@pytest.mark.parametrize("results", ["null", "[]", '"[{}]"', "{}"])
def test_without_rows_there_are_none(tmp_path: Path, results: str) -> None:
    source = b'{"key":"results","results":' + results.encode() + b"}"
    head, rows = split(tmp_path, source)

    assert (head, rows) == (orjson.loads(source), [])


@pytest.mark.parametrize(
    "source", [b"", b"[]", b"null", b'{"results":[{}', b"]" * 9, b'"results":[{}]']
)
def test_what_is_no_whole_object_is_none(tmp_path: Path, source: bytes) -> None:
    assert split(tmp_path, source)[0] is None


ROWS = st.lists(
    st.dictionaries(st.text(max_size=4), st.text() | st.lists(st.text()), max_size=3),
    max_size=5,
)


@given(rows=ROWS, before=st.text(), after=st.text())
def test_any_rows_come_back(
    tmp_path_factory: pytest.TempPathFactory, rows: Any, before: str, after: str
) -> None:
    whole = {"b": before, "results": rows, "z": after}
    found = split(tmp_path_factory.mktemp("rows"), orjson.dumps(whole))

    assert found == ({**whole, "results": []}, rows)
