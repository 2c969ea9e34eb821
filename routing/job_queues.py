"""What waits in provider jobs, counted in the database for all workers.

A job takes its place in the transaction that writes its intent and leaves it in the one
that ends its execution, so the count is right whoever dies. One row a provider is
locked meanwhile: jobs are made a few times a second at most.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, QuerySet, Sum

from routing import queueing
from routing.models import JobQueue, QueuedJob
from routing.queueing import NO_LIMITS, Measure, QueueLimits, QueueLoad


@dataclass(frozen=True, slots=True)
class Queue:
    """One account's queue for a model at a provider.

    Attributes:
        is_sandbox: the simulator's.
    """

    provider: str
    provider_model: str
    is_sandbox: bool


@dataclass(frozen=True, slots=True)
class Full:
    """Why a job has to wait.

    Attributes:
        measure: what there is too much of; None where the provider said it is full.
        until: when the provider is to be asked again; None where nobody knows.
    """

    measure: Measure | None
    until: datetime | None


@transaction.atomic
def take(
    queue: Queue, ref: str, job: QueueLoad, limits: QueueLimits, *, now: datetime
) -> Full | None:
    """Take a place for a job; where there is none, return why and change nothing.

    Args:
        queue: the job's.
        ref: ours, of the job; to be given back with :func:`release`.
        job: its size.
        limits: its adapter's; what an operator set comes first.
        now: the instant.
    """
    _lock(queue)
    rows = _rows(queue)
    until = max((row.full_until for row in rows if row.full_until), default=None)
    if until is not None and until > now:
        return Full(None, until)
    load = _load(QueuedJob.objects.filter(**_of(queue)))
    jobs = QueuedJob.objects.filter(
        provider=queue.provider, is_sandbox=queue.is_sandbox
    ).count()
    measure = queueing.exceeded(_set_by(rows).over(limits), load, job, jobs=jobs)
    if measure is not None:
        return Full(measure, None)
    QueuedJob.objects.create(
        **_of(queue), ref=ref, tokens=job.tokens, requests=job.requests, since=now
    )
    return None


def release(ref: str) -> None:
    """Give back a job's place; one that has none is no error."""
    QueuedJob.objects.filter(ref=ref).delete()


def note_full(queue: Queue, *, until: datetime) -> None:
    """Let no job of the queue's model be made before then: the provider said so."""
    JobQueue.objects.update_or_create(**_of(queue), defaults={"full_until": until})


def limits_of(queue: Queue, limits: QueueLimits) -> QueueLimits:
    """Return the limits that hold: the operators', else the adapter's."""
    return _set_by(_rows(queue)).over(limits)


def waiting() -> Mapping[Queue, QueueLoad]:
    """Return what waits, by queue."""
    rows = (
        QueuedJob.objects.values("provider", "provider_model", "is_sandbox")
        .annotate(tokens=Sum("tokens"), requests=Sum("requests"), jobs=Count("pk"))
        .order_by()
    )
    return {
        Queue(row["provider"], row["provider_model"], row["is_sandbox"]): QueueLoad(
            int(row["tokens"]), int(row["requests"]), row["jobs"]
        )
        for row in rows
    }


def set_limits() -> Mapping[Queue, QueueLimits]:
    """Return what operators set, by queue; an empty model is the whole provider."""
    return {
        Queue(row.provider, row.provider_model, row.is_sandbox): _limits(row)
        for row in JobQueue.objects.all()
    }


def _of(queue: Queue) -> dict[str, Any]:
    return {
        "provider": queue.provider,
        "provider_model": queue.provider_model,
        "is_sandbox": queue.is_sandbox,
    }


def _lock(queue: Queue) -> None:
    """Let one process at a time take places at a provider."""
    whole = {"provider": queue.provider, "is_sandbox": queue.is_sandbox}
    JobQueue.objects.bulk_create(
        [JobQueue(**whole, provider_model="")], ignore_conflicts=True
    )
    JobQueue.objects.select_for_update().get(**whole, provider_model="")


def _rows(queue: Queue) -> list[JobQueue]:
    """Return the rows that hold for a queue: its model's, then the provider's."""
    return list(
        JobQueue.objects.filter(
            provider=queue.provider,
            is_sandbox=queue.is_sandbox,
            provider_model__in=["", queue.provider_model],
        ).order_by("-provider_model")
    )


def _set_by(rows: list[JobQueue]) -> QueueLimits:
    found = NO_LIMITS
    for row in rows:
        found = found.over(_limits(row))
    return found


def _limits(row: JobQueue) -> QueueLimits:
    return QueueLimits(row.tokens_max, row.requests_max, row.jobs_max)


def _load(jobs: QuerySet[QueuedJob]) -> QueueLoad:
    sums = jobs.aggregate(
        tokens=Sum("tokens", default=0),
        requests=Sum("requests", default=0),
        jobs=Count("pk"),
    )
    return QueueLoad(int(sums["tokens"]), int(sums["requests"]), sums["jobs"])
