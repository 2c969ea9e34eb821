"""Write how offerings fare: one short transaction per report, never per item."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import connection, transaction

from batchrouter.kit import clock
from catalog.models import Offering
from routing import breaker
from routing.breaker import Vitals
from routing.models import OfferingHealth, RoutingOutcome

# Scores look back 14 days, operators a little further.
OUTCOMES_KEPT_DAYS: Final = 90

_ADD_OUTCOME = """
INSERT INTO routing_routingoutcome AS o (offering_id, is_sandbox, workload_key, day,
    successes, failures, expiries, latency_ms_sum)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (offering_id, is_sandbox, workload_key, day) DO UPDATE SET
    successes = o.successes + EXCLUDED.successes,
    failures = o.failures + EXCLUDED.failures,
    expiries = o.expiries + EXCLUDED.expiries,
    latency_ms_sum = o.latency_ms_sum + EXCLUDED.latency_ms_sum
"""


@dataclass(frozen=True, slots=True)
class Calls:
    """What came of calls, or of the items of a job.

    Attributes:
        successes: items that were answered.
        failures: items that the provider failed; the customer's own errors do not
            count.
        expiries: items whose provider job ended before their turn. They lower trust
            and leave the breaker alone.
        latency_ms_sum: over the answered calls; 0 is "not measured".
    """

    successes: int = 0
    failures: int = 0
    expiries: int = 0
    latency_ms_sum: int = 0


@transaction.atomic
def record(
    offering_id: int,
    seen: Calls,
    *,
    now: datetime,
    workload_key: str = "",
    is_sandbox: bool = False,
) -> None:
    """Add a report of calls to the offering's health and to its outcomes.

    Args:
        offering_id: which offering.
        seen: what came of them.
        now: when they ended.
        workload_key: what kind of work it was, where the batch says.
        is_sandbox: the simulator answered.
    """
    if seen.successes + seen.failures + seen.expiries == 0:
        return
    row = locked(offering_id, now, is_sandbox=is_sandbox)
    vitals = breaker.after_report(
        vitals_of(row),
        successes=seen.successes,
        failures=seen.failures,
        latency_ms_sum=seen.latency_ms_sum,
        now=now,
    )
    _save(row, vitals)
    with connection.cursor() as cursor:
        cursor.execute(
            _ADD_OUTCOME,
            [
                offering_id,
                is_sandbox,
                workload_key[:64],
                now.date(),
                seen.successes,
                seen.failures,
                seen.expiries,
                seen.latency_ms_sum,
            ],
        )


@transaction.atomic
def trip(
    offering_id: int,
    until: datetime | None,
    reason: str,
    *,
    now: datetime,
    is_sandbox: bool | None = None,
) -> None:
    """Open the breaker at once, for a failure that no further call can mend.

    Args:
        offering_id: which offering.
        until: at least this long; None takes the usual, growing rest.
        reason: for operators; never a provider's words.
        now: from when.
        is_sandbox: the simulator failed; None takes the row's word for it.
    """
    row = locked(offering_id, now, is_sandbox=is_sandbox)
    _save(row, breaker.opened(vitals_of(row), reason=reason, now=now, until=until))


@transaction.atomic
def trip_provider(
    provider: str, reason: str, *, now: datetime, is_sandbox: bool = False
) -> None:
    """Open the breakers of all lanes of a provider that refuses our account.

    What rests already keeps its time, so that all refusals of one moment count as one.

    Args:
        provider: its key in the catalog.
        reason: for operators; never a provider's words.
        now: from when.
        is_sandbox: the simulator refused.
    """
    ids = sorted(
        Offering.objects.filter(provider__key=provider).values_list("pk", flat=True)
    )
    for row in _all_locked(ids, now):
        _keep_apart(row, is_sandbox=is_sandbox, now=now)
        vitals = vitals_of(row)
        if vitals.state(now) != "open":
            _save(row, breaker.opened(vitals, reason=reason, now=now))


@transaction.atomic
def note_lane(
    offering_id: int,
    *,
    failure_kinds: Collection[str],
    now: datetime,
) -> None:
    """Remember for operators what a worker saw of a lane; nothing is decided by it.

    Args:
        offering_id: which offering.
        failure_kinds: of :class:`routing.failures.FailureKind`.
        now: when it was seen.
    """
    if not failure_kinds:
        return
    row = locked(offering_id, now)
    row.last_failures |= dict.fromkeys(failure_kinds, clock.iso(now))
    row.save(update_fields=["last_failures"])


@transaction.atomic
def close(offering_id: int, *, now: datetime) -> None:
    """Forget what was counted and take the offering back at once (operators)."""
    _save(locked(offering_id, now), breaker.unknown(now))


def locked(
    offering_id: int, now: datetime, *, is_sandbox: bool | None = None
) -> OfferingHealth:
    """Lock an offering's row, made where it is missing; call in a transaction.

    Args:
        offering_id: which offering.
        now: the instant.
        is_sandbox: whose answers are to be added: what others gave is forgotten. None
            takes the row as it is.
    """
    (row,) = _all_locked([offering_id], now)
    if is_sandbox is not None:
        _keep_apart(row, is_sandbox=is_sandbox, now=now)
    return row


def _keep_apart(row: OfferingHealth, *, is_sandbox: bool, now: datetime) -> None:
    """Begin anew where the simulator's answers and a live provider's would mix."""
    if row.is_sandbox == is_sandbox:
        return
    row.is_sandbox = is_sandbox
    row.window_calls = row.paused_until = row.halved_at = None
    row.last_failures = {}
    _save(row, breaker.unknown(now))


def _all_locked(ids: Sequence[int], now: datetime) -> list[OfferingHealth]:
    """Lock the rows of offerings in the order of their ids, made where missing."""
    OfferingHealth.objects.bulk_create(
        [OfferingHealth(offering_id=pk, updated_at=now) for pk in ids],
        ignore_conflicts=True,
    )
    rows = OfferingHealth.objects.filter(pk__in=ids).order_by("pk")
    return list(rows.select_for_update())


def vitals_of(row: OfferingHealth) -> Vitals:
    """Return a row as a value."""
    return Vitals(
        successes=row.recent_successes,
        failures=row.recent_failures,
        latency_ms=row.latency_ms,
        open_until=row.breaker_open_until,
        reason=row.breaker_reason,
        trips=row.trips,
        updated_at=row.updated_at,
    )


def _save(row: OfferingHealth, vitals: Vitals) -> None:
    row.recent_successes = vitals.successes
    row.recent_failures = vitals.failures
    row.latency_ms = vitals.latency_ms
    row.breaker_open_until = vitals.open_until
    row.breaker_reason = vitals.reason
    row.trips = vitals.trips
    row.updated_at = vitals.updated_at
    row.save()


def forget_old(*, now: datetime) -> None:
    """Delete outcomes that nothing looks at any more."""
    before = now.date() - timedelta(days=OUTCOMES_KEPT_DAYS)
    RoutingOutcome.objects.filter(day__lt=before).delete()
