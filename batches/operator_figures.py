"""What operators watch of the main job: queue, throughput, failures, margin, risks.

Every figure reads open rows by a partial index, or a window of time by an index.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import orjson
from django.db import connection
from django.db.models import Sum

from batches.models import SettledDay
from batches.models.work_unit import COPIES
from batches.states import BATCH_OPEN, BatchState, DeliveryState, UnitState

HOURS: Final = 24
DAYS: Final = 30
FAILURES_SHOWN: Final = 12
# So many open batches, the soonest deadline first, are looked at for risks.
LOOKED_AT: Final = 100


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits for our workers, for providers, and for receivers of webhooks.

    Attributes:
        oldest_due_at: since when the oldest unit that a worker may take is due.
        due_units: those that a worker may take.
        later_units: ready ones that wait for their time.
        waiting_jobs: units whose provider job runs.
        running_units: those that a worker holds.
        open_batches: by state.
        webhooks: deliveries that were not made yet.
        oldest_webhook_at: since when the oldest of them is due.
    """

    oldest_due_at: datetime | None
    due_units: int
    later_units: int
    waiting_jobs: int
    running_units: int
    webhooks: int
    oldest_webhook_at: datetime | None
    open_batches: dict[str, int]


# Read by unit_due, unit_leased, delivery_due and batch_open_by_deadline.
QUEUE = f"""
SELECT u.oldest, u.due, u.later, u.waiting,
       (SELECT count(*) FROM batches_workunit WHERE state = '{UnitState.RUNNING}'),
       d.pending, d.oldest,
       (SELECT coalesce(jsonb_object_agg(state, found), '{{}}') FROM (
          SELECT state, count(*) AS found FROM batches_batch
           WHERE state IN ({", ".join(f"'{state}'" for state in sorted(BATCH_OPEN))})
           GROUP BY state) b)::text
  FROM (SELECT min(next_action_at) FILTER (WHERE is_due) AS oldest,
               count(*) FILTER (WHERE is_due) AS due,
               count(*) FILTER (WHERE state = '{UnitState.READY}' AND NOT is_due)
                 AS later,
               count(*) FILTER (WHERE state = '{UnitState.WAITING}') AS waiting
          FROM (SELECT state, next_action_at,
                       state = '{UnitState.READY}' AND next_action_at <= %(now)s
                         AS is_due
                  FROM batches_workunit
                 WHERE state IN ('{UnitState.READY}', '{UnitState.WAITING}')
                   AND mode <> '{COPIES}') open_units) u,
       (SELECT count(*) AS pending,
               min(next_attempt_at) FILTER (WHERE next_attempt_at <= %(now)s) AS oldest
          FROM batches_webhookdelivery WHERE state = '{DeliveryState.PENDING}') d
"""  # noqa: S608 # constants of ours only


def queue(*, now: datetime) -> Queue:
    """Count what waits."""
    with connection.cursor() as cursor:
        cursor.execute(QUEUE, {"now": now})
        row: list[Any] = list(cursor.fetchone())
    row[-1] = orjson.loads(row[-1])
    return Queue(*row)


@dataclass(frozen=True, slots=True)
class Hour:
    """What executions that ended in an hour answered."""

    at: datetime
    items: int


# Read by execution_by_end.
HOURLY = """
SELECT date_trunc('hour', ended_at, 'UTC') AS hour, sum(completed)
  FROM batches_execution WHERE ended_at >= %s GROUP BY hour
"""


def throughput(*, now: datetime) -> tuple[Hour, ...]:
    """Return the answered items of the last 24 hours, the present one last."""
    first = _first_hour(now)
    with connection.cursor() as cursor:
        cursor.execute(HOURLY, [first])
        found = {hour: int(items) for hour, items in cursor.fetchall()}
    hours = (first + timedelta(hours=number) for number in range(HOURS))
    return tuple(Hour(hour, found.get(hour, 0)) for hour in hours)


def _first_hour(now: datetime) -> datetime:
    whole = now.replace(minute=0, second=0, microsecond=0)
    return whole - timedelta(hours=HOURS - 1)


@dataclass(frozen=True, slots=True)
class LaneFailure:
    """Failed tries of one kind on one lane."""

    offering_id: int
    lane: str
    kind: str
    tries: int


