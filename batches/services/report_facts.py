"""What the optimization report reads: sums by day of one org, never rows."""

from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from django.db import connection

from accounts.models import Org
from batches.drift import WeekOfModel
from batches.imports.kinds import EXPORT_KINDS, JOB_KINDS
from batches.models import WHOLE, QualitySource
from batches.recommending import Tried
from batches.savings import ImportedSum, SettledSum

DRIFT_WEEKS: Final = 8


class DayOfBatches(NamedTuple):
    """The batches of one day, charged with the fee."""

    day: date
    batches: int
    items: int
    charged_nanousd: int
    work_units: int
    moved_units: int


class CheckCount(NamedTuple):
    """What one check found of answers, every try counted."""

    check_name: str
    failed: int
    checked: int


_IMPORTED = """
SELECT i.provider, d.day, d.model, d.mode, d.operation, i.kind = ANY(%s),
       sum(d.items), sum(d.input_tokens), sum(d.output_tokens),
       sum(d.input_numerator), sum(d.output_numerator), sum(d.cost_nanousd)
  FROM batches_importedday d JOIN batches_import i ON i.id = d.imported_id
 WHERE i.org_id = %s AND (%s::text IS NULL OR i.provider = %s)
 GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
"""
_JOBS = """
SELECT count(*) FROM batches_import i
 WHERE i.org_id = %s AND i.provider = %s AND i.kind = ANY(%s)
   AND EXISTS (SELECT 1 FROM batches_importedday d WHERE d.imported_id = i.id)
"""
_DAYS = """
SELECT day, batches, items, charged_nanousd, work_units, moved_units
  FROM batches_settledday WHERE org_id = %s AND day >= %s ORDER BY day
"""
_WORK = """
SELECT day, provider, model, operation, workload_key, sum(items), sum(input_tokens),
       sum(output_tokens), sum(charge_nanousd)
  FROM batches_settledwork WHERE org_id = %s AND day >= %s
 GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
"""
_WORK_BY_DAY = """
SELECT d.day, d.batches, d.items, d.charged_nanousd, d.work_units, d.moved_units,
       w.day, w.provider, w.model, w.operation, w.workload_key, w.items,
       w.input_tokens, w.output_tokens, w.charge_nanousd
  FROM batches_settledday d
  LEFT JOIN (
       SELECT day, provider, model, operation, workload_key, sum(items) AS items,
              sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
              sum(charge_nanousd) AS charge_nanousd
         FROM batches_settledwork WHERE org_id = %(org)s AND day >= %(since)s
        GROUP BY day, provider, model, operation, workload_key) w ON w.day = d.day
 WHERE d.org_id = %(org)s AND d.day >= %(since)s
 ORDER BY d.day, w.provider, w.model, w.operation, w.workload_key
"""
_CHECKS = """
SELECT check_name, sum(failed), sum(passed + repaired + failed)
  FROM batches_qualityday
 WHERE org_id = %s AND day >= %s AND source = %s
 GROUP BY 1 ORDER BY 1
"""
_WEEKS = """
SELECT provider, model, date_trunc('week', day)::date, sum(passed + repaired),
       sum(failed)
  FROM batches_qualityday
 WHERE org_id = %s AND day >= %s AND check_name = %s AND source = ANY(%s)
 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
_TRIED = """
SELECT workload_key, policy, items, before_nanousd, after_nanousd, moved_nanousd,
       quality_before, quality_after, seconds_before, seconds_after, is_placed
  FROM batches_triedpolicy WHERE org_id = %s AND day >= %s ORDER BY day, batch_id, id
"""
# Verdicts on whole batches would count once for each lane in them.
_DRIFT_SOURCES: Final = [
    QualitySource.VERIFICATION,
    QualitySource.FEEDBACK,
    QualitySource.GOLDEN,
]


def _rows(sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def imported(org: Org, provider: str) -> list[ImportedSum]:
    """Return what an org imported of a provider, by day and what it was."""
    return _imported(org, provider).get(provider, [])


def imported_by_provider(org: Org) -> dict[str, list[ImportedSum]]:
    """Return all that an org imported."""
    return _imported(org, None)


def _imported(org: Org, provider: str | None) -> dict[str, list[ImportedSum]]:
    exports = [str(kind) for kind in EXPORT_KINDS]
    found: dict[str, list[ImportedSum]] = {}
    for row in _rows(_IMPORTED, exports, org.pk, provider, provider):
        sums = ImportedSum(*row[1:6], *map(int, row[6:]))
        found.setdefault(row[0], []).append(sums)
    return found


def imported_jobs(org: Org, provider: str) -> int:
    """Count the imported files that are one job each."""
    ((count,),) = _rows(_JOBS, org.pk, provider, [str(kind) for kind in JOB_KINDS])
    return int(count)


def days_of_batches(org: Org, since: date) -> list[DayOfBatches]:
    """Return the settled batches by day."""
    return [DayOfBatches(*row) for row in _rows(_DAYS, org.pk, since)]


def work_by_day(org: Org, since: date) -> list[tuple[DayOfBatches, list[SettledSum]]]:
    """Return the settled batches by day, each with what was delivered by whom."""
    found: dict[DayOfBatches, list[SettledSum]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_WORK_BY_DAY, {"org": org.pk, "since": since})
        for row in cursor.fetchall():
            works = found.setdefault(DayOfBatches(*row[:6]), [])
            if row[6] is not None:
                works.append(SettledSum(*row[6:11], *map(int, row[11:])))
    return list(found.items())


def settled_work(org: Org, since: date) -> list[SettledSum]:
    """Return what was delivered, by day, who did it and what it was."""
    rows = _rows(_WORK, org.pk, since)
    return [SettledSum(*row[:5], *map(int, row[5:])) for row in rows]


def check_counts(org: Org, since: date) -> list[CheckCount]:
    """Return what our checks found, the whole of an answer first."""
    rows = _rows(_CHECKS, org.pk, since, QualitySource.VERIFICATION)
    return [CheckCount(name, int(failed), int(all_)) for name, failed, all_ in rows]


def weeks_of_models(org: Org, today: date) -> list[WeekOfModel]:
    """Return each model's answers of the last eight weeks, by provider and week."""
    monday = today - timedelta(days=today.weekday())
    since = monday - timedelta(weeks=DRIFT_WEEKS - 1)
    rows = _rows(_WEEKS, org.pk, since, WHOLE, [str(each) for each in _DRIFT_SOURCES])
    return [WeekOfModel(*row[:3], *map(int, row[3:])) for row in rows]


def tried_policies(org: Org, since: date) -> list[Tried]:
    """Return what was tried at each settlement, oldest first."""
    return [Tried(*row) for row in _rows(_TRIED, org.pk, since)]
