"""Where drained runs are ended: in the engine's loop, or beside it.

Ending a run is a transaction of some ten milliseconds, nearly all of it spent waiting
for PostgreSQL. In a thread with a connection of its own the wait costs no calls.
"""

from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import NamedTuple, Protocol

from django.db import connection

from batches.engine import ending
from batches.engine.direct_run import DirectRun
from batches.engine.recorder import LeaseLost


class Ending(NamedTuple):
    """A run that is over; ``is_ours`` is False where its lease was lost before."""

    run: DirectRun
    is_ours: bool


class Endings(Protocol):
    """Takes drained runs and hands them back once they are recorded."""

    @property
    def count(self) -> int:
        """Runs that were taken and not handed back."""
        ...

    def begin(self, run: DirectRun) -> None:
        """Take a drained run."""
        ...

    def done(self, *, wait_seconds: float = 0.0) -> list[Ending]:
        """Hand back what is recorded by now; wait for a first one where none is.

        Raises whatever kept a run from being recorded: its lease runs out then, and
        another worker goes on from what is written down.
        """
        ...

    def close(self) -> None:
        """Wait until nothing is under way."""
        ...


class EndingsInline:
    """Ends a run at once, in the transaction of the caller if there is one."""

    def __init__(self) -> None:
        self._done: list[Ending] = []

    @property
    def count(self) -> int:
        """Runs that were taken and not handed back."""
        return len(self._done)

    def begin(self, run: DirectRun) -> None:
        """End it now."""
        self._done.append(_end(run))

    def done(
        self, *, wait_seconds: float = 0.0
    ) -> list[Ending]:  # nothing is ever under way
        """Hand back all."""
        done, self._done = self._done, []
        return done

    def close(self) -> None:
        """Nothing is ever under way."""


class EndingsInThread:
    """Ends runs one after another in a thread; one that needs thought, in the caller's.

    Items without a row are judged by what the engine's loop knows of the batch, so
    only a run that has none is given away.
    """

    def __init__(self) -> None:
        self._inline = EndingsInline()
        self._under_way: deque[Future[Ending]] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="endings")

    @property
    def count(self) -> int:
        """Runs that were taken and not handed back."""
        return self._inline.count + len(self._under_way)

    def begin(self, run: DirectRun) -> None:
        """Give it to the thread, or end it now."""
        if run.is_complete:
            self._under_way.append(self._thread.submit(_end, run))
        else:
            self._inline.begin(run)

    def done(self, *, wait_seconds: float = 0.0) -> list[Ending]:
        """Hand back what is recorded by now."""
        done = self._inline.done()
        if not done and self._under_way and wait_seconds:
            wait(self._under_way, wait_seconds, FIRST_COMPLETED)
        while self._under_way and self._under_way[0].done():
            done.append(self._under_way.popleft().result())
        return done

    def close(self) -> None:
        """Wait for the thread, and give its connection back."""
        self._thread.submit(_give_connection_back)
        self._thread.shutdown(wait=True)


def _give_connection_back() -> None:
    # A connection is the thread's that names it, so it is named here.
    connection.close()


def _end(run: DirectRun) -> Ending:
    try:
        ending.end_direct(run)
    except LeaseLost:
        return Ending(run, is_ours=False)
    finally:
        run.recorder.close()
    return Ending(run, is_ours=True)
