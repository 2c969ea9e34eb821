"""Counts of a batch, and what its end tells the market."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

from django.db import connection

from batches.golden_scores import scores_of
from batches.models import WHOLE, Batch, Execution, QualitySource
from batches.services import observations
from batches.services.observations import Observation
from batches.states import RowStatus
from catalog import demand, health
from routing.connections import connection_for
from routing.failures import FailureKind

# What the public health of a provider counts against it: not the customer's errors,
# not our quota, credential or pace, and not an answer that merely disappoints.
PROVIDER_FAULTS = frozenset(
    {
        FailureKind.OVERLOADED,
        FailureKind.NO_ANSWER,
        FailureKind.TIMED_OUT,
        FailureKind.UNREACHABLE,
        FailureKind.MODEL_MISSING,
        FailureKind.MALFORMED,
        FailureKind.MISSING,
        FailureKind.JOB_EXPIRED,
        FailureKind.WRONG_MODEL,
    }
)

_DEMAND = """
SELECT e.model, e.provider, u.group_no, count(*),
       sum(r.input_tokens + r.output_tokens)
  FROM batches_resultrow r
  JOIN batches_execution e ON e.id = r.execution_id
  JOIN batches_workunit u ON u.id = e.unit_id
 WHERE r.batch_id = %s AND r.status IN ('completed', 'review')
   AND NOT EXISTS (SELECT 1 FROM batches_goldenoutcome g
                    WHERE g.batch_id = r.batch_id AND g.seq = r.seq)
 GROUP BY e.model, e.provider, u.group_no
"""


def tell_market(batch: Batch, *, now: datetime) -> None:
    """Fold a settled batch into demand, health and quality; test keys count nowhere.

    What nobody pays for is no demand: golden rows, and sample runs.

    Call in the transaction that settles. Each table's rows are written in one order, so
    that two batches that end together never wait for each other in a circle.
    """
    if batch.quote.is_test:
        return
    if not batch.is_sample:
        _count_demand(batch, now=now)
    _count_health(batch, now=now)
    found = [*_verified(batch, now=now), *_scored(batch, now=now)]
    observations.fold(found)


def _count_demand(batch: Batch, *, now: datetime) -> None:
    demand.fold(
        [
            demand.Settled(*key, items=items, tokens=tokens)
            for key, (items, tokens) in _settled(batch).items()
        ],
        org_id=batch.org_id,
        day=now.date(),
    )


Key = tuple[str, str, str, str]


def _settled(batch: Batch) -> dict[Key, tuple[int, int]]:
    """Sum delivered items and tokens by kind, slug, provider and operation."""
    workflow: str | None = batch.quote.spec["workflow"]
    operations = {
        stored["group_no"]: stored["operation"] for stored in batch.quote.decisions
    }
    items: Counter[Key] = Counter()
    tokens: Counter[Key] = Counter()
    with connection.cursor() as cursor:
        cursor.execute(_DEMAND, [batch.pk])
        for model, provider, group_no, item_count, token_sum in cursor.fetchall():
            served = (provider, operations[group_no])
            keys: list[Key] = [("model", model, *served)]
            if workflow is not None:
                keys.append(("workflow", workflow, *served))
            for key in keys:
                items[key] += item_count
                tokens[key] += int(token_sum)
    return {key: (items[key], tokens[key]) for key in items}


def _count_health(batch: Batch, *, now: datetime) -> None:
    succeeded: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for provider, is_sandbox, completed, failures in Execution.objects.filter(
        batch=batch
    ).values_list("provider", "is_sandbox", "completed", "failures"):
        if is_sandbox != _is_simulated(provider):
            continue
        succeeded[provider] += completed
        failed[provider] += sum(
            count for kind, count in failures.items() if kind in PROVIDER_FAULTS
        )
    for provider in sorted(succeeded):
        health.fold(
            provider=provider,
            at=now,
            succeeded=succeeded[provider],
            failed=failed[provider],
        )


def _verified(batch: Batch, *, now: datetime) -> Iterator[Observation]:
    """Sum by lane and check what the checks of every try found."""
    counts: dict[tuple[int, int, str], list[int]] = {}
    lanes: dict[int, Execution] = {}
    executions = Execution.objects.filter(batch=batch).select_related("unit")
    for execution in executions.only(
        "offering_id", "provider", "model", "checks", "unit__group_no"
    ):
        lanes[execution.offering_id] = execution
        for name, found in execution.checks.items():
            key = (execution.offering_id, execution.unit.group_no, name)
            before = counts.get(key, [0, 0, 0])
            counts[key] = [sum(pair) for pair in zip(before, found, strict=True)]
    decided = {stored["group_no"]: stored for stored in batch.quote.decisions}
    for (offering_id, group_no, name), (passed, repaired, failed) in counts.items():
        request = decided[group_no]["replay"]["request"]
        yield Observation(
            org_id=batch.org_id,
            day=now.date(),
            offering_id=offering_id,
            workload_key=request["workload_key"],
            source=QualitySource.VERIFICATION,
            check_name=name,
            provider=lanes[offering_id].provider,
            model=lanes[offering_id].model,
            operation=request["operation"],
            passed=passed,
            repaired=repaired,
            failed=failed,
        )


def _scored(batch: Batch, *, now: datetime) -> Iterator[Observation]:
    """Tell how often each lane gave the known answers to golden items."""
    decided = {stored["group_no"]: stored for stored in batch.quote.decisions}
    for score in scores_of(batch):
        request = decided[score.group_no]["replay"]["request"]
        yield Observation(
            org_id=batch.org_id,
            day=now.date(),
            offering_id=score.offering_id,
            workload_key=request["workload_key"],
            source=QualitySource.GOLDEN,
            check_name=WHOLE,
            provider=score.provider,
            model=score.model,
            operation=request["operation"],
            passed=score.right,
            failed=score.scored - score.right,
        )


def _is_simulated(provider: str) -> bool:
    """Tell whether new work on a provider would go to the simulator."""
    found = connection_for(provider)
    return found is not None and found.is_sandbox


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
