"""Notice that no answer passes a batch's checks, and stop asking.

Tries that are rejected are never charged, so a check that nothing can pass would have
us pay for every try of every item on every lane, and the customer wait for nothing.
"""

import time
from typing import Final

from django.conf import settings
from django.db import connection

from batches.engine.rows import RowError
from routing.failures import FailureKind

CHECKS_NEVER_PASS: Final = RowError(
    "checks_never_pass",
    "No answer passed the checks of this batch, so this item was not asked any more. "
    "Mend the checks and send it again.",
    retryable=False,
)
_LOOK_SECONDS: Final = 0.5
# An item has such a row once every lane of its plan has had its tries.
_COUNT = f"""
SELECT EXISTS (SELECT 1 FROM batches_workunit
                WHERE batch_id = %(batch)s AND completed + review > 0),
       (SELECT count(*) FROM (
          SELECT 1 FROM batches_resultrow
           WHERE batch_id = %(batch)s AND error_code = '{FailureKind.VERIFICATION}'
           LIMIT %(enough)s) rejected)
"""  # noqa: S608 # constants of ours only


class RejectionFuse:
    """Blows once so many items were rejected and none delivered; one for a batch."""

    def __init__(self, batch_id: int) -> None:
        self._batch_id = batch_id
        self._is_settled = False
        self._is_blown = False
        self._look_after = 0.0

    @property
    def is_blown(self) -> bool:
        """Whether so many items were rejected for good, and none was delivered.

        Half a second old at most; once an item was delivered nobody looks any more.
        """
        if not self._is_settled and time.monotonic() >= self._look_after:
            self._look()
        return self._is_blown

    def _look(self) -> None:
        enough = settings.REJECTED_ITEMS_MAX
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, {"batch": self._batch_id, "enough": enough})
            is_delivered, rejected = cursor.fetchone()
        self._is_blown = not is_delivered and rejected >= enough
        self._is_settled = is_delivered or self._is_blown
        self._look_after = time.monotonic() + _LOOK_SECONDS
