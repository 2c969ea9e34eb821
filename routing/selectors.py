"""What other apps read of routing: facts of offerings, and the weights in force."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from django.db.models import F, Q, Sum

from catalog import selectors as catalog_selectors
from catalog.values import CatalogOffering
from routing import job_queues, weights
from routing.adapters import registry
from routing.connections import connection_for
from routing.contracts import Drift, Finding, JobLimits, OfferingFacts
from routing.drifts import present_drifts
from routing.job_queues import Queue
from routing.models import OfferingHealth, RouteVersion, RoutingOutcome
from routing.queueing import NO_LIMITS, NOTHING, QueueLimits, QueueLoad
from routing.weights import RouteWeights

LOOK_BACK_DAYS: Final = 14
OUTCOME_HALF_LIFE_DAYS: Final = 7.0
# An outcome of the same kind of work says more than one of any other.
OTHER_WORKLOAD_SHARE: Final = 0.5

_CATALOG_FIELDS: Final = tuple(
    field.name
    for field in fields(OfferingFacts)
    if field.name in {known.name for known in fields(CatalogOffering)}
)


@dataclass(frozen=True, slots=True)
class _Observed:
    successes: float = 0.0
    failures: float = 0.0


_NOTHING: Final = _Observed()


@dataclass(frozen=True, slots=True)
class _Queues:
    """What waits in provider jobs, and what operators let wait."""

    waiting: Mapping[Queue, QueueLoad]
    limits: Mapping[Queue, QueueLimits]

    def tokens_max(self, queue: Queue, adapter: JobLimits) -> int | None:
        """Return how many input tokens may wait for a model; None is no limit."""
        whole = replace(queue, provider_model="")
        found = self.limits.get(queue, NO_LIMITS)
        return (
            found.over(self.limits.get(whole, NO_LIMITS)).over(adapter.queue).tokens_max
        )


def offering_facts(
    slugs: Sequence[str],
    *,
    sandbox_only: bool,
    now: datetime,
    workload_key: str = "",
    findings: Mapping[int, tuple[Finding, ...]] = MappingProxyType({}),
) -> list[OfferingFacts]:
    """Return every offering of these models with all that is known of it now.

    Args:
        slugs: of models, best liked first.
        sandbox_only: judge the simulator's lanes (test keys).
        now: the instant of the decision.
        workload_key: outcomes of this kind of work count fully, others by half; empty
            counts all of them fully.
        findings: by offering, what is known of their answers.
    """
    offerings = catalog_selectors.offerings_for_models(slugs, now=now)
    ids = [offering.offering_id for offering in offerings]
    health = OfferingHealth.objects.in_bulk(ids)
    observed = _observed(ids, workload_key=workload_key, now=now)
    queues = _Queues(job_queues.waiting(), job_queues.set_limits())
    drifts = present_drifts()
    return [
        _facts(
            offering,
            health.get(offering.offering_id),
            observed,
            queues,
            findings.get(offering.offering_id, ()),
            drifts.get(offering.offering_id),
            sandbox_only=sandbox_only,
        )
        for offering in offerings
    ]


def current_weights(*, now: datetime) -> RouteWeights:
    """Return the route version in force; the program's own where there is none."""
    row = (
        RouteVersion.objects.filter(activated_at__lte=now)
        .order_by("-activated_at", "-pk")
        .first()
    )
    if row is None:
        return RouteWeights()
    return weights.from_json(row.public_id, row.weights)


def weights_of(version_id: str) -> RouteWeights:
    """Return a route version by its public id, for replay.

    Raises:
        RouteVersion.DoesNotExist: there is none.
    """
    if version_id == RouteWeights().version_id:
        return RouteWeights()
    row = RouteVersion.objects.get(public_id=version_id)
    return weights.from_json(row.public_id, row.weights)


def _facts(
    offering: CatalogOffering,
    health: OfferingHealth | None,
    observed: Mapping[tuple[int, bool], _Observed],
    queues: _Queues,
    findings: tuple[Finding, ...],
    drift: Drift | None,
    *,
    sandbox_only: bool,
) -> OfferingFacts:
    known = {name: getattr(offering, name) for name in _CATALOG_FIELDS}
    connection = connection_for(offering.provider, sandbox_only=sandbox_only)
    can_speak = registry.speaks(offering.adapter, offering.mode)
    is_sandbox = connection is not None and connection.is_sandbox
    limits = _job_limits(offering) if can_speak else None
    seen = observed.get((offering.offering_id, is_sandbox), _NOTHING)
    if health is not None and health.is_sandbox != is_sandbox:
        # The simulator's health is not the provider's, nor the other way round.
        health = None
    queue = Queue(offering.provider, offering.provider_model, is_sandbox)
    queue_tokens_max = queues.tokens_max(queue, limits) if limits else None
    return OfferingFacts(
        **known,
        is_connected=connection is not None and can_speak,
        is_sandbox=is_sandbox,
        observed_successes=seen.successes,
        observed_failures=seen.failures,
        breaker_open_until=health.breaker_open_until if health else None,
        job_bytes_max=limits.bytes_max if limits else None,
        job_tokens_max=_least(limits.tokens_max, queue_tokens_max) if limits else None,
        queue_tokens_max=queue_tokens_max,
        queued_tokens=queues.waiting.get(queue, NOTHING).tokens if limits else 0,
        findings=findings,
        drift=drift,
    )


def _least(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)


def _job_limits(offering: CatalogOffering) -> JobLimits | None:
    if offering.mode != "batch":
        return None
    return registry.job_adapter(offering.adapter).limits


def _observed(
    ids: Collection[int], *, workload_key: str, now: datetime
) -> Mapping[tuple[int, bool], _Observed]:
    """Sum outcomes by offering and whether the simulator gave them.

    Each is worth less the older it is; an expiry counts as a failure.
    """
    today = now.date()
    same = Q(workload_key=workload_key) if workload_key else Q()
    bad = F("failures") + F("expiries")
    days = (
        RoutingOutcome.objects.filter(
            offering_id__in=ids, day__gt=today - timedelta(days=LOOK_BACK_DAYS)
        )
        .values("offering_id", "is_sandbox", "day")
        .annotate(
            good_same=Sum("successes", filter=same, default=0),
            good_all=Sum("successes"),
            bad_same=Sum(bad, filter=same, default=0),
            bad_all=Sum(bad),
        )
    )
    found: dict[tuple[int, bool], _Observed] = {}
    for day in days:
        share = 0.5 ** (max((today - day["day"]).days, 0) / OUTCOME_HALF_LIFE_DAYS)
        key = (day["offering_id"], day["is_sandbox"])
        before = found.get(key, _NOTHING)
        found[key] = _Observed(
            before.successes + share * _weighed(day["good_same"], day["good_all"]),
            before.failures + share * _weighed(day["bad_same"], day["bad_all"]),
        )
    return found


def _weighed(same: int, every: int) -> float:
    return same + OTHER_WORKLOAD_SHARE * (every - same)
