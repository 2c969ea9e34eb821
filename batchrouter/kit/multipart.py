"""A multipart form with one file, streamed from disk with its length known before."""

import os
import secrets
from collections.abc import Iterator, Mapping
from typing import BinaryIO, Final

_CHUNK_BYTES: Final = 64 * 1024


class MultipartFile:
    """A multipart form of known length that reads its file while it is sent."""

    def __init__(
        self, source: BinaryIO, fields: Mapping[str, str], filename: str
    ) -> None:
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._head = _form_head(boundary, fields, filename)
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self._source = source
        # The length was promised in a header: a file that grows is cut at it.
        self._file_left = os.fstat(source.fileno()).st_size
        self._length = len(self._head) + self._file_left + len(self._tail)

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
            return part
        part, self._tail = self._tail[:size], self._tail[size:]
        return part


def form_body(fields: Mapping[str, str]) -> tuple[str, bytes]:
    """Return the content type and the body of a multipart form without a file."""
    boundary = secrets.token_hex(16)
    body = _field_parts(boundary, fields) + f"--{boundary}--\r\n"
    return f"multipart/form-data; boundary={boundary}", body.encode()


def _field_parts(boundary: str, fields: Mapping[str, str]) -> str:
    return "".join(
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )


def _form_head(boundary: str, fields: Mapping[str, str], filename: str) -> bytes:
    file_part = (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="file"; filename="{filename}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return (_field_parts(boundary, fields) + file_part).encode()
