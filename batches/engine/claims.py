"""Claim due work units, keep the lease, find what a dead worker left.

One conditional update claims; the database's clock judges every lease. Organizations
take turns: the one with the fewest running units is served first, then the oldest
unit, so a whale delays a minnow by a slice at most.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection

from batches.models.work_unit import COPIES
from batches.states import UnitState

# Units of one organization that may run at once, over all workers of a mode.
RUNNING_PER_ORG = 32
# A unit of thousands of items is closed in one step; nobody renews meanwhile.
_CLOSING_SECONDS = 60
# After a deadline a provider job has this long to hand out what it finished.
LATE_SECONDS = 15


@dataclass(frozen=True, slots=True)
class ClaimedUnit:
    """A unit that this worker holds until its lease runs out.

    Attributes:
        stage_seconds: until its present lane is to be left, at the claim.
        batch_seconds: until its batch's deadline, at the claim.
        canceled_seconds: since the customer asked to stop; None when nobody did.
        was_tried: an execution of it exists already.
        plan_id: whose stages hold; None for the decision's own.
        held_reason: why it waited to be begun; empty where it did not.
    """

    unit_id: int
    public_id: str
    batch_id: int
    group_no: int
    seq_from: int
    seq_to: int
    item_count: int
    stage: int
    mode: str
    lease_token: uuid.UUID
    lost_leases: int
    stage_seconds: float
    batch_seconds: float
    canceled_seconds: float | None
    was_tried: bool
    held_reason: str = ""
    plan_id: int | None = None

    @property
    def is_canceled(self) -> bool:
        """Whether the customer had asked to stop when it was claimed."""
        return self.canceled_seconds is not None

    @property
    def is_overdue(self) -> bool:
        """Whether the deadline had passed when it was claimed."""
        return self.batch_seconds <= 0


# Every instant is judged by the database's clock, so the worker's may be wrong.
# house: allow state-by-advance because one statement picks, moves and leases
_TAKE = f"""
UPDATE batches_workunit u
   SET state = '{UnitState.RUNNING}', state_at = clock_timestamp(),
       lease_token = %(token)s,
       lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
  FROM pick JOIN batches_batch b ON b.id = pick.batch_id
 WHERE u.id = pick.id
RETURNING u.id, u.public_id, u.batch_id, u.group_no, u.seq_from, u.seq_to,
          u.item_count, u.stage, u.mode, u.lease_token, u.lost_leases,
          extract(epoch FROM u.leave_at - clock_timestamp())::float8,
          extract(epoch FROM b.deadline_at - clock_timestamp())::float8,
          extract(epoch FROM clock_timestamp() - b.cancel_requested_at)::float8,
          EXISTS (SELECT 1 FROM batches_execution e WHERE e.unit_id = u.id),
          u.held_reason, u.plan_id
"""  # noqa: S608 # constants of ours only
_CLAIM = f"""
WITH busy AS (
  SELECT org_id, count(*) AS running FROM batches_workunit
   WHERE state = '{UnitState.RUNNING}' AND mode = %(mode)s GROUP BY org_id
), pick AS (
  SELECT u.id, u.batch_id FROM batches_workunit u LEFT JOIN busy b USING (org_id)
   WHERE u.mode = %(mode)s AND u.state IN ('{UnitState.READY}', '{UnitState.WAITING}')
     AND u.next_action_at <= clock_timestamp()
     AND coalesce(b.running, 0) < %(per_org)s
   ORDER BY coalesce(b.running, 0), u.next_action_at, u.id
   LIMIT 1 FOR UPDATE OF u SKIP LOCKED
)
{_TAKE}"""  # noqa: S608 # constants of ours only


def claim(mode: str, *, token: uuid.UUID) -> ClaimedUnit | None:
    """Take the lease of the unit whose turn it is, or return None."""
    return _take(
        _CLAIM,
        mode=mode,
        per_org=RUNNING_PER_ORG,
        token=token,
        lease=settings.LEASE_SECONDS,
    )


_CLAIM_IDLE = f"""
WITH pick AS (
  SELECT id, batch_id FROM batches_workunit
   WHERE batch_id = %(batch)s AND state = ANY(%(states)s)
     AND (mode = %(copies)s) = %(of_copies)s AND id > %(after)s
   ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
)
{_TAKE}"""  # noqa: S608 # constants of ours only


def claim_idle(batch_id: int, states: Sequence[str]) -> ClaimedUnit | None:
    """Take the lease of any unit of a batch that nobody works on, due or not.

    Copies are left alone: they end as the items do whose rows they get.
    """
    return _take_idle(batch_id, states, of_copies=False)


def claim_copies(batch_id: int, *, after_id: int) -> ClaimedUnit | None:
    """Take the lease of a batch's next unit of copies that nobody works on."""
    return _take_idle(batch_id, [UnitState.READY], of_copies=True, after_id=after_id)


