"""A file of JSON lines sent as the elements of one JSON array, without loading it."""

import os
from collections.abc import Iterator
from typing import BinaryIO, Final

_CHUNK_BYTES: Final = 64 * 1024


class InlineLines:
    """A body of known length: ``head``, the lines with commas between them, ``tail``.

    Args:
        source: whole lines of JSON, each ending in a newline; no other newlines.
        head: up to and with the opening bracket of the array.
        tail: from the closing bracket on.
    """

    def __init__(self, source: BinaryIO, *, head: bytes, tail: bytes) -> None:
        self._source = source
        self._head, self._tail = head, tail
        # Each newline becomes a comma, but for the last, which goes.
        self._file_left = max(0, os.fstat(source.fileno()).st_size - 1)
        self._length = len(head) + self._file_left + len(tail)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        while part := self.read(_CHUNK_BYTES):
            yield part

    def read(self, size: int = _CHUNK_BYTES) -> bytes:
        """Return the next bytes, at most ``size``; empty at the end."""
        if self._head:
            part, self._head = self._head[:size], self._head[size:]
            return part
        if self._file_left:
            part = self._source.read(min(size, self._file_left))
            if not part:
                raise OSError("the file became shorter while it was sent")
            self._file_left -= len(part)
            return part.replace(b"\n", b",")
        part, self._tail = self._tail[:size], self._tail[size:]
        return part
