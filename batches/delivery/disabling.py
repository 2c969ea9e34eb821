"""An endpoint that takes nothing more: what waits for it ends, its people are told."""

from datetime import datetime, timedelta

from django.db import connection

from batches.delivery.letters import tell_disabled
from batches.delivery.schedule import FAILING_MAX_SECONDS
from batches.delivery.verdicts import Outcome
from batches.models import DisabledReason, WebhookEndpoint
from batches.states import DeliveryState

# house: allow state-by-advance because thousands may wait for one endpoint
_END_WAITING = f"""
UPDATE batches_webhookdelivery
   SET state = '{DeliveryState.FAILED}', state_at = clock_timestamp(),
       error = '{Outcome.ENDPOINT_DISABLED}'
 WHERE endpoint_id = %s AND state = '{DeliveryState.PENDING}'
"""  # noqa: S608 # constants of ours only
# house: allow state-by-advance because thousands may be late together
_END_LATE = f"""
UPDATE batches_webhookdelivery
   SET state = '{DeliveryState.FAILED}', state_at = clock_timestamp(),
       error = '{Outcome.EXPIRED}'
 WHERE state = '{DeliveryState.PENDING}' AND give_up_at < clock_timestamp()
"""  # noqa: S608 # constants of ours only
# house: allow state-by-advance because thousands may wait for one endpoint
_END_FORSAKEN = f"""
UPDATE batches_webhookdelivery d
   SET state = '{DeliveryState.FAILED}', state_at = clock_timestamp(),
       error = '{Outcome.ENDPOINT_DISABLED}'
  FROM batches_webhookendpoint e
 WHERE e.id = d.endpoint_id AND e.disabled_at IS NOT NULL
   AND d.state = '{DeliveryState.PENDING}'
"""  # noqa: S608 # constants of ours only


def has_failed_too_long(endpoint: WebhookEndpoint, *, now: datetime) -> bool:
    """Tell whether an endpoint has had no success for days."""
    since = endpoint.failing_since
    return since is not None and now - since >= timedelta(seconds=FAILING_MAX_SECONDS)


def disable(
    endpoint: WebhookEndpoint, reason: DisabledReason, *, now: datetime
) -> None:
    """Send an endpoint nothing more, in the transaction that locked it; once."""
    if endpoint.disabled_at is not None:
        return
    endpoint.disabled_at, endpoint.disabled_reason = now, reason
    endpoint.save(update_fields=["disabled_at", "disabled_reason"])
    with connection.cursor() as cursor:
        cursor.execute(_END_WAITING, [endpoint.pk])
    tell_disabled(endpoint, now=now)


def end_late() -> int:
    """Give up what the breaker held back for longer than its day; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(_END_LATE)
        return int(cursor.rowcount)


def end_forsaken() -> int:
    """End what came to wait for an endpoint while it was disabled; return how many.

    An event that was written at that instant, or a try that was under way, is not seen
    by :func:`disable`, and nobody would claim it any more.
    """
    with connection.cursor() as cursor:
        cursor.execute(_END_FORSAKEN)
        return int(cursor.rowcount)
