"""What earlier executions did with a unit's items: how often they were asked for."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import connection

from batches.engine.claims import ClaimedUnit
from batches.engine.rows import IndexedItem
from batches.states import ExecutionState


@dataclass(frozen=True, slots=True)
class History:
    """Earlier executions of a unit or of the one that it was split from.

    Attributes:
        reaches: the item numbers, first and last, that each of them may have sent.
        unknowns: by item number, tries whose outcome nobody knows.
    """

    reaches: tuple[tuple[int, int], ...] = ()
    unknowns: dict[int, int] = field(default_factory=dict)

    def tries_of(self, items: Iterable[IndexedItem]) -> dict[int, int]:
        """Count the executions that had each item; nothing for untried ones."""
        if not self.reaches:
            return {}
        return {
            item.seq: sum(first <= item.seq <= last for first, last in self.reaches)
            for item in items
        }


_REACHES = f"""
SELECT u.seq_from, least(u.seq_to, e.sent_through_seq)
  FROM batches_execution e JOIN batches_workunit u ON u.id = e.unit_id
 WHERE e.batch_id = %(batch)s AND u.group_no = %(group)s
   AND u.seq_from <= %(last)s AND u.seq_to >= %(first)s
   AND e.state IN ('{ExecutionState.ENDED}', '{ExecutionState.ABANDONED}')
"""  # noqa: S608 # constants of ours only
_UNKNOWNS = """
SELECT seq, count(*) FROM batches_lostcall
 WHERE batch_id = %(batch)s AND seq BETWEEN %(first)s AND %(last)s GROUP BY seq
"""


def of_unit(unit: ClaimedUnit) -> History:
    """Read a unit's history; a unit on its first lane and worker has none.

    One for a provider job may be a part of a unit that was tried on the same lane.
    """
    if unit.mode == "direct" and not (unit.was_tried or unit.stage or unit.lost_leases):
        return History()
    values = {
        "batch": unit.batch_id,
        "group": unit.group_no,
        "first": unit.seq_from,
        "last": unit.seq_to,
    }
    with connection.cursor() as cursor:
        cursor.execute(_REACHES, values)
        reaches = tuple(cursor.fetchall())
        cursor.execute(_UNKNOWNS, values)
        return History(reaches, dict(cursor.fetchall()))
