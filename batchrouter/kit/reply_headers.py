"""The headers of a reply, kept as bytes until somebody asks."""

from collections.abc import Iterator, Mapping


class ReplyHeaders(Mapping[str, str]):
    """Headers by lower-case name, parsed when first asked for.

    Most replies are read without a look at their headers.
    """

    __slots__ = ("_parsed", "_raw")

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._parsed: dict[str, str] | None = None

    def _fields(self) -> dict[str, str]:
        if self._parsed is None:
            self._parsed = dict(_header_fields(self._raw))
        return self._parsed

    def __getitem__(self, name: str) -> str:
        return self._fields()[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields())

    def __len__(self) -> int:
        return len(self._fields())


def _header_fields(raw: bytes) -> Iterator[tuple[str, str]]:
    """Read the fields of the last header block; a name that stands twice is joined."""
    # Informational replies (1xx) come with blocks of their own before the real one.
    start = raw.rfind(b"HTTP/")
    seen: dict[str, str] = {}
    for line in raw[max(start, 0) :].decode("latin-1").split("\r\n")[1:]:
        name, colon, value = line.partition(":")
        if colon:
            key = name.strip().lower()
            text = value.strip()
            seen[key] = f"{seen[key]}, {text}" if key in seen else text
    yield from seen.items()
