"""Write down how tries ended: many at once, fenced by the lease."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from django.db import connection, transaction

from batches.delivery import disabling
from batches.delivery.claims import Claimed
from batches.delivery.schedule import endpoint_pause, next_pause
from batches.delivery.verdicts import Outcome, Verdict
from batches.engine.lifecycle import record_event
from batches.models import DisabledReason, EventType, WebhookEndpoint
from batches.states import DeliveryState


@dataclass(frozen=True, slots=True)
class Ended:
    """One try and how it ended."""

    claimed: Claimed
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class _Move:
    """Where a delivery goes; ``pause_seconds`` counts from the database's now."""

    ended: Ended
    state: DeliveryState
    pause_seconds: float


_ATTEMPTS = """
UPDATE batches_webhookattempt a
   SET outcome = v.outcome, status_code = v.status_code, duration_ms = v.duration_ms,
       ended_at = %s
  FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::smallint[], %s::int[])
       AS v (delivery_id, no, outcome, status_code, duration_ms)
 WHERE a.delivery_id = v.delivery_id AND a.no = v.no
"""
# house: allow state-by-advance because the lease must be ours in the same statement
_DELIVERIES = f"""
UPDATE batches_webhookdelivery d
   SET state = v.state, state_at = clock_timestamp(), tries = d.tries + 1,
       next_attempt_at = clock_timestamp() + make_interval(secs => v.pause),
       lease_token = NULL, lease_until = NULL, error = v.error
  FROM unnest(%s::bigint[], %s::uuid[], %s::text[], %s::float8[], %s::text[])
       AS v (id, token, state, pause, error)
 WHERE d.id = v.id AND d.lease_token = v.token AND d.state = '{DeliveryState.SENDING}'
RETURNING d.id
"""  # noqa: S608 # constants of ours only


@transaction.atomic
def write_down(ended: Sequence[Ended], *, now: datetime, chance: Random) -> None:
    """Record tries, move their deliveries, and let endpoints' breakers know.

    A delivery whose lease was lost meanwhile is not moved: it is somebody else's.
    """
    moves = [_move_of(one, chance) for one in ended]
    # Deliveries before tries, as who takes them back does: else both wait in a circle.
    kept = _move(moves)
    _write_attempts(ended, now)
    _tell_endpoints(ended, now=now, chance=chance)
    _tell_timelines((move for move in moves if _id(move) in kept), now=now)


def _id(move: _Move) -> int:
    return move.ended.claimed.delivery_id


def _move_of(ended: Ended, chance: Random) -> _Move:
    claimed, verdict = ended.claimed, ended.verdict
    if verdict.is_success:
        return _Move(ended, DeliveryState.DELIVERED, 0.0)
    if verdict.outcome == Outcome.GONE:
        return _Move(ended, DeliveryState.FAILED, 0.0)
    pause = next_pause(
        claimed.tries + 1,
        retry_after_seconds=verdict.retry_after_seconds,
        left_seconds=claimed.left_seconds,
        chance=chance,
    )
    if pause is None:
        return _Move(ended, DeliveryState.FAILED, 0.0)
    return _Move(ended, DeliveryState.PENDING, pause)


def _write_attempts(ended: Sequence[Ended], now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            _ATTEMPTS,
            [
                now,
                [one.claimed.delivery_id for one in ended],
                [one.claimed.no for one in ended],
                [str(one.verdict.outcome) for one in ended],
                [one.verdict.status_code for one in ended],
                [one.verdict.duration_ms for one in ended],
            ],
        )


def _move(moves: Sequence[_Move]) -> set[int]:
    """Move the deliveries that are still ours and return their ids."""
    errors = [
        "" if move.state == DeliveryState.DELIVERED else str(move.ended.verdict.outcome)
        for move in moves
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            _DELIVERIES,
            [
                [_id(move) for move in moves],
                [move.ended.claimed.lease_token for move in moves],
                [str(move.state) for move in moves],
                [move.pause_seconds for move in moves],
                errors,
            ],
        )
        return {row[0] for row in cursor.fetchall()}


def _tell_endpoints(ended: Sequence[Ended], *, now: datetime, chance: Random) -> None:
    of_endpoint: dict[int, list[Verdict]] = defaultdict(list)
    for one in ended:
        of_endpoint[one.claimed.endpoint_id].append(one.verdict)
    failing = [
        endpoint_id
        for endpoint_id, verdicts in of_endpoint.items()
        if not all(verdict.is_success for verdict in verdicts)
    ]
    # Locked in one order; an endpoint that fares well as before is not written at all.
    rows = WebhookEndpoint.objects.filter(pk__in=list(of_endpoint)).order_by("pk")
    troubled = rows.filter(pk__in=failing) | rows.filter(failures__gt=0)
    for endpoint in troubled.select_for_update(no_key=True):
        _tell(endpoint, of_endpoint[endpoint.pk], now=now, chance=chance)


def _tell(
    endpoint: WebhookEndpoint,
    verdicts: Iterable[Verdict],
    *,
    now: datetime,
    chance: Random,
) -> None:
    for verdict in verdicts:
        if verdict.is_success:
            endpoint.failures = 0
            endpoint.failing_since = endpoint.held_until = None
            continue
        endpoint.failures += 1
        endpoint.failing_since = endpoint.failing_since or now
        pause = endpoint_pause(
            endpoint.failures,
            retry_after_seconds=verdict.retry_after_seconds,
            chance=chance,
        )
        if pause:
            endpoint.held_until = now + timedelta(seconds=pause)
    endpoint.save(update_fields=["failures", "failing_since", "held_until"])
    if any(verdict.outcome == Outcome.GONE for verdict in verdicts):
        disabling.disable(endpoint, DisabledReason.GONE, now=now)
    elif disabling.has_failed_too_long(endpoint, now=now):
        disabling.disable(endpoint, DisabledReason.FAILING, now=now)


def _tell_timelines(moves: Iterable[_Move], *, now: datetime) -> None:
    for move in moves:
        claimed = move.ended.claimed
        is_end = move.state in {DeliveryState.DELIVERED, DeliveryState.FAILED}
        # Progress comes every half minute: its deliveries would bury the rest.
        is_noise = claimed.event_type == EventType.BATCH_PROGRESS
        if claimed.batch_id is None or not is_end or is_noise:
            continue
        record_event(
            claimed.batch_id,
            f"webhook.{move.state}",
            {
                "delivery_id": claimed.public_id,
                "event": claimed.event_type,
                "attempts": claimed.no,
                "outcome": str(move.ended.verdict.outcome),
            },
            now=now,
        )
