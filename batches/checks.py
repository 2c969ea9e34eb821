"""What reconciliation proves about batches: R08, R09, R10, R17 and R21."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import connection

from billing.reconcile import register_check

_DECIDE_WITHIN = timedelta(hours=24)


def register() -> None:
    """Add these checks to ``ledger_reconcile``."""
    register_check("R08", "ended batches are settled once, exactly", settled_exactly)
    register_check("R09", "every item has one row, every row one item", rows_complete)
    register_check("R10", "executions are booked or decided", executions_booked)
    register_check("R17", "idempotency records name their batch", keys_have_effects)
    register_check("R21", "keys have spent what their batches hold", spent_exactly)


_SETTLED = """
SELECT b.public_id, b.charged_nanousd, r.usage_nanousd + r.fee_nanousd, r.state,
       r.usage_nanousd, coalesce(s.subtotal, 0)
  FROM batches_batch b
  LEFT JOIN billing_reservation r ON r.purpose = 'batch:' || b.public_id
  LEFT JOIN (SELECT batch_id, sum(subtotal_nanousd) AS subtotal
               FROM batches_resultrow GROUP BY batch_id) s ON s.batch_id = b.id
 WHERE b.state IN ('completed', 'failed', 'canceled')
   AND (r.id IS NULL OR r.state <> 'closed'
        OR b.charged_nanousd IS DISTINCT FROM r.usage_nanousd + r.fee_nanousd
        OR r.usage_nanousd <> coalesce(s.subtotal, 0))
"""


def settled_exactly(_now: datetime) -> Iterator[str]:
    """Yield ended batches whose rows, charge and reservation differ."""
    for public_id, charged, settled, state, usage, rows in _all(_SETTLED):
        yield (
            f"{public_id}: charged {charged}, settled {settled} ({state}), "
            f"usage {usage}, rows {rows}"
        )


_ROWS = """
SELECT b.public_id, b.item_count, count(r.seq),
       count(i.seq)
  FROM batches_batch b
  LEFT JOIN batches_resultrow r ON r.batch_id = b.id
  LEFT JOIN batches_item i ON i.manifest_id = b.manifest_id AND i.seq = r.seq
 WHERE b.state IN ('completed', 'failed', 'canceled')
 GROUP BY b.id HAVING count(r.seq) <> b.item_count OR count(i.seq) <> b.item_count
"""


def rows_complete(_now: datetime) -> Iterator[str]:
    """Yield ended batches with missing or foreign rows."""
    for public_id, items, rows, known in _all(_ROWS):
        yield f"{public_id}: {items} items, {rows} rows, {known} of them of its items"


_UNBOOKED = """
SELECT e.public_id, 'cost is not booked' FROM batches_execution e
 WHERE e.cost_nanousd > 0 AND e.ended_at IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM billing_ledgertransaction t
                    WHERE t.key = 'execution:' || e.public_id || ':cogs')
UNION ALL
SELECT e.public_id, 'is undecided for a day' FROM batches_execution e
 WHERE e.state IN ('planned', 'accepted') AND e.started_at < %s
   AND EXISTS (SELECT 1 FROM batches_batch b WHERE b.id = e.batch_id
                AND b.state IN ('completed', 'failed', 'canceled'))
"""


def executions_booked(now: datetime) -> Iterator[str]:
    """Yield executions whose cost is not in the ledger, or that nobody decided."""
    for public_id, problem in _all(_UNBOOKED, now - _DECIDE_WITHIN):
        yield f"{public_id} {problem}"


_KEYS = """
SELECT w.key, w.effect_id FROM web_idempotencyrecord w
 WHERE (w.endpoint IN ('batches.create', 'batches.create.test')
        OR w.endpoint LIKE 'batches.retry%%') AND w.status = 202
   AND NOT EXISTS (SELECT 1 FROM batches_batch b WHERE b.public_id = w.effect_id)
"""


def keys_have_effects(_now: datetime) -> Iterator[str]:
    """Yield stored replies whose batch does not exist."""
    for key, effect_id in _all(_KEYS):
        yield f"key {key} names {effect_id}"


_SPENT = """
SELECT l.id, l.spent_nanousd, coalesce(sum(
         CASE r.state WHEN 'closed' THEN r.usage_nanousd + r.fee_nanousd
                      ELSE r.amount_nanousd END), 0)
  FROM accounts_spendlimit l
  LEFT JOIN accounts_apikey k ON k.spend_limit_id = l.id
  LEFT JOIN batches_batch b ON b.api_key_id = k.id
  LEFT JOIN billing_reservation r ON r.purpose = 'batch:' || b.public_id
 GROUP BY l.id
HAVING l.spent_nanousd <> coalesce(sum(
         CASE r.state WHEN 'closed' THEN r.usage_nanousd + r.fee_nanousd
                      ELSE r.amount_nanousd END), 0)
"""


def spent_exactly(_now: datetime) -> Iterator[str]:
    """Yield spend limits that differ from what their keys' batches hold or cost."""
    for limit, spent, held in _all(_SPENT):
        yield f"spend limit {limit}: spent {spent}, batches hold or cost {held}"


def _all(sql: str, *parameters: datetime) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(parameters))
        rows: list[tuple[object, ...]] = cursor.fetchall()
    return rows
