"""Where the open work units of batches stand, and what is known of their lanes.

Units that stand alike are one place, so that a batch of thousands of units has a few.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import orjson
from django.db import connection
from django.db.models import Count

from batches.decisions import StageLane, stages_from_json
from batches.models import WorkUnit
from batches.models.work_unit import COPIES
from batches.states import EXECUTION_OPEN, UNIT_OPEN, UnitState
from routing.lanes import LaneState, lane_states


@dataclass(frozen=True, slots=True)
class Place:
    """Open units of a batch that stand alike.

    Attributes:
        unit_id: the oldest of them; its execution speaks for the others'.
        since: when the last row of any of them was written; before one, when they
            were cut.
        next_action_at, leave_at: of the unit that is due first, and that leaves its
            lane first.
        stage, stage_count: of the plan; the first is 0.
        plan_id: whose stages hold; None for the decision's own.
        plan_cause: why that plan was made; empty for the decision's own stages.
        held_reason: what they wait for, ready; empty where for a worker only.
    """

    batch_id: int
    state: str
    mode: str
    group_no: int
    stage: int
    plan_id: int | None
    held_reason: str
    unit_count: int
    open_items: int
    unit_id: int
    since: datetime
    next_action_at: datetime
    leave_at: datetime
    lane: StageLane
    stage_count: int
    plan_cause: str


@dataclass(frozen=True, slots=True)
class Job:
    """The open execution of a place's oldest unit."""

    public_id: str
    state: str
    item_count: int
    started_at: datetime
    polls: int
    failures: dict[str, int]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known beside the places, read for all of them at once.

    Attributes:
        jobs: by unit.
        lanes: by offering.
        running: units by mode and organization.
    """

    jobs: Mapping[int, Job]
    lanes: Mapping[int, LaneState]
    running: Mapping[tuple[str, int], int]

    def running_of(self, mode: str) -> int:
        """Return how many units of a mode run, of all organizations."""
        return sum(count for (one, _), count in self.running.items() if one == mode)


# Read by unit_by_batch. The stages stand in a plan, else in the quote's decision.
PLACES = """
WITH place AS (
  SELECT batch_id, state, mode, group_no, stage, plan_id, held_reason,
         count(*) AS unit_count,
         sum(item_count - completed - review - failed - canceled - expired) AS items,
         min(id) AS unit_id, coalesce(max(rows_at), min(created_at)) AS since,
         min(next_action_at) AS next_action_at, min(leave_at) AS leave_at
    FROM batches_workunit
   WHERE batch_id = ANY(%(batches)s) AND state = ANY(%(open)s) AND mode <> %(copies)s
   GROUP BY batch_id, state, mode, group_no, stage, plan_id, held_reason
)
SELECT p.batch_id, p.state, p.mode, p.group_no, p.stage, p.plan_id, p.held_reason,
       p.unit_count, p.items, p.unit_id, p.since, p.next_action_at, p.leave_at,
       s.stages -> p.stage::int, jsonb_array_length(s.stages), coalesce(r.cause, '')
  FROM place p
  JOIN batches_batch b ON b.id = p.batch_id
  JOIN batches_quote q ON q.id = b.quote_id
  LEFT JOIN batches_routeplan r ON r.id = p.plan_id
 CROSS JOIN LATERAL (
       SELECT coalesce(r.stages, (
              SELECT d -> 'stages' FROM jsonb_array_elements(q.decisions) d
               WHERE (d ->> 'group_no')::int = p.group_no)) AS stages) s
 ORDER BY p.batch_id, p.items DESC, p.unit_id
"""


def places_of(batch_ids: Collection[int]) -> list[Place]:
    """Return where batches stand, each batch's largest place first."""
    with connection.cursor() as cursor:
        cursor.execute(PLACES, place_values(batch_ids))
        return [_place(row) for row in cursor.fetchall()]


def place_values(batch_ids: Collection[int]) -> dict[str, Any]:
    """Return what ``PLACES`` is asked with."""
    return {
        "batches": list(batch_ids),
        "open": [str(state) for state in UNIT_OPEN],
        "copies": COPIES,
    }


def _place(row: tuple[Any, ...]) -> Place:
    """Read a row, whose columns are in the order of the fields."""
    told: list[Any] = list(row)
    (told[_LANE],) = stages_from_json([orjson.loads(told[_LANE])])
    told[_ITEMS] = int(told[_ITEMS])
    return Place(*told)


_COLUMNS = [column.name for column in fields(Place)]
_LANE, _ITEMS = _COLUMNS.index("lane"), _COLUMNS.index("open_items")


def evidence_for(places: Collection[Place], *, now: datetime) -> Evidence:
    """Read what places have to do with: three queries, however many there are."""
    return Evidence(
        jobs=_jobs([place.unit_id for place in places]),
        lanes=lane_states({place.lane.offering_id for place in places}, now=now),
        running=_running(),
    )


# The newest execution of each unit, by execution_by_unit.
_JOBS = """
SELECT u.id, e.public_id, e.state, e.item_count, e.started_at, e.polls, e.failures
  FROM unnest(%s::bigint[]) AS u (id)
 CROSS JOIN LATERAL (
       SELECT * FROM batches_execution x WHERE x.unit_id = u.id
        ORDER BY x.id DESC LIMIT 1) e
 WHERE e.state = ANY(%s)
"""


def _jobs(unit_ids: list[int]) -> dict[int, Job]:
    with connection.cursor() as cursor:
        cursor.execute(_JOBS, [unit_ids, [str(state) for state in EXECUTION_OPEN]])
        return {unit_id: _job(told) for unit_id, *told in cursor.fetchall()}


def _job(told: list[Any]) -> Job:
    told[-1] = orjson.loads(told[-1])
    return Job(*told)


def _running() -> dict[tuple[str, int], int]:
    rows = WorkUnit.objects.filter(state=UnitState.RUNNING).values("mode", "org_id")
    return {
        (row["mode"], row["org_id"]): row["units"]
        for row in rows.annotate(units=Count("pk"))
    }