def _take_idle(
    batch_id: int, states: Sequence[str], *, of_copies: bool, after_id: int = 0
) -> ClaimedUnit | None:
    return _take(
        _CLAIM_IDLE,
        batch=batch_id,
        states=[str(state) for state in states],
        copies=COPIES,
        of_copies=of_copies,
        after=after_id,
        token=uuid.uuid4(),
        lease=max(_CLOSING_SECONDS, settings.LEASE_SECONDS),
    )


def _take(sql: str, **values: Any) -> ClaimedUnit | None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        row = cursor.fetchone()
    return None if row is None else ClaimedUnit(*row)


_RENEW = f"""
UPDATE batches_workunit u
   SET lease_until = clock_timestamp() + make_interval(secs => %s)
  FROM batches_batch b
 WHERE u.lease_token = %s AND u.state = '{UnitState.RUNNING}' AND b.id = u.batch_id
RETURNING u.id, b.cancel_requested_at IS NOT NULL
"""  # noqa: S608 # constants of ours only


@dataclass(frozen=True, slots=True)
class Held:
    """A unit that is still ours, and what became of its batch."""

    unit_id: int
    is_canceled: bool


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
    """Make one unit's lease last this long from now.

    False when it is not ours, or when its batch is so late that others must end it.
    """
    sql = f"""UPDATE batches_workunit u
                 SET lease_until = clock_timestamp() + make_interval(secs => %s)
                FROM batches_batch b
               WHERE u.id = %s AND u.lease_token = %s
                 AND u.state = '{UnitState.RUNNING}' AND b.id = u.batch_id
                 AND b.deadline_at + interval '{LATE_SECONDS} seconds'
                     > clock_timestamp()"""  # noqa: S608 # constants of ours only
    with connection.cursor() as cursor:
        cursor.execute(sql, [seconds, unit_id, token])
        return bool(cursor.rowcount)


# Reads the partial index of running units; a unit's last execution says where it is.
_WORKERS = f"""
SELECT e.offering_id, count(DISTINCT u.lease_token)
  FROM batches_workunit u
 CROSS JOIN LATERAL (
        SELECT x.offering_id FROM batches_execution x
         WHERE x.unit_id = u.id ORDER BY x.id DESC LIMIT 1) e
 WHERE u.state = '{UnitState.RUNNING}' AND u.mode = 'direct'
 GROUP BY e.offering_id
"""  # noqa: S608 # constants of ours only


def workers_by_offering() -> dict[int, int]:
    """Count the workers that hold units of each direct offering."""
    with connection.cursor() as cursor:
        cursor.execute(_WORKERS)
        return dict(cursor.fetchall())


def any_due(mode: str) -> bool:
    """Tell whether a unit waits for a worker of this mode."""
    sql = f"""SELECT EXISTS (SELECT 1 FROM batches_workunit
               WHERE mode = %s
                 AND state IN ('{UnitState.READY}', '{UnitState.WAITING}')
                 AND next_action_at <= clock_timestamp())"""  # noqa: S608 # constants of ours only
    with connection.cursor() as cursor:
        cursor.execute(sql, [mode])
        row: tuple[bool] = cursor.fetchone()
    return row[0]
