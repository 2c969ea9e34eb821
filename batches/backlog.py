"""How much work providers have in hand: what went out and did not come back."""

from datetime import datetime

from django.db import connection

from catalog import health

# Each half reads a partial index of open units (unit_leased, unit_due); a unit's last
# execution says where it is. Test keys count nowhere.
IN_HAND = """
SELECT e.offering_id,
       sum(u.item_count - u.completed - u.failed - u.canceled - u.expired - u.review)
  FROM (SELECT * FROM batches_workunit WHERE state = 'running'
        UNION ALL
        SELECT * FROM batches_workunit WHERE state = 'waiting') u
  JOIN batches_batch b ON b.id = u.batch_id
  JOIN batches_quote q ON q.id = b.quote_id AND NOT q.is_test
 CROSS JOIN LATERAL (
        SELECT x.offering_id, x.ended_at FROM batches_execution x
         WHERE x.unit_id = u.id ORDER BY x.id DESC LIMIT 1) e
 WHERE e.ended_at IS NULL
 GROUP BY e.offering_id
"""


def items_in_hand(_now: datetime) -> dict[int, int]:
    """Return the items that wait for their row, by the offering that has them."""
    with connection.cursor() as cursor:
        cursor.execute(IN_HAND)
        return {offering_id: int(items) for offering_id, items in cursor.fetchall()}


def register() -> None:
    """Let the directory and the operators' page tell it."""
    health.register_reading("backlog_items", items_in_hand)
