"""Item rows on their way into the database: a scratch file in COPY's text format."""

import secrets
from collections.abc import Iterator
from pathlib import Path

COLUMNS = (
    "manifest_id",
    "seq",
    "group_no",
    "customer_item_id",
    "offset",
    "length",
    "input_tokens",
    "max_output_tokens",
    "copy_of",
    "is_golden",
)
# Stands for the manifest's number, which is known last. Rows hold no control
# characters but their own tabs and newlines, so it cannot occur in one.
_MARK = b"\x01"
_CHUNK_BYTES = 1 << 18
_NULL = "\\N"
_ESCAPES = str.maketrans(
    {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\x01": "\\001"}
)


def escape(text: str) -> str:
    """Return text as it must stand in COPY's text format."""
    return text.translate(_ESCAPES)


class Spool:
    """Rows in a scratch file; remove it when they are stored or not wanted."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / secrets.token_hex(16)
        self._file = self.path.open("xb", buffering=_CHUNK_BYTES)
        self.row_count = 0

    def add(
        self,
        group_no: int,
        customer_item_id: str,
        place: tuple[int, int],
        input_tokens: int,
        max_output_tokens: int | None,
        copy_of: int | None,
        *,
        is_golden: bool = False,
    ) -> None:
        """Append the next item's row; ``place`` is its JSON's offset and length."""
        cap = _NULL if max_output_tokens is None else max_output_tokens
        first = _NULL if copy_of is None else copy_of
        row = (
            f"\x01\t{self.row_count}\t{group_no}\t{escape(customer_item_id)}"
            f"\t{place[0]}\t{place[1]}\t{input_tokens}\t{cap}\t{first}"
            f"\t{'t' if is_golden else 'f'}\n"
        )
        self._file.write(row.encode())
        self.row_count += 1

    def close(self) -> None:
        """Write out what is buffered."""
        self._file.close()

    def remove(self) -> None:
        """Delete the file; twice is no error."""
        self._file.close()
        self.path.unlink(missing_ok=True)

    def chunks(self, manifest_id: int) -> Iterator[bytes]:
        """Yield the rows for COPY, in the order of :data:`COLUMNS`."""
        number = str(manifest_id).encode()
        with self.path.open("rb") as source:
            while chunk := source.read(_CHUNK_BYTES):
                yield chunk.replace(_MARK, number)
