"""Uploaded tables, kept while a person says which column goes where.

They lie among the scratch files, under a name that only their organization can find,
and go an hour after they came: the items that are made of them are what is kept.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from accounts.models import Org
from batches.store import store
from batchrouter.kit import ids
from batchrouter.kit.errors import NotFound

KEPT: Final = timedelta(hours=1)
_PREFIX: Final = "table"
_CHUNK_BYTES: Final = 1 << 20


def keep_table(chunks: Iterable[bytes], *, org: Org) -> str:
    """Keep a table for an hour; return the id that finds it again."""
    table_id = ids.new_id(_PREFIX)
    with _path(org, table_id).open("xb") as file:
        for chunk in chunks:
            file.write(chunk)
    return table_id


def table_chunks(table_id: str, *, org: Org) -> Iterator[bytes]:
    """Yield the bytes of a kept table.

    Raises:
        NotFound: it is over, or somebody else's.
    """
    gone = NotFound("The table is not kept any more: choose the file again.")
    if not ids.looks_like_id(table_id, _PREFIX):
        raise gone
    try:
        with _path(org, table_id).open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk
    except FileNotFoundError as error:
        raise gone from error


def remove_old_tables(*, now: datetime) -> None:
    """Delete tables whose time is over."""
    limit = (now - KEPT).timestamp()
    for path in store().scratch_dir().glob(f"{_PREFIX}-*"):
        try:
            if path.stat().st_mtime < limit:
                path.unlink()
        except FileNotFoundError:
            continue


def _path(org: Org, table_id: str) -> Path:
    return store().scratch_dir() / f"{_PREFIX}-{org.public_id}-{table_id}"
