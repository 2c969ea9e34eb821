"""What routing is told of offerings' answers: decayed sums, without orgs or batches."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Final

import orjson
from django.db import connection

from accounts.models import Org
from batches.models import WHOLE
from routing.contracts import Finding

LOOK_BACK_DAYS: Final = 90
HALF_LIFE_DAYS: Final = 14.0
# Of one other org no more than this counts for an offering, by source: nobody sinks a
# lane for all by rejecting everything, or by checks that no answer can pass.
OTHER_ORG_MAX: Final = {
    "feedback": 10,
    "rating": 10,
    "verification": 100,
    "golden": 100,
}

_PLACES: Final = 6

_FINDINGS = """
WITH decayed AS (
  SELECT offering_id, source, org_id, workload_key = %(key)s AS is_same,
         passed, repaired, failed,
         power(0.5::float8, greatest(%(today)s::date - day, 0)
                            / %(half_life)s::float8) AS worth
    FROM batches_qualityday
   WHERE check_name = %(whole)s AND model = ANY(%(models)s)
     AND day > %(today)s::date - %(look_back)s
), by_org AS (
  SELECT offering_id, source, org_id = %(org)s AS is_own, is_same,
         sum(passed * worth) AS passed, sum(repaired * worth) AS repaired,
         sum(failed * worth) AS failed
    FROM decayed GROUP BY offering_id, source, org_id, is_same
), bounded AS (
  SELECT *, CASE WHEN is_own THEN 1.0 ELSE
         least(1.0, (%(most)s::jsonb ->> source)::float
               / nullif(passed + repaired + failed, 0)) END AS share
    FROM by_org
)
SELECT offering_id, source, is_own, is_same, sum(passed * share),
       sum(repaired * share), sum(failed * share)
  FROM bounded GROUP BY offering_id, source, is_own, is_same
 ORDER BY offering_id, source, is_own, is_same
"""


def findings_of(
    org: Org, models: Collection[str], *, workload_key: str, now: datetime
) -> dict[int, tuple[Finding, ...]]:
    """Return what is known of the answers of every offering of some models.

    Args:
        org: who asks; its own answers are told apart from those of all others.
        models: slugs.
        workload_key: the kind of work that is asked for.
        now: an answer counts half as much for every ``HALF_LIFE_DAYS`` of its age.
    """
    found: dict[int, list[Finding]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            _FINDINGS,
            {
                "org": org.pk,
                "key": workload_key,
                "models": list(models),
                "today": now.date(),
                "look_back": LOOK_BACK_DAYS,
                "half_life": HALF_LIFE_DAYS,
                "whole": WHOLE,
                "most": orjson.dumps(OTHER_ORG_MAX).decode(),
            },
        )
        for offering_id, source, is_own, is_same, *counts in cursor.fetchall():
            passed, repaired, failed = (round(count, _PLACES) for count in counts)
            if passed or repaired or failed:
                found[offering_id].append(
                    Finding(source, is_own, is_same, passed, repaired, failed)
                )
    return {offering_id: tuple(every) for offering_id, every in found.items()}
