"""Keep a lease while something slow runs."""

import threading
from collections.abc import Callable
from types import TracebackType

from django.conf import settings
from django.db import DatabaseError, connection


class KeepLease:
    """Renew a lease from a thread of its own until the block ends.

    A process that is stopped stops renewing too, so the lease still tells the living
    from the dead. The thread's own database connection is opened at the first renewal
    and closed at the end.

    Args:
        extend: renews; False once the lease is not ours any more.
    """

    def __init__(self, extend: Callable[[], bool]) -> None:
        self._extend = extend
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._renew, daemon=True)

    def __enter__(self) -> "KeepLease":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _renew(self) -> None:
        try:
            while not self._ended.wait(settings.LEASE_SECONDS / 4):
                if not self._extend():
                    return
        except DatabaseError:
            return
        finally:
            connection.close()
