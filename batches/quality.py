"""Reads of quality: the lanes that made a batch's rows, and what was said of them."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import Sum

from accounts.models import Org
from batches.models import (
    WHOLE,
    Batch,
    Execution,
    Item,
    ItemVerdict,
    QualityDay,
    QualityFeedback,
    QualitySource,
)

LOOK_BACK: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class DeliveredLane:
    """A lane that made rows of a batch, for one kind of work."""

    offering_id: int
    provider: str
    model: str
    mode: str
    operation: str
    workload_key: str


def lanes_by_execution(batch: Batch) -> dict[int, DeliveredLane]:
    """Return the lane of every execution of a batch by the execution's row id."""
    requests = {
        stored["group_no"]: stored["replay"]["request"]
        for stored in batch.quote.decisions
    }
    executions = Execution.objects.filter(batch=batch).select_related("unit")
    return {
        execution.pk: _lane(execution, requests[execution.unit.group_no])
        for execution in executions
    }


def _lane(execution: Execution, request: dict[str, Any]) -> DeliveredLane:
    return DeliveredLane(
        offering_id=execution.offering_id,
        provider=execution.provider,
        model=execution.model,
        mode=execution.mode,
        operation=request["operation"],
        workload_key=request["workload_key"],
    )


def delivered_lanes(batch: Batch) -> dict[DeliveredLane, int]:
    """Count the rows that each lane delivered, where it delivered any."""
    completed = dict(
        Execution.objects.filter(batch=batch, completed__gt=0).values_list(
            "pk", "completed"
        )
    )
    lanes = lanes_by_execution(batch)
    counts: Counter[DeliveredLane] = Counter()
    for execution_id, count in sorted(completed.items()):
        counts[lanes[execution_id]] += count
    return dict(counts)


def feedback_of(batch: Batch, *, limit: int) -> list[QualityFeedback]:
    """Return a batch's latest feedback, newest first."""
    return list(QualityFeedback.objects.filter(batch=batch).order_by("-id")[:limit])


def verdicts_of(batch: Batch, seqs: Collection[int]) -> dict[int, ItemVerdict]:
    """Return the current verdicts on some rows of a batch by item number."""
    rows = ItemVerdict.objects.filter(
        batch_id=batch.pk, seq__in=seqs, is_current=True
    ).select_related("feedback")
    return {row.seq: row for row in rows}


def item_names(batch: Batch, seqs: Collection[int]) -> dict[int, str]:
    """Return the customer's ids of some items by item number."""
    rows = Item.objects.filter(manifest_id=batch.manifest_id, seq__in=seqs)
    return dict(rows.values_list("seq", "customer_item_id"))


# A copy was answered by the execution of its first item.
_CURRENT = """
SELECT coalesce(r.execution_id, f.execution_id), v.verdict, count(*)
  FROM batches_itemverdict v
  JOIN batches_item i ON i.manifest_id = %s AND i.seq = v.seq
  JOIN batches_resultrow r ON r.batch_id = v.batch_id AND r.seq = v.seq
  LEFT JOIN batches_resultrow f ON f.batch_id = r.batch_id AND f.seq = i.copy_of
 WHERE v.batch_id = %s AND v.is_current GROUP BY 1, 2
"""


def current_verdicts(batch: Batch) -> dict[DeliveredLane, Counter[str]]:
    """Count the verdicts that stand on a batch's rows, by lane and word."""
    lanes = lanes_by_execution(batch)
    counts: dict[DeliveredLane, Counter[str]] = defaultdict(Counter)
    with connection.cursor() as cursor:
        cursor.execute(_CURRENT, [batch.manifest_id, batch.pk])
        for execution_id, verdict, count in cursor.fetchall():
            counts[lanes[execution_id]][verdict] += count
    return counts


@dataclass(frozen=True, slots=True)
class DayCounts:
    """Verdicts on rows of one day."""

    day: date
    accepted: int
    corrected: int
    rejected: int


def verdict_days(
    org: Org,
    workload_keys: Collection[str],
    *,
    now: datetime,
    offering_id: int | None = None,
) -> Sequence[DayCounts]:
    """Return an org's verdicts on rows of some kinds of work, by day, oldest first."""
    rows = QualityDay.objects.filter(
        org_id=org.pk,
        day__gt=(now - LOOK_BACK).date(),
        workload_key__in=workload_keys,
        source=QualitySource.FEEDBACK,
        check_name=WHOLE,
    )
    if offering_id is not None:
        rows = rows.filter(offering_id=offering_id)
    days = rows.values("day").order_by("day")
    return [
        DayCounts(*found)
        for found in days.annotate(
            accepted=Sum("passed"), corrected=Sum("repaired"), rejected=Sum("failed")
        ).values_list("day", "accepted", "corrected", "rejected")
    ]
