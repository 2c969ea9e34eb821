"""Keep a unit's lease while a slow control-plane call runs."""

import threading
import uuid
from types import TracebackType

from django.conf import settings
from django.db import DatabaseError, connection

from batches.engine import claims


class KeepLease:
    """Renew one unit's lease from a thread of its own until the block ends.

    A process that is stopped stops renewing too, so the lease still tells the living
    from the dead.
    """

    def __init__(self, token: uuid.UUID, unit_id: int) -> None:
        self._token = token
        self._unit_id = unit_id
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
                if not claims.extend(
                    self._token, self._unit_id, seconds=settings.LEASE_SECONDS
                ):
                    return
        except DatabaseError:
            return
        finally:
            connection.close()
