"""The line of deliveries: which event goes to which endpoint, and how it went.

A delivery is ``pending`` until it is ``delivered`` (2xx), ``failed`` (out of tries)
or, by a setting, ``dropped`` from the start.
"""

import sqlite3

from stripe_standin.store import Store
from stripe_standin.wire import Json, invalid

_ADD = """
INSERT INTO deliveries (event_id, endpoint_id, type, state, next_at)
VALUES (?, ?, ?, ?, ?)
"""
_DUE = """
SELECT * FROM deliveries WHERE state = 'pending' AND next_at <= ? ORDER BY seq LIMIT ?
"""
_TRIED = """
UPDATE deliveries
SET state = ?, attempts = attempts + 1, last_status = ?, next_at = ? WHERE seq = ?
"""


def add(store: Store, event: Json, endpoint_id: str, state: str, at: float) -> None:
    """Line up one delivery for a Unix time."""
    row = (event["id"], endpoint_id, event["type"], state, at)
    store.db.execute(_ADD, row)


def due(store: Store, now: float, limit: int) -> list[sqlite3.Row]:
    """Return the oldest deliveries whose time has come."""
    return store.db.execute(_DUE, (now, limit)).fetchall()


def next_at(store: Store) -> float | None:
    """Return the Unix time of the next delivery, or None when none waits."""
    row = store.db.execute(
        "SELECT min(next_at) AS at FROM deliveries WHERE state = 'pending'"
    ).fetchone()
    at: float | None = row["at"]
    return at


def tried(store: Store, seq: int, state: str, status: int | None, at: float) -> None:
    """Record one try: the HTTP status, or None where there was no answer."""
    store.db.execute(_TRIED, (state, status, at, seq))


def pending(store: Store, named: list[str] | None) -> list[sqlite3.Row]:
    """Return what waits: all in order, or those of the named events or types.

    A name is an event id or a type; each takes what it fits, in the order given.

    Raises:
        ApiError: 400 when nothing waits for a name.
    """
    rows = store.db.execute(
        "SELECT * FROM deliveries WHERE state = 'pending' ORDER BY seq"
    ).fetchall()
    if named is None:
        return rows
    ordered = []
    for name in named:
        fitting = [row for row in rows if name in (row["event_id"], row["type"])]
        if not fitting:
            raise invalid(f"Nothing waits for {name}.", param="order")
        ordered += fitting
    return ordered


def view(store: Store) -> list[Json]:
    """Return all deliveries, oldest first."""
    rows = store.db.execute("SELECT * FROM deliveries ORDER BY seq")
    return [
        {
            "event": row["event_id"],
            "endpoint": row["endpoint_id"],
            "type": row["type"],
            "state": row["state"],
            "attempts": row["attempts"],
            "last_status": row["last_status"],
        }
        for row in rows
    ]
