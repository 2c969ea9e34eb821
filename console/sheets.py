"""What came with the form of a new batch: items, prompts, or a table to be mapped."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final

from django.core.files.uploadedfile import UploadedFile

from accounts.models import Org
from batches.manifest.problems import InvalidManifest, Problem, Problems
from batches.manifest.tables import (
    Row,
    Table,
    TableBroken,
    looks_like_table,
    named_like_table,
    open_table,
)
from batches.services.tables import keep_table, table_chunks
from console.forms import ITEMS, PROMPTS, TABLE, NewBatchForm

ROWS_SHOWN: Final = 5
_CHUNK_BYTES: Final = 1 << 18
_HEAD_BYTES: Final = 1 << 16
_PASTED: Final = "pasted.csv"
_NO_ROWS: Final = Problem(
    "", "empty_manifest", "There are no rows below the header: put one into each line."
)

Chunks = Callable[[], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table whose columns are to be mapped, and its first rows."""

    filename: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    chunks: Chunks

    def table(self) -> Table:
        """Open the table from its beginning."""
        return open_table(self.chunks())


def chunks_of(upload: "UploadedFile[bytes]") -> Iterable[bytes]:
    """Return an upload's bytes from its beginning."""
    return upload.chunks(_CHUNK_BYTES)


def kind_of(form: NewBatchForm) -> str:
    """Return what the items are given as; a file is told by its name and beginning."""
    upload, kind = form.upload, str(form.cleaned_data.get("kind") or ITEMS)
    if upload is None:
        return TABLE if form.cleaned_data.get("table_id") else kind
    name = (upload.name or "").lower()
    if kind == TABLE or named_like_table(name):
        return TABLE
    upload.seek(0)
    head = upload.read(_HEAD_BYTES)
    is_json = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in b"{["
    if is_json or not name.endswith(".txt"):
        return ITEMS
    return TABLE if looks_like_table(head) else PROMPTS


def sheet_of(form: NewBatchForm, org: Org) -> Sheet | None:
    """Return the table that came with a form, an uploaded one kept; None without one.

    Raises:
        InvalidManifest: its header cannot be used, or there are no rows.
        NotFound: it was kept, and is not any more.
    """
    if kind_of(form) != TABLE or form.cleaned_data.get("input_file_id"):
        return None
    upload, cleaned = form.upload, form.cleaned_data
    if upload is not None:
        sheet = _opened(upload.name or _PASTED, lambda: chunks_of(upload))
        table_id = keep_table(chunks_of(upload), org=org)
        form.keep_table(table_id, sheet.filename)
        return sheet
    table_id = cleaned.get("table_id", "")
    if table_id:
        name = cleaned.get("table_name") or _PASTED
        return _opened(name, lambda: table_chunks(table_id, org=org))
    text = cleaned.get("text", "")
    if not text.strip():
        return None
    return _opened(_PASTED, lambda: [text.encode()])


def _opened(filename: str, chunks: Chunks) -> Sheet:
    try:
        table = open_table(chunks())
        rows = tuple(islice(table.rows, ROWS_SHOWN))
    except TableBroken as error:
        raise _refusal(error) from error
    if not rows:
        raise _refusal(TableBroken(_NO_ROWS, 1))
    return Sheet(filename, table.columns, rows, chunks)


def _refusal(error: TableBroken) -> InvalidManifest:
    problems = Problems()
    problems.add(error.problem, line=error.line)
    return InvalidManifest.of(problems)
