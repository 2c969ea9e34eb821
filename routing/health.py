"""Write how offerings fare: one short transaction per report, never per item."""

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import connection, transaction

from batchrouter.kit import clock
from catalog.models import Offering
from routing import breaker
from routing.breaker import Vitals
from routing.models import OfferingHealth

_ADD_OUTCOME = """
INSERT INTO routing_routingoutcome AS o (offering_id, workload_key, day, successes,
    failures, expiries, latency_ms_sum)
VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (offering_id, workload_key, day) DO UPDATE SET
    successes = o.successes + EXCLUDED.successes,
    failures = o.failures + EXCLUDED.failures,
    expiries = o.expiries + EXCLUDED.expiries,
    latency_ms_sum = o.latency_ms_sum + EXCLUDED.latency_ms_sum
"""


@transaction.atomic
def record(
    offering_id: int,
    *,
    successes: int,
    failures: int,
    latency_ms_sum: int,
    now: datetime,
    expiries: int = 0,
    workload_key: str = "",
) -> None:
    """Add a report of calls to the offering's health and to its outcomes.

    Args:
        offering_id: which offering.
        successes: items that were answered.
        failures: items that the provider failed; the customer's own errors do not
            count.
        latency_ms_sum: over the answered calls; 0 is "not measured".
        now: when they ended.
        expiries: items whose provider job ended before their turn. They lower trust
            and leave the breaker alone.
        workload_key: what kind of work it was, where the batch says.
    """
    if successes + failures + expiries == 0:
        return
    row = _locked(offering_id, now)
    vitals = breaker.after_report(
        vitals_of(row),
        successes=successes,
        failures=failures,
        latency_ms_sum=latency_ms_sum,
        now=now,
    )
    _save(row, vitals)
    with connection.cursor() as cursor:
        cursor.execute(
            _ADD_OUTCOME,
            [
                offering_id,
                workload_key[:64],
                now.date(),
                successes,
                failures,
                expiries,
                latency_ms_sum,
            ],
        )


@transaction.atomic
def trip(
    offering_id: int, until: datetime | None, reason: str, *, now: datetime
) -> None:
    """Open the breaker at once, for a failure that no further call can mend.

    Args:
        offering_id: which offering.
        until: at least this long; None takes the usual, growing rest.
        reason: for operators; never a provider's words.
        now: from when.
    """
    row = _locked(offering_id, now)
    _save(row, breaker.opened(vitals_of(row), reason=reason, now=now, until=until))


@transaction.atomic
def trip_provider(provider: str, reason: str, *, now: datetime) -> None:
    """Open the breakers of all lanes of a provider that refuses our account.

    What rests already keeps its time, so that all refusals of one moment count as one.

    Args:
        provider: its key in the catalog.
        reason: for operators; never a provider's words.
        now: from when.
    """
    ids = sorted(
        Offering.objects.filter(provider__key=provider).values_list("pk", flat=True)
    )
    for row in _all_locked(ids, now):
        vitals = vitals_of(row)
        if vitals.state(now) != "open":
            _save(row, breaker.opened(vitals, reason=reason, now=now))


@transaction.atomic
def note_lane(
    offering_id: int,
    *,
    window_calls: int | None,
    failure_kinds: Collection[str],
    now: datetime,
) -> None:
    """Remember for operators what a worker saw of a lane; nothing is decided by it.

    Args:
        offering_id: which offering.
        window_calls: how many calls at once the worker allows itself; None where the
            lane has no window.
        failure_kinds: of :class:`routing.failures.FailureKind`.
        now: when it was seen.
    """
    if window_calls is None and not failure_kinds:
        return
    row = _locked(offering_id, now)
    if window_calls is not None:
        row.window_calls = window_calls
    row.last_failures |= dict.fromkeys(failure_kinds, clock.iso(now))
    row.save(update_fields=["window_calls", "last_failures"])


@transaction.atomic
def close(offering_id: int, *, now: datetime) -> None:
    """Forget what was counted and take the offering back at once (operators)."""
    _save(_locked(offering_id, now), breaker.unknown(now))


def _locked(offering_id: int, now: datetime) -> OfferingHealth:
    (row,) = _all_locked([offering_id], now)
    return row


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
