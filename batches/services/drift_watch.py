"""Look for lanes that answer worse than they used to, from the sums by day."""

from collections import defaultdict
from datetime import datetime

from django.db import connection

from batches.models import WHOLE, QualitySource
from routing import drift, drifts
from routing.drift import DayOfWork
from routing.models import OfferingDrift

# Verdicts are left out: how many rows a customer judges changes from week to week.
SOURCES = (QualitySource.VERIFICATION, QualitySource.GOLDEN)
# Of one org's answers on one day no more than this count.
ORG_ANSWERS_MAX = 200

# Where three orgs or more were served on a day, the one with the most failures is left
# out, before a change as after it: one customer's bad prompt is no drift of the lane.
_DAYS = """
WITH bounded AS (
  SELECT offering_id, source, day, workload_key, org_id,
         (passed + repaired * 0.5) * share AS good,
         (failed + repaired * 0.5) * share AS bad
    FROM (SELECT *, least(1.0, %(most)s::float / (passed + repaired + failed)) AS share
            FROM batches_qualityday
           WHERE check_name = %(whole)s AND source = ANY(%(sources)s)
             AND day > %(today)s::date - %(days)s
             AND passed + repaired + failed > 0) q
), by_org AS (
  SELECT offering_id, source, day, org_id,
         row_number() OVER (PARTITION BY offering_id, source, day
                                ORDER BY sum(bad) DESC, org_id) AS place,
         count(*) OVER (PARTITION BY offering_id, source, day) AS org_count
    FROM bounded GROUP BY offering_id, source, day, org_id
)
SELECT offering_id, source, day, workload_key, sum(good), sum(bad)
  FROM bounded JOIN by_org USING (offering_id, source, day, org_id)
 WHERE place > 1 OR org_count < 3
 GROUP BY offering_id, source, day, workload_key
"""


def watch_drift(*, now: datetime) -> None:
    """Open and end drifts; safe to repeat at any time."""
    works: dict[tuple[int, str], list[DayOfWork]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            _DAYS,
            {
                "most": ORG_ANSWERS_MAX,
                "whole": WHOLE,
                "sources": [str(source) for source in SOURCES],
                "today": now.date(),
                "days": drift.WINDOW_DAYS,
            },
        )
        for offering_id, source, day, key, good, bad in cursor.fetchall():
            works[offering_id, source].append(DayOfWork(day, key, good, bad))
    found = {which: drift.detect(days) for which, days in works.items()}
    rows = OfferingDrift.objects.filter(ended_at=None)
    was_on = set(rows.values_list("offering_id", "source"))
    is_on = {which for which, present in found.items() if present is not None}
    for offering_id, source in sorted(was_on | is_on):
        drifts.note(offering_id, source, found.get((offering_id, source)), now=now)
