"""Uploaded and produced files: their records in the store, their bytes on disk."""

import time
from itertools import islice
from pathlib import Path

from simulator.store import Store
from simulator.wire import Json, new_id, not_found

MAX_FILE_BYTES = 200 * 1024 * 1024
DEFAULT_LIFE_SECONDS = 30 * 24 * 3600


class Shelf:
    """Keeps files by id. Bytes stay on disk and are never read whole."""

    def __init__(self, root: Path, store: Store) -> None:
        self._root = root / "files"
        self._root.mkdir(parents=True, exist_ok=True)
        self._store = store
        self._views = store.load("file")

    def __len__(self) -> int:
        return len(self._views)

    def new_path(self) -> tuple[str, Path]:
        """Return a fresh file id and where its bytes go."""
        file_id = new_id("file-", 24)
        return file_id, self.path(file_id)

    def path(self, file_id: str) -> Path:
        """Return where the bytes of ``file_id`` lie."""
        return self._root / file_id

    def put(self, file_id: str, filename: str, purpose: str, life: int | None) -> Json:
        """Record a file whose bytes are already at its path; ``life`` in seconds."""
        now = int(time.time())
        if life is None and purpose.startswith("batch"):
            life = DEFAULT_LIFE_SECONDS
        view: Json = {
            "id": file_id,
            "object": "file",
            "bytes": self.path(file_id).stat().st_size,
            "created_at": now,
            "expires_at": None if life is None else now + life,
            "filename": filename,
            "purpose": purpose,
            "status": "processed",
            "status_details": None,
        }
        self._views[file_id] = view
        self._store.save("file", file_id, view)
        return view

    def get(self, file_id: str) -> Json:
        """Return a file's record.

        Raises:
            ApiError: 404 when it is unknown, deleted or expired.
        """
        view = self._views.get(file_id)
        if view is None or time.time() > (view["expires_at"] or float("inf")):
            raise not_found(f"No such File object: {file_id}", param="id")
        return view

    def delete(self, file_id: str) -> None:
        """Delete a file and its bytes."""
        self.get(file_id)
        del self._views[file_id]
        self._store.remove(file_id)
        self.path(file_id).unlink(missing_ok=True)

    def page(self, *, after: str | None, limit: int, purpose: str | None) -> Json:
        """Return a page of files, newest first."""
        views = [v for v in self._views.values() if purpose in (None, v["purpose"])]
        return page_of(views, after=after, limit=limit)


def page_of(views: list[Json], *, after: str | None, limit: int) -> Json:
    """Return one list page of ``views`` (oldest first), newest first."""
    rest = iter(reversed(views))
    if after is not None:
        for view in rest:
            if view["id"] == after:
                break
    data = list(islice(rest, limit))
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": next(rest, None) is not None,
    }
