"""The optimization report, as far as settled batches can tell it.

Without an imported baseline there are no savings to claim: ``baseline`` is null and the
report says what our own batches cost and how they went.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from accounts.models import Org
from batchrouter.kit import clock
from batchrouter.kit.money import format_usd

WINDOW = timedelta(days=30)
PROVIDERS = ("openai", "anthropic")

_TREND = """
SELECT date_trunc('day', completed_at)::date, count(*), sum(item_count),
       sum(charged_nanousd)
  FROM batches_batch
 WHERE org_id = %s AND completed_at >= %s AND charged_nanousd IS NOT NULL
 GROUP BY 1 ORDER BY 1
"""

_UNITS = """
SELECT count(*), count(*) FILTER (WHERE u.stage > 0)
  FROM batches_workunit u JOIN batches_batch b ON b.id = u.batch_id
 WHERE b.org_id = %s AND b.completed_at >= %s AND u.state <> 'split'
"""

_FAILED_CHECKS = """
SELECT coalesce(sum((e.failures->>'verification_failed')::bigint), 0),
       coalesce(sum(e.item_count), 0)
  FROM batches_execution e JOIN batches_batch b ON b.id = e.batch_id
 WHERE b.org_id = %s AND b.completed_at >= %s
"""


def optimization_report(
    org: Org, *, import_provider: str, now: datetime
) -> dict[str, Any]:
    """Report on an organization's last 30 days."""
    since = now - WINDOW
    units, moved = _one(_UNITS, org, since)
    failed, attempts = _one(_FAILED_CHECKS, org, since)
    return {
        "import_provider": import_provider,
        "window": {"from": clock.iso(since), "to": clock.iso(now)},
        "baseline": None,
        "baseline_reason": f"No past {import_provider} jobs were imported, so there is "
        "nothing to compare with.",
        "baseline_cost_trend": [],
        "optimized_cost_trend": _trend(org, since),
        "savings_realized": None,
        "provider_quality_drift": [],
        "fallback_frequency": {
            "work_units": units,
            "moved": moved,
            "rate": round(moved / units, 4) if units else None,
        },
        "verification_failures": {
            "count": failed,
            "rate": round(failed / attempts, 4) if attempts else None,
        },
        "recommended_next_route_change": None,
    }


def _trend(org: Org, since: datetime) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(_TREND, [org.pk, since])
        return [
            {
                "day": day.isoformat(),
                "batches": batches,
                "items": int(items),
                "cost": format_usd(int(charged)),
            }
            for day, batches, items, charged in cursor.fetchall()
        ]


def _one(sql: str, org: Org, since: datetime) -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, [org.pk, since])
        first, second = cursor.fetchone()
    return int(first), int(second)
