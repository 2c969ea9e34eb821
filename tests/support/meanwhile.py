"""Let somebody else act between two statements of ours, on a connection of their own.

For tests of races on one row or two: what comes between is chosen, not left to chance.
The test needs ``committed_db``, or the other sees nothing of it.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, connections

_SECONDS_MAX = 30.0


class Other:
    """What a thread did beside us, its end or its error kept for the test."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act
        self._pid: int | None = None
        self._thread = threading.Thread(target=self._run)
        self.has_begun = False
        self.error: Exception | None = None

    def begin(self) -> None:
        """Let it act, and come back when it has ended or waits for a lock."""
        self.has_begun = True
        self._thread.start()
        until = time.monotonic() + _SECONDS_MAX
        while self._thread.is_alive() and not self._waits():
            assert time.monotonic() < until, "it neither ends nor waits"
            time.sleep(0.01)

    def end(self) -> None:
        """Wait until it has ended."""
        self._thread.join(_SECONDS_MAX)
        assert not self._thread.is_alive(), "it does not end"

    def _run(self) -> None:
        try:
            connection.ensure_connection()
            self._pid = connection.connection.info.backend_pid
            self._act()
        except Exception as error:  # noqa: BLE001 # the test looks at it
            self.error = error
        finally:
            connections.close_all()

    def _waits(self) -> bool:
        if self._pid is None:
            return False
        # Below Django, so that no wrapper hears of it.
        with connection.connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM pg_locks WHERE pid = %s AND NOT granted", [self._pid]
            )
            return cursor.fetchone() is not None


@contextmanager
def meanwhile(
    act: Callable[[], object], *, after: str = "", before: str = ""
) -> Iterator[Other]:
    """Let another thread act once, beside our first statement that holds a text.

    Args:
        act: what it does.
        after: a part of the SQL, such as a table's name; it acts right after it.
        before: the same, where it is to act right before it.
    """
    other = Other(act)

    def watch(execute: Any, sql: str, params: Any, many: Any, context: Any) -> Any:
        if before and before in sql and not other.has_begun:
            other.begin()
        answer = execute(sql, params, many, context)
        if after and after in sql and not other.has_begun:
            other.begin()
        return answer

    with connection.execute_wrapper(watch):
        try:
            yield other
        finally:
            if other.has_begun:
                other.end()
    assert other.has_begun, f"no statement holds {after or before!r}"
