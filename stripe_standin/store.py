"""What survives a restart: objects, answers by key, and deliveries, in SQLite."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stripe_standin.wire import Json, no_such

_TABLES = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (kind, seq);
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY,
    asked TEXT NOT NULL,
    status INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS timers (
    id TEXT NOT NULL,
    what TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (id, what)
);
CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL,
    endpoint_id TEXT NOT NULL,
    type TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    last_status INTEGER,
    next_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (state, next_at);
"""
_SAVE = """
INSERT INTO objects (kind, id, body) VALUES (?, ?, ?)
ON CONFLICT (id) DO UPDATE SET body = excluded.body
"""
_NEWEST = "SELECT body FROM objects WHERE kind = ? ORDER BY seq DESC"
_OLDEST = "SELECT body FROM objects WHERE kind = ? ORDER BY seq"
_EMPTY = (
    "DELETE FROM objects",
    "DELETE FROM answers",
    "DELETE FROM timers",
    "DELETE FROM deliveries",
)


class Store:
    """Keeps JSON objects by kind and id; a killed process loses nothing committed."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.db = sqlite3.connect(root / "state.sqlite3", isolation_level=None)
        self.db.row_factory = sqlite3.Row
        self.db.execute("PRAGMA journal_mode=WAL")
        # Enough against a killed process; a power cut may lose the last objects.
        self.db.execute("PRAGMA synchronous=OFF")
        self.db.executescript(_TABLES)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all that is done inside, or nothing; never await inside."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    def save(self, value: Json) -> Json:
        """Insert or replace one object, and return it."""
        self.db.execute(_SAVE, (value["object"], value["id"], json.dumps(value)))
        return value

    def find(self, object_id: str) -> Json | None:
        """Return an object of any kind, or None."""
        row = self.db.execute(
            "SELECT body FROM objects WHERE id = ?", (object_id,)
        ).fetchone()
        return None if row is None else json.loads(row["body"])

    def get(self, kind: str, object_id: str) -> Json:
        """Return one object.

        Raises:
            ApiError: 404 when there is none of that kind.
        """
        found = self.find(object_id)
        if found is None or found["object"] != kind:
            raise no_such(kind.rpartition(".")[2], object_id)
        return found

    def newest(self, kind: str, *, backwards: bool = False) -> Iterator[Json]:
        """Yield the objects of a kind, newest first, or oldest first."""
        for row in self.db.execute(_OLDEST if backwards else _NEWEST, (kind,)):
            yield json.loads(row["body"])

    def answer_to(self, key: str) -> sqlite3.Row | None:
        """Return what an Idempotency-Key was answered: asked, status, body."""
        row: sqlite3.Row | None = self.db.execute(
            "SELECT asked, status, body FROM answers WHERE key = ?", (key,)
        ).fetchone()
        return row

    def save_answer(self, key: str, asked: str, status: int, body: bytes) -> None:
        """Keep what an Idempotency-Key is answered from now on."""
        row = (key, asked, status, body)
        self.db.execute("INSERT INTO answers VALUES (?, ?, ?, ?)", row)

    def set_timer(self, object_id: str, what: str, at: float) -> None:
        """Remember that ``what`` happens to an object at a Unix time."""
        self.db.execute(
            "INSERT OR REPLACE INTO timers VALUES (?, ?, ?)", (object_id, what, at)
        )

    def timer_rings(self, now: float) -> bool:
        """Tell whether something is due."""
        rows = self.db.execute("SELECT 1 FROM timers WHERE at <= ? LIMIT 1", (now,))
        return rows.fetchone() is not None

    def take_timers(self, now: float) -> list[tuple[str, str]]:
        """Remove what is due, and return it as object id and what happens to it."""
        rows = self.db.execute(
            "DELETE FROM timers WHERE at <= ? RETURNING id, what", (now,)
        )
        return [(row["id"], row["what"]) for row in rows]

    def empty(self) -> None:
        """Forget everything."""
        for statement in _EMPTY:
            self.db.execute(statement)

    def close(self) -> None:
        """Close the file; later calls fail."""
        self.db.close()
