"""Read the result file of a provider job, whatever it holds, in bounded memory."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson

from routing.contracts import Answer

LINE_BYTES_MAX: Final = 16 * 1024 * 1024

Found = tuple[str, Answer]
ReadLine = Callable[[bytes], Found | None]

REF = re.compile(r"\A[A-Za-z0-9_-]{1,64}\Z")


def read_file(path: Path, read_line: ReadLine) -> Iterator[Found]:
    """Yield (our ref, answer) for every whole line that ``read_line`` can read."""
    for line in whole_lines(path):
        found = read_line(line)
        if found is not None:
            yield found


def whole_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines that end in a newline; one that is too long is passed over."""
    with path.open("rb") as source:
        yield from _whole_lines(source)


def object_in(line: bytes, *, key: str = "custom_id") -> tuple[str, Any] | None:
    """Return our reference and the object of a line; None where it names none.

    Args:
        line: JSON, perhaps.
        key: the provider's word for our reference.
    """
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    ref = value.get(key) if isinstance(value, dict) else None
    if not isinstance(ref, str) or REF.match(ref) is None:
        return None
    return ref, value


def _whole_lines(source: BinaryIO) -> Iterator[bytes]:
    while line := source.readline(LINE_BYTES_MAX):
        if line.endswith(b"\n"):
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = source.readline(LINE_BYTES_MAX)
