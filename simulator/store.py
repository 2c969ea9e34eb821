"""Records that survive a restart, in one SQLite file."""

import json
import sqlite3
from pathlib import Path

from simulator.wire import Json

_TABLE = """
CREATE TABLE IF NOT EXISTS records (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL
)
"""
_COUNTS = """
CREATE TABLE IF NOT EXISTS counts (ref TEXT PRIMARY KEY, times INTEGER NOT NULL)
"""
_SAVE = """
INSERT INTO records (kind, id, body) VALUES (?, ?, ?)
ON CONFLICT (id) DO UPDATE SET body = excluded.body
"""


class Store:
    """Saves JSON records by kind and id; a killed process loses nothing saved."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(root / "state.sqlite3", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        # Enough against a killed process; a power cut may lose the last records.
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute(_TABLE)
        self._db.execute(_COUNTS)

    def save(self, kind: str, record_id: str, body: Json) -> None:
        """Insert or replace one record."""
        self._db.execute(_SAVE, (kind, record_id, json.dumps(body)))

    def remove(self, record_id: str) -> None:
        """Delete one record, if it is there."""
        self._db.execute("DELETE FROM records WHERE id = ?", (record_id,))

    def load(self, kind: str) -> dict[str, Json]:
        """Return all records of a kind by id, oldest first."""
        rows = self._db.execute(
            "SELECT id, body FROM records WHERE kind = ? ORDER BY seq", (kind,)
        )
        return {record_id: json.loads(body) for record_id, body in rows}

    def save_counts(self, counts: list[tuple[str, int]]) -> None:
        """Insert or replace how often each reference was accepted."""
        self._db.execute("BEGIN")
        self._db.executemany("INSERT OR REPLACE INTO counts VALUES (?, ?)", counts)
        self._db.execute("COMMIT")

    def load_counts(self) -> dict[str, int]:
        """Return how often each reference was accepted."""
        return dict(self._db.execute("SELECT ref, times FROM counts"))

    def clear_counts(self) -> None:
        """Forget all references."""
        self._db.execute("DELETE FROM counts")

    def close(self) -> None:
        """Close the file; later calls fail."""
        self._db.close()
