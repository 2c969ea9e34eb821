"""Take due deliveries, write the tries down, find what a dead worker left.

Endpoints are walked, not deliveries: a claim costs the same however much waits for one
of them, takes a few of each at most, and none of an endpoint whose breaker is open. One
worker claims at a time, so that what it counts as under way is all there is.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection, transaction

from batches.delivery.schedule import BREAKER_FAILURES, GIVE_UP_SECONDS
from batches.delivery.verdicts import Outcome
from batches.models import WebhookAttempt
from batches.states import DeliveryState

# Calls to one endpoint at once; a failing one is asked by a single call.
PER_ENDPOINT: Final = 4
_CLAIM_LOCK: Final = 7_236_001  # of this statement alone


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that this worker holds until its lease runs out.

    Attributes:
        sealed: the batch's own secret, or the organization's.
        sealed_before: the organization's earlier one while it holds; else empty.
        tries: whose end is known, before this one.
        left_seconds: until it is given up.
    """

    delivery_id: int
    public_id: str
    no: int
    tries: int
    org_id: int
    batch_id: int | None
    endpoint_id: int
    url: str
    event_id: str
    event_type: str
    body: str
    sealed: str
    sealed_before: str
    lease_token: uuid.UUID
    left_seconds: float


# The distinct endpoints of the pending rows, one index probe each.
_WAITING = f"""
WITH RECURSIVE waiting AS (
  (SELECT endpoint_id FROM batches_webhookdelivery
    WHERE state = '{DeliveryState.PENDING}' ORDER BY endpoint_id LIMIT 1)
  UNION ALL
  SELECT (SELECT d.endpoint_id FROM batches_webhookdelivery d
           WHERE d.state = '{DeliveryState.PENDING}' AND d.endpoint_id > w.endpoint_id
           ORDER BY d.endpoint_id LIMIT 1)
    FROM waiting w WHERE w.endpoint_id IS NOT NULL
)"""  # noqa: S608 # constants of ours only
_OPEN = f"""{_WAITING}, busy AS (
  SELECT endpoint_id, count(*) AS sending FROM batches_webhookdelivery
   WHERE state = '{DeliveryState.SENDING}' GROUP BY endpoint_id
), open AS (
  SELECT e.id, CASE WHEN e.failures >= {BREAKER_FAILURES} THEN 1 ELSE {PER_ENDPOINT} END
               - coalesce(b.sending, 0) AS room
    FROM waiting w JOIN batches_webhookendpoint e ON e.id = w.endpoint_id
    LEFT JOIN busy b ON b.endpoint_id = e.id
   WHERE e.disabled_at IS NULL
     AND (e.held_until IS NULL OR e.held_until <= clock_timestamp())
), due AS (
  SELECT d.id, d.next_attempt_at FROM open o CROSS JOIN LATERAL (
    SELECT x.id, x.next_attempt_at FROM batches_webhookdelivery x
     WHERE x.endpoint_id = o.id AND x.state = '{DeliveryState.PENDING}'
       AND x.next_attempt_at <= clock_timestamp()
     ORDER BY x.next_attempt_at, x.id LIMIT greatest(o.room, 0)) d
)"""  # noqa: S608 # constants of ours only
# house: allow state-by-advance because one statement picks, moves and leases
_CLAIM = f"""{_OPEN}, pick AS (
  SELECT id FROM due ORDER BY next_attempt_at, id LIMIT %(limit)s
), said AS (
  SELECT d.id, e.url, v.public_id AS event_id, v.type, v.body,
         coalesce(b.webhook_secret, s.sealed, '') AS sealed,
         CASE WHEN b.id IS NULL AND s.before_until > clock_timestamp()
              THEN s.sealed_before ELSE '' END AS sealed_before
    FROM pick JOIN batches_webhookdelivery d ON d.id = pick.id
    JOIN batches_webhookevent v ON v.id = d.event_id
    JOIN batches_webhookendpoint e ON e.id = d.endpoint_id
    LEFT JOIN batches_batch b ON b.id = d.batch_id AND b.webhook_secret <> ''
                             AND b.webhook_endpoint_id = d.endpoint_id
    LEFT JOIN batches_webhooksecret s ON s.org_id = d.org_id
)
UPDATE batches_webhookdelivery d
   SET state = '{DeliveryState.SENDING}', state_at = clock_timestamp(),
       lease_token = %(token)s::uuid, attempts = d.attempts + 1,
       lease_until = clock_timestamp() + make_interval(secs => %(lease)s),
       give_up_at = coalesce(d.give_up_at, clock_timestamp()
                             + make_interval(secs => {GIVE_UP_SECONDS}))
  FROM said WHERE said.id = d.id AND d.state = '{DeliveryState.PENDING}'
RETURNING d.id, d.public_id, d.attempts, d.tries, d.org_id, d.batch_id, d.endpoint_id,
          said.url, said.event_id, said.type, said.body, said.sealed,
          said.sealed_before, d.lease_token,
          extract(epoch FROM d.give_up_at - clock_timestamp())::float8
"""  # noqa: S608 # constants of ours only


@transaction.atomic
def claim(*, limit: int, lease_seconds: int, now: datetime) -> list[Claimed]:
    """Take the leases of up to ``limit`` due deliveries, and write their tries down."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_CLAIM_LOCK])
        token = str(uuid.uuid4())
        cursor.execute(_CLAIM, {"limit": limit, "token": token, "lease": lease_seconds})
        claimed = [Claimed(*row) for row in cursor.fetchall()]
    WebhookAttempt.objects.bulk_create(
        WebhookAttempt(delivery_id=one.delivery_id, no=one.no, started_at=now)
        for one in claimed
    )
    return claimed


_ANY_DUE = f"{_OPEN} SELECT EXISTS (SELECT 1 FROM due)"  # noqa: S608 # as above


def any_due() -> bool:
    """Tell whether a delivery waits for a worker."""
    with connection.cursor() as cursor:
        cursor.execute(_ANY_DUE)
        row: tuple[bool] = cursor.fetchone()
    return row[0]


# house: allow state-by-advance because the lease must have run out in the same moment
_TAKE_BACK = f"""
UPDATE batches_webhookdelivery
   SET state = '{DeliveryState.PENDING}', state_at = clock_timestamp(),
       next_attempt_at = clock_timestamp(), lease_token = NULL, lease_until = NULL,
       error = '{Outcome.UNKNOWN}'
 WHERE id IN (SELECT id FROM batches_webhookdelivery
               WHERE state = '{DeliveryState.SENDING}'
                 AND lease_until < clock_timestamp() FOR UPDATE SKIP LOCKED)
RETURNING id
"""  # noqa: S608 # constants of ours only


@transaction.atomic
def take_back_lost(*, now: datetime) -> int:
    """Queue what dead workers held anew, and return how many.

    The try counts for nothing: it may never have been made, and what was committed is
    told at least once. One whose late end is being written down just now is left to it.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_BACK)
        lost = [row[0] for row in cursor.fetchall()]
    WebhookAttempt.objects.filter(delivery__in=lost, ended_at=None).update(
        outcome=Outcome.UNKNOWN, ended_at=now
    )
    return len(lost)
