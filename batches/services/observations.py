"""Write what was found of answers into their day: one statement a batch."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from datetime import date

from django.db import connection


@dataclass(frozen=True, slots=True)
class Observation:
    """What one source found of answers of one kind.

    Attributes:
        source: of :class:`batches.models.QualitySource`.
        check_name: ``WHOLE``, or the part of the answer that was looked at.
        passed, repaired, failed: answers; negative where a verdict is taken back.
    """

    org_id: int
    day: date
    offering_id: int
    workload_key: str
    source: str
    check_name: str
    provider: str
    model: str
    operation: str
    passed: int = 0
    repaired: int = 0
    failed: int = 0


_COLUMNS = [column.name for column in fields(Observation)]
_FOLD = f"""
INSERT INTO batches_qualityday AS q ({", ".join(_COLUMNS)})
VALUES ({", ".join(["%s"] * len(_COLUMNS))})
ON CONFLICT (org_id, day, offering_id, workload_key, source, check_name)
DO UPDATE SET passed = q.passed + EXCLUDED.passed,
              repaired = q.repaired + EXCLUDED.repaired,
              failed = q.failed + EXCLUDED.failed
"""  # noqa: S608 # the names of our own dataclass


def fold(observations: Iterable[Observation]) -> None:
    """Add observations to their day, in the transaction that they come from.

    Rows are written in one order, so that two transactions never wait for each other
    in a circle: call it once in a transaction, with everything.
    """
    rows = sorted(astuple(found) for found in observations)
    with connection.cursor() as cursor:
        cursor.executemany(_FOLD, rows)