FAILURES = """
SELECT e.offering_id, e.provider || ' ' || e.provider_model || ' ' || e.mode,
       f.kind, sum(f.tries::bigint)
  FROM batches_execution e
 CROSS JOIN LATERAL jsonb_each_text(e.failures) AS f (kind, tries)
 WHERE e.ended_at >= %s
 GROUP BY e.offering_id, e.provider, e.provider_model, e.mode, f.kind
 ORDER BY 4 DESC, 1, 3 LIMIT %s
"""


def failures(*, now: datetime) -> tuple[LaneFailure, ...]:
    """Return the most frequent failures of the last 24 hours by lane and kind."""
    with connection.cursor() as cursor:
        cursor.execute(FAILURES, [_first_hour(now), FAILURES_SHOWN])
        return tuple(
            LaneFailure(offering_id, lane, kind, int(tries))
            for offering_id, lane, kind, tries in cursor.fetchall()
        )


@dataclass(frozen=True, slots=True)
class SettledMoney:
    """What batches that were settled on a UTC day charged and cost us."""

    day: date
    charged_nanousd: int = 0
    cost_nanousd: int = 0

    @property
    def margin_nanousd(self) -> int:
        """What is left."""
        return self.charged_nanousd - self.cost_nanousd


def settled_days(*, now: datetime) -> tuple[SettledMoney, ...]:
    """Return the last 30 UTC days, today last; test keys and samples count nowhere."""
    first = now.date() - timedelta(days=DAYS - 1)
    rows = SettledDay.objects.filter(day__gte=first).values("day")
    found = {
        row["day"]: SettledMoney(row["day"], int(row["charged"]), int(row["cost"]))
        for row in rows.annotate(
            charged=Sum("charged_nanousd"), cost=Sum("cost_nanousd")
        )
    }
    days = (first + timedelta(days=number) for number in range(DAYS))
    return tuple(found.get(day, SettledMoney(day)) for day in days)


@dataclass(frozen=True, slots=True)
class Risk:
    """An open batch that may miss its deadline, and why we think so."""

    pk: int
    public_id: str
    org: str
    deadline_at: datetime
    done: int
    total: int
    reason: str


# The soonest deadlines by batch_open_by_deadline, the rows by unit_by_batch.
RISKS = f"""
SELECT b.id, b.public_id, o.name, b.state, b.state_at, b.created_at, b.deadline_at,
       b.item_count, coalesce(u.done, 0)::bigint
  FROM (SELECT * FROM batches_batch
         WHERE state IN ({", ".join(f"'{state}'" for state in sorted(BATCH_OPEN))})
         ORDER BY deadline_at, id LIMIT %s) b
  JOIN accounts_org o ON o.id = b.org_id
 CROSS JOIN LATERAL (
       SELECT sum(completed + review + failed + canceled + expired) AS done
         FROM batches_workunit WHERE batch_id = b.id) u
 ORDER BY b.deadline_at, b.id
"""  # noqa: S608 # constants of ours only


def risks(*, now: datetime) -> tuple[Risk, ...]:
    """Return the batches that look late, the soonest deadline first."""
    with connection.cursor() as cursor:
        cursor.execute(RISKS, [LOOKED_AT])
        rows = cursor.fetchall()
    found = []
    for pk, public_id, org, state, state_at, created_at, due, total, done in rows:
        began = state_at if state == BatchState.RUNNING else created_at
        reason = why_late(done, total, (began, created_at, due), now=now)
        if reason:
            found.append(Risk(pk, public_id, org, due, done, total, reason))
    return tuple(found)


def why_late(
    done: int, total: int, times: tuple[datetime, datetime, datetime], *, now: datetime
) -> str:
    """Say why a batch may miss its deadline; nothing where it looks well.

    Args:
        done: items with a row.
        total: all items.
        times: when it began to run, when it was made, and its deadline.
        now: the instant.
    """
    began, created_at, deadline_at = times
    if now >= deadline_at:
        return "The deadline has passed."
    if done >= total:
        return ""
    if done == 0:
        half = created_at + (deadline_at - created_at) / 2
        return "Half of its time is over without a row." if now > half else ""
    left = max(now - began, timedelta()) * (total - done) / done
    if now + left <= deadline_at:
        return ""
    return f"At its pace it ends at {now + left:%Y-%m-%d %H:%M} UTC."
