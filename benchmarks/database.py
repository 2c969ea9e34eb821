"""A database named ``benchmarks``, made anew and dropped at the end."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from benchmarks import machine
from devtools import postgres

NAME = "benchmarks"


@dataclass(frozen=True)
class Database:
    """The database, with a connection of our own for looking in.

    Attributes:
        title: its version and whose server it is.
        roots: the server's process here; empty where it runs elsewhere.
    """

    url: str
    title: str
    roots: tuple[int, ...]
    connection: psycopg.Connection[tuple[object, ...]]

    def batch_state(self, batch_id: str) -> str:
        """Return a batch's state, without troubling the web server."""
        return str(
            self._value(
                "SELECT state FROM batches_batch WHERE public_id = %s", batch_id
            )
        )

    def row_count(self, batch_id: str) -> int:
        """Count the items of a batch that have a row."""
        sql = """SELECT count(DISTINCT r.seq) FROM batches_resultrow r
                   JOIN batches_batch b ON b.id = r.batch_id WHERE b.public_id = %s"""
        return int(str(self._value(sql, batch_id)))

    def engine_seconds(self, batch_id: str) -> float:
        """Return the time from the first unit begun to the last one ended."""
        sql = """SELECT extract(epoch FROM max(e.ended_at) - min(e.started_at))
                   FROM batches_execution e
                   JOIN batches_batch b ON b.id = e.batch_id WHERE b.public_id = %s"""
        return float(str(self._value(sql, batch_id)))

    def unit_states(self, batch_id: str) -> dict[str, int]:
        """Count a batch's work units by state."""
        sql = """SELECT u.state, count(*) FROM batches_workunit u
                   JOIN batches_batch b ON b.id = u.batch_id
                  WHERE b.public_id = %s GROUP BY u.state"""
        found = self.connection.execute(sql, [batch_id]).fetchall()
        return {str(state): int(str(count)) for state, count in found}

    def settle_down(self) -> None:
        """Do now what the server would do soon, so that no run pays for another."""
        self.connection.execute("VACUUM ANALYZE")
        self.connection.execute("CHECKPOINT")

    def _value(self, sql: str, *values: str) -> object:
        row = self.connection.execute(sql, list(values)).fetchone()
        return None if row is None else row[0]


@contextmanager
def fresh(home: Path) -> Iterator[Database]:
    """Yield an empty database on DATABASE_URL's server, else on one of our own."""
    given = os.environ.get("DATABASE_URL")
    if given:
        with _made_on(given, "of DATABASE_URL") as database:
            yield database
        return
    home.parent.mkdir(parents=True, exist_ok=True)
    with postgres.server(home) as url, _made_on(url, "embedded") as database:
        yield database


@contextmanager
def _made_on(server_url: str, whose: str) -> Iterator[Database]:
    url = urlunsplit(urlsplit(server_url)._replace(path=f"/{NAME}"))
    drop = f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)"
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(drop)
        admin.execute(f"CREATE DATABASE {NAME}")
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                yield _opened(url, whose, connection)
        finally:
            admin.execute(drop)


def _opened(
    url: str, whose: str, connection: psycopg.Connection[tuple[object, ...]]
) -> Database:
    version = connection.execute("SHOW server_version").fetchone()
    assert version is not None
    title = f"{str(version[0]).split()[0]} ({whose})"
    return Database(url, title, _server_process(connection), connection)


def _server_process(
    connection: psycopg.Connection[tuple[object, ...]],
) -> tuple[int, ...]:
    """Find the server's process by the one that serves us, if it is on this machine."""
    pid = connection.info.backend_pid
    name = Path(f"/proc/{pid}/comm")
    if not name.exists() or name.read_text().strip() != "postgres":
        return ()
    return (machine.parent_of(pid),)
