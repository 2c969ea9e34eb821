"""What a provider did in a month, for the statement of what it cost."""

from django.db import connection

from billing.months import Month
from billing.provider_statements import Usage, register_usage

# An execution's cost is booked when it ends, so its work belongs to that month.
_WORK = """
SELECT count(DISTINCT e.id), count(r.seq), coalesce(sum(r.input_tokens), 0),
       coalesce(sum(r.cached_tokens), 0), coalesce(sum(r.output_tokens), 0)
  FROM batches_execution e
  LEFT JOIN batches_resultrow r ON r.batch_id = e.batch_id AND r.execution_id = e.id
 WHERE e.provider = %s AND e.ended_at >= %s AND e.ended_at < %s
"""


def register() -> None:
    """Add this count to provider statements."""
    register_usage(usage_of)


def usage_of(provider: str, month: Month) -> Usage:
    """Count the executions that ended, and the items and tokens they delivered."""
    with connection.cursor() as cursor:
        cursor.execute(_WORK, [provider, month.starts_at, month.ends_at])
        counts = [int(number) for number in cursor.fetchone()]
    return Usage(*counts)
