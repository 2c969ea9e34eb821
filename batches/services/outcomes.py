"""Counts of a batch, and what its end tells the market."""

from collections.abc import Mapping
from datetime import datetime

from django.db import connection

from batches.models import Batch
from batches.states import RowStatus
from catalog import demand

_DEMAND = """
SELECT e.model, e.provider, u.group_no, count(*),
       sum(r.input_tokens + r.output_tokens)
  FROM batches_resultrow r
  JOIN batches_execution e ON e.id = r.execution_id
  JOIN batches_workunit u ON u.id = e.unit_id
 WHERE r.batch_id = %s AND r.status IN ('completed', 'review')
 GROUP BY e.model, e.provider, u.group_no
"""


def count_demand(batch: Batch, *, now: datetime) -> None:
    """Fold a settled batch into the public demand; test keys count nowhere.

    Call in the transaction that settles.
    """
    if batch.quote.is_test:
        return
    operations = {
        stored["group_no"]: stored["operation"] for stored in batch.quote.decisions
    }
    sums: dict[tuple[str, str, str], tuple[int, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_DEMAND, [batch.pk])
        for model, provider, group_no, items, tokens in cursor.fetchall():
            key = (model, provider, operations[group_no])
            items_before, tokens_before = sums.get(key, (0, 0))
            sums[key] = (items_before + items, tokens_before + int(tokens))
    for (model, provider, operation), (items, tokens) in sorted(sums.items()):
        demand.fold(
            demand.Settled(
                day=now.date(),
                kind="model",
                slug=model,
                provider=provider,
                operation=operation,
                org_id=batch.org_id,
                items=items,
                tokens=tokens,
                batches=1,
            )
        )


def counts_json(by_status: Mapping[str, int], total: int) -> dict[str, int]:
    """Return the API's counts of an ended batch; rows to review count as completed."""
    return {
        "total": total,
        "pending": 0,
        "running": 0,
        "completed": by_status.get(RowStatus.COMPLETED, 0)
        + by_status.get(RowStatus.REVIEW, 0),
        "failed": by_status.get(RowStatus.FAILED, 0),
        "canceled": by_status.get(RowStatus.CANCELED, 0),
        "expired": by_status.get(RowStatus.EXPIRED, 0),
    }
