"""Where bytes live: immutable files named by their hash, and part files that grow.

A blob is written to a scratch file, flushed to disk and renamed to its SHA-256, so it
is either whole or not there, and writing the same bytes twice is harmless. A part file
is appended to by one holder; a database row names how much of it counts.
"""

import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Blob:
    """Immutable bytes in the store."""

    key: str
    sha256: str
    size_bytes: int


class Store:
    """A folder of blobs, part files and scratch files.

    Args:
        root: the folder.
        claim: told of a blob's key right before its bytes get their place, so that
            nobody takes away what is about to be named again.
    """

    def __init__(
        self, root: Path, *, claim: Callable[[str], None] | None = None
    ) -> None:
        self.root = root
        self.claim = claim

    def path(self, key: str) -> Path:
        """Return where a key's bytes are.

        Raises:
            ValueError: the key would leave the store.
        """
        if ".." in Path(key).parts or Path(key).is_absolute():
            raise ValueError(f"{key!r} is not a key of this store")
        return self.root / key

    def scratch_dir(self) -> Path:
        """Return the folder for files that nobody will miss."""
        path = self.root / "scratch"
        path.mkdir(parents=True, exist_ok=True)
        return path

    def new_blob(self) -> "BlobWriter":
        """Open a blob for writing; use it as a context manager."""
        return BlobWriter(self)

    def remove(self, key: str) -> int:
        """Delete a blob; return how many bytes left the disk, 0 where it was gone."""
        path = self.path(key)
        try:
            size_bytes = path.stat().st_size
            path.unlink()
        except FileNotFoundError:
            return 0
        return size_bytes

    def remove_parts(self, prefix: str) -> int:
        """Delete a folder of part files; return how many bytes left the disk."""
        folder = self.path(prefix)
        paths = [path for path in folder.glob("*") if path.is_file()]
        size_bytes = sum(path.stat().st_size for path in paths)
        shutil.rmtree(folder, ignore_errors=True)
        return size_bytes

    def read_chunks(self, key: str) -> Iterator[bytes]:
        """Yield the bytes of a blob, a mebibyte at a time."""
        with self.path(key).open("rb") as source:
            while chunk := source.read(CHUNK_BYTES):
                yield chunk

    def open_part(self, key: str) -> "PartWriter":
        """Open a new part file for appending."""
        return PartWriter(self.path(key))


class BlobWriter:
    """Bytes on their way into the store; only :meth:`keep` keeps them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._path = store.scratch_dir() / secrets.token_hex(16)
        self._file: BinaryIO = self._path.open("xb", buffering=CHUNK_BYTES)
        self._hash = hashlib.sha256()
        self.size_bytes = 0

    def __enter__(self) -> "BlobWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes."""
        self._hash.update(data)
        self._file.write(data)
        self.size_bytes += len(data)

    def keep(self) -> Blob:
        """Flush to disk and give the bytes their name; the last call on a writer."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        sha256 = self._hash.hexdigest()
        key = f"blobs/{sha256[:2]}/{sha256}"
        if self._store.claim is not None:
            self._store.claim(key)
        final = self._store.path(key)
        final.parent.mkdir(parents=True, exist_ok=True)
        self._path.replace(final)
        _keep_names(final.parent)
        return Blob(key, sha256, self.size_bytes)


# Small records reach the kernel together, at the latest with a flush.
_BUFFER_BYTES = 1 << 18


class PartWriter:
    """A part file: append, flush to disk, then let a database row count it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._folder = path.parent
        self._is_name_kept = False
        self._file = path.open("ab", buffering=_BUFFER_BYTES)
        self.position = self._file.tell()

    def append(self, data: bytes) -> int:
        """Write bytes and return the offset they begin at."""
        offset = self.position
        self._file.write(data)
        self.position += len(data)
        return offset

    def flush(self) -> None:
        """Make sure that what was appended survives a crash."""
        self._file.flush()
        os.fdatasync(self._file.fileno())
        if not self._is_name_kept:
            _keep_names(self._folder)
            self._is_name_kept = True

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _keep_names(folder: Path) -> None:
    """Make the names in a new folder survive a crash: data alone is not enough."""
    for path in (folder, folder.parent):
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
