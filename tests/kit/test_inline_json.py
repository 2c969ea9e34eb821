"""Lines on disk as one JSON array on the wire."""

from pathlib import Path

import orjson
import pytest

from batchrouter.kit.inline_json import InlineLines


def body_of(path: Path, size: int = 65536) -> bytes:
    with path.open("rb") as source:
        lines = InlineLines(source, head=b'{"requests":[', tail=b"]}")
        parts = []
        while part := lines.read(size):
            assert len(part) <= size
            parts.append(part)
        body = b"".join(parts)
        assert len(lines) == len(body)
    return body


@pytest.mark.parametrize("size", [1, 2, 7, 65536])
@pytest.mark.parametrize("count", [1, 2, 50])
def test_lines_become_the_elements_of_an_array(
    tmp_path: Path, count: int, size: int
) -> None:
    path = tmp_path / "lines.jsonl"
    rows = [{"n": number, "text": "a\nb,c"} for number in range(count)]
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))

    assert orjson.loads(body_of(path, size)) == {"requests": rows}


def test_no_lines_are_an_empty_array(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    path.touch()

    assert body_of(path) == b'{"requests":[]}'


def test_a_file_that_shrinks_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b"{}\n{}\n")
    with path.open("rb") as source:
        lines = InlineLines(source, head=b"[", tail=b"]")
        path.write_bytes(b"")
        with pytest.raises(OSError, match="became shorter"):
            b"".join(lines)
