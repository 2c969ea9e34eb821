"""Claim due work units, keep the lease, find what a dead worker left.

One conditional update claims; the database's clock judges every lease. Organizations
take turns: the one with the fewest running units is served first, then the oldest
unit, so a whale delays a minnow by a slice at most.
"""

import uuid
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection

from batches.states import UnitState

# Units of one organization that may run at once, over all workers of a mode.
RUNNING_PER_ORG = 32


@dataclass(frozen=True, slots=True)
class ClaimedUnit:
    """A unit that this worker holds until its lease runs out."""

    unit_id: int
    public_id: str
    batch_id: int
    group_no: int
    seq_from: int
    seq_to: int
    item_count: int
    row_count: int
    stage: int
    mode: str
    lease_token: uuid.UUID
    lost_leases: int
    was: str


_CLAIM = f"""
WITH busy AS (
  SELECT org_id, count(*) AS running FROM batches_workunit
   WHERE state = '{UnitState.RUNNING}' AND mode = %(mode)s GROUP BY org_id
), pick AS (
  SELECT u.id, u.state FROM batches_workunit u LEFT JOIN busy b USING (org_id)
   WHERE u.mode = %(mode)s AND u.state IN ('{UnitState.READY}', '{UnitState.WAITING}')
     AND u.next_action_at <= clock_timestamp()
     AND coalesce(b.running, 0) < %(per_org)s
   ORDER BY coalesce(b.running, 0), u.next_action_at, u.id
   LIMIT 1 FOR UPDATE OF u SKIP LOCKED
)
UPDATE batches_workunit u
   SET state = '{UnitState.RUNNING}', state_at = clock_timestamp(),
       lease_token = %(token)s,
       lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
  FROM pick WHERE u.id = pick.id
RETURNING u.id, u.public_id, u.batch_id, u.group_no, u.seq_from, u.seq_to,
          u.item_count,
          u.completed + u.failed + u.canceled + u.expired + u.review,
          u.stage, u.mode, u.lease_token, u.lost_leases, pick.state
"""  # noqa: S608 # constants of ours only


def claim(mode: str, *, token: uuid.UUID) -> ClaimedUnit | None:
    """Take the lease of the unit whose turn it is, or return None."""
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM,
            {
                "mode": mode,
                "per_org": RUNNING_PER_ORG,
                "token": token,
                "lease": settings.LEASE_SECONDS,
            },
        )
        row = cursor.fetchone()
    return None if row is None else ClaimedUnit(*row)


_RENEW = f"""
UPDATE batches_workunit u
   SET lease_until = clock_timestamp() + make_interval(secs => %s)
  FROM batches_batch b
 WHERE u.lease_token = %s AND u.state = '{UnitState.RUNNING}' AND b.id = u.batch_id
RETURNING u.id, b.cancel_requested_at IS NOT NULL, b.deadline_at <= clock_timestamp()
"""  # noqa: S608 # constants of ours only


@dataclass(frozen=True, slots=True)
class Held:
    """A unit that is still ours, and what became of its batch."""

    unit_id: int
    is_canceled: bool
    is_overdue: bool


def renew(token: uuid.UUID) -> list[Held]:
    """Extend every lease under this token; what is not returned is lost."""
    with connection.cursor() as cursor:
        cursor.execute(_RENEW, [settings.LEASE_SECONDS, token])
        return [Held(*row) for row in cursor.fetchall()]


def holds(token: uuid.UUID, unit_id: int, *, seconds: int) -> bool:
    """Tell whether the lease lasts this much longer; the sender's own fence."""
    sql = f"""SELECT 1 FROM batches_workunit
               WHERE id = %s AND lease_token = %s AND state = '{UnitState.RUNNING}'
                 AND lease_until > clock_timestamp() + make_interval(secs => %s)"""  # noqa: S608 # constants of ours only
    with connection.cursor() as cursor:
        cursor.execute(sql, [unit_id, token, seconds])
        return cursor.fetchone() is not None


def extend(token: uuid.UUID, unit_id: int, *, seconds: int) -> bool:
    """Make one unit's lease last this long from now; False when it is not ours."""
    sql = f"""UPDATE batches_workunit
                 SET lease_until = clock_timestamp() + make_interval(secs => %s)
               WHERE id = %s AND lease_token = %s
                 AND state = '{UnitState.RUNNING}'"""  # noqa: S608 # constants of ours only
    with connection.cursor() as cursor:
        cursor.execute(sql, [seconds, unit_id, token])
        return cursor.rowcount == 1


def any_due(mode: str) -> bool:
    """Tell whether a unit waits for a worker of this mode."""
    sql = f"""SELECT EXISTS (SELECT 1 FROM batches_workunit
               WHERE mode = %s
                 AND state IN ('{UnitState.READY}', '{UnitState.WAITING}')
                 AND next_action_at <= clock_timestamp())"""  # noqa: S608 # constants of ours only
    with connection.cursor() as cursor:
        cursor.execute(sql, [mode])
        row: tuple[Any, ...] | None = cursor.fetchone()
    return bool(row and row[0])
