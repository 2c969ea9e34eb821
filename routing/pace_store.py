"""Share an offering's pace among all workers: the database decides, the cache tells.

A report locks the offering's row, so that no two are lost in each other. The outcome
goes into the cache, which is Redis in production, where the others look several times a
second; without the cache they learn it from their own next report.
"""

import logging
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from django.core.cache import cache
from django.db import DatabaseError, transaction
from redis import RedisError

from routing import health, pacing
from routing.models import OfferingHealth
from routing.pacing import Pace, PaceReport

log = logging.getLogger(__name__)

_KEPT_SECONDS: Final = 120
_KEY: Final = "pace:{}"


@transaction.atomic
def report(
    offering_id: int,
    seen: PaceReport,
    *,
    ceiling_calls: int,
    now: datetime,
    is_sandbox: bool = False,
) -> Pace:
    """Add what a worker saw and return what then holds for all of them.

    Args:
        offering_id: which offering.
        seen: since the worker's last report.
        ceiling_calls: of all workers that use it.
        now: the instant.
        is_sandbox: the simulator plays it.
    """
    row = health.locked(offering_id, now, is_sandbox=is_sandbox)
    pace = pacing.after_report(pace_of(row), seen, ceiling_calls=ceiling_calls, now=now)
    row.window_calls = round(pace.limit_calls)
    row.paused_until = pace.paused_until
    row.halved_at = pace.halved_at
    row.pace_revision = pace.revision
    row.save(
        update_fields=["window_calls", "paused_until", "halved_at", "pace_revision"]
    )
    transaction.on_commit(lambda: _tell(offering_id, pace))
    return pace


def heard(offering_ids: Collection[int]) -> Mapping[int, Pace]:
    """Return what the cache tells of these offerings; nothing where it is down."""
    names = {_KEY.format(pk): pk for pk in offering_ids}
    try:
        found = cache.get_many(names)
    except (RedisError, DatabaseError, OSError):
        return {}
    told = {names[name]: _from_text(text) for name, text in found.items()}
    return {pk: pace for pk, pace in told.items() if pace is not None}


def pace_of(row: OfferingHealth) -> Pace:
    """Return a row's pace as a value; one that nobody used has the first."""
    return Pace(
        limit_calls=float(row.window_calls or pacing.START_CALLS),
        paused_until=row.paused_until,
        halved_at=row.halved_at,
        revision=row.pace_revision,
    )


def _tell(offering_id: int, pace: Pace) -> None:
    try:
        cache.set(_KEY.format(offering_id), _to_text(pace), _KEPT_SECONDS)
    except (RedisError, DatabaseError, OSError):
        log.warning("the cache did not take the pace of offering %s", offering_id)


def _to_text(pace: Pace) -> str:
    until = pace.paused_until.isoformat() if pace.paused_until else ""
    return f"{pace.revision} {pace.limit_calls} {until}"


def _from_text(text: object) -> Pace | None:
    """Read what another worker told; what an older program wrote may be nothing."""
    try:
        revision, limit, until = str(text).split(" ")
        return Pace(
            limit_calls=max(float(limit), 1.0),
            paused_until=datetime.fromisoformat(until) if until else None,
            revision=int(revision),
        )
    except ValueError:
        return None
