"""How often each lane of a batch gave the known answers to its golden items."""

from dataclasses import dataclass
from typing import Any

from django.db import connection

from batches.models import Batch

_SCORES = """
SELECT e.offering_id, e.provider, e.model, e.mode, u.group_no,
       count(*), count(*) FILTER (WHERE g.is_right)
  FROM batches_goldenoutcome g
  JOIN batches_execution e ON e.id = g.execution_id
  JOIN batches_workunit u ON u.id = e.unit_id
 WHERE g.batch_id = %s
 GROUP BY e.offering_id, e.provider, e.model, e.mode, u.group_no
 ORDER BY e.provider, e.model, e.mode, u.group_no
"""


@dataclass(frozen=True, slots=True)
class LaneScore:
    """Golden items of one group that one lane answered, and those it got right."""

    offering_id: int
    provider: str
    model: str
    mode: str
    group_no: int
    scored: int
    right: int


def scores_of(batch: Batch) -> list[LaneScore]:
    """Return the scores of a batch; a batch without golden items costs no query."""
    if not batch.manifest.golden_count:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_SCORES, [batch.pk])
        return [LaneScore(*row) for row in cursor.fetchall()]


def golden_json(batch: Batch) -> dict[str, Any] | None:
    """Return the scores as batches and route receipts show them."""
    if not batch.manifest.golden_count:
        return None
    scores = scores_of(batch)
    by_lane: dict[tuple[str, str, str], tuple[int, int]] = {}
    for score in scores:
        lane = (score.provider, score.model, score.mode)
        scored, right = by_lane.get(lane, (0, 0))
        by_lane[lane] = (scored + score.scored, right + score.right)
    return {
        "items": batch.manifest.golden_count,
        "charged": False,
        **_accuracy(
            sum(score.scored for score in scores), sum(score.right for score in scores)
        ),
        "lanes": [
            {
                "provider": provider,
                "model": model,
                "mode": mode,
                **_accuracy(scored, right),
            }
            for (provider, model, mode), (scored, right) in by_lane.items()
        ],
    }


def _accuracy(scored: int, right: int) -> dict[str, Any]:
    return {
        "scored": scored,
        "right": right,
        "accuracy": round(right / scored, 6) if scored else None,
    }
