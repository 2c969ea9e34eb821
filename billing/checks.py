"""The invariants of the money tables, each proved by one statement.

One statement reads one snapshot, so a proof beside running payments cannot see half of
a transaction. The codes are those of docs/decisions/0002.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection

# More would not help whoever reads it; the first few lead to the cause.
PROBLEMS_MAX = 20
# Before the first entry of any ledger.
EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Proof:
    """A statement whose rows are violations, and the sentence that tells one."""

    sql: str
    sentence: str


def violations(proof: Proof, now: datetime, since: datetime = EVER) -> Iterator[str]:
    """Yield a sentence for each of the first violations.

    Args:
        proof: what to run.
        now: the present instant.
        since: where a proof can be limited to what moved, it looks no further back.
    """
    with connection.cursor() as cursor:
        cursor.execute(proof.sql, {"now": now, "since": since})
        rows: Sequence[Sequence[Any]] = cursor.fetchmany(PROBLEMS_MAX)
    for row in rows:
        yield proof.sentence.format(*row)


R01 = Proof(
    """
    SELECT SUM(amount_nanousd) FROM billing_posting HAVING SUM(amount_nanousd) <> 0
    """,
    "all postings together are {0}, not 0",
)
R02 = Proof(
    """
    SELECT t.public_id, COALESCE(SUM(p.amount_nanousd), 0), COUNT(p.id)
    FROM billing_ledgertransaction t
    LEFT JOIN billing_posting p ON p.transaction_id = t.id
    WHERE t.created_at >= %(since)s
    GROUP BY t.id
    HAVING COALESCE(SUM(p.amount_nanousd), 0) <> 0 OR COUNT(p.id) < 2
    """,
    "{0} adds up to {1} over {2} postings",
)
R02_ORG = Proof(
    """
    SELECT t.public_id, t.org_id, a.code, a.org_id
    FROM billing_posting p
    JOIN billing_ledgertransaction t ON t.id = p.transaction_id
    JOIN billing_ledgeraccount a ON a.id = p.account_id
    WHERE a.org_id IS NOT NULL AND a.org_id IS DISTINCT FROM t.org_id
      AND t.created_at >= %(since)s
    """,
    "{0} of org {1} moves {2} of org {3}",
)
R03 = Proof(
    """
    SELECT a.id, a.code, a.org_id, a.balance_nanousd, a.version,
           COALESCE(s.total, 0), COALESCE(s.version, 0)
    FROM billing_ledgeraccount a
    LEFT JOIN (
        SELECT p.account_id, MAX(p.account_version) AS version,
               SUM(CASE WHEN b.normal = 'debit' THEN p.amount_nanousd
                        ELSE -p.amount_nanousd END) AS total
        FROM billing_posting p JOIN billing_ledgeraccount b ON b.id = p.account_id
        WHERE b.guarded GROUP BY p.account_id
    ) s ON s.account_id = a.id
    WHERE a.guarded AND (a.balance_nanousd <> COALESCE(s.total, 0)
                         OR a.version <> COALESCE(s.version, 0))
    """,
    "account {0} ({1} of org {2}) says {3} at version {4}, its postings {5} at {6}",
)
R04 = Proof(
    """
    SELECT c.account_id, c.account_version, c.balance_after_nanousd FROM (
        SELECT p.account_id, p.account_version, p.balance_after_nanousd, a.guarded,
               CASE WHEN a.normal = 'debit' THEN p.amount_nanousd
                    ELSE -p.amount_nanousd END AS change,
               LAG(p.account_version, 1, 0::bigint) OVER w AS version_before,
               LAG(p.balance_after_nanousd, 1, 0::bigint) OVER w AS balance_before
        FROM billing_posting p JOIN billing_ledgeraccount a ON a.id = p.account_id
        WHERE (a.guarded OR p.account_version IS NOT NULL)
          AND (%(since)s <= 'epoch'::timestamptz OR a.id IN (
              SELECT m.account_id FROM billing_posting m
              JOIN billing_ledgertransaction t ON t.id = m.transaction_id
              WHERE t.created_at >= %(since)s))
        WINDOW w AS (PARTITION BY p.account_id ORDER BY p.account_version)
    ) c
    WHERE NOT c.guarded OR c.account_version IS NULL
       OR c.account_version <> c.version_before + 1
       OR c.balance_after_nanousd <> c.balance_before + c.change
    """,
    "account {0} breaks its chain at version {1} (balance {2})",
)
R05 = Proof(
    """
    SELECT a.id, a.code, a.org_id,
           LEAST(a.balance_nanousd, MIN(p.balance_after_nanousd))
    FROM billing_ledgeraccount a LEFT JOIN billing_posting p ON p.account_id = a.id
    WHERE a.guarded GROUP BY a.id
    HAVING LEAST(a.balance_nanousd, MIN(p.balance_after_nanousd)) < 0
    """,
    "account {0} ({1} of org {2}) was or is below zero: {3}",
)
R06_HELD = Proof(
    """
    SELECT COALESCE(h.org_id, a.org_id), COALESCE(a.held, 0), COALESCE(h.held, 0)
    FROM (SELECT org_id, SUM(amount_nanousd) AS held FROM billing_reservation
          WHERE state = 'open' GROUP BY org_id) h
    FULL JOIN (SELECT org_id, balance_nanousd AS held FROM billing_ledgeraccount
               WHERE code = 'reserved') a ON a.org_id = h.org_id
    WHERE COALESCE(a.held, 0) <> COALESCE(h.held, 0)
    """,
    "org {0} has {1} in its reserved account, its open reservations hold {2}",
)
R06_LEGS = Proof(
    """
    SELECT r.public_id, r.amount_nanousd, COALESCE(SUM(l.amount_nanousd), 0),
           r.released_nanousd, COALESCE(SUM(l.released_nanousd), 0)
    FROM billing_reservation r
    LEFT JOIN billing_reservationleg l ON l.reservation_id = r.id
    GROUP BY r.id
    HAVING r.amount_nanousd <> COALESCE(SUM(l.amount_nanousd), 0)
        OR r.released_nanousd <> COALESCE(SUM(l.released_nanousd), 0)
    """,
    "{0} holds {1} but its legs {2}; it released {3} but its legs {4}",
)
R06_REVENUE = Proof(
    """
    SELECT r.public_id, r.usage_nanousd, COALESCE(e.usage, 0),
           r.fee_nanousd, COALESCE(e.fee, 0)
    FROM billing_reservation r
    LEFT JOIN (
        SELECT p.transaction_id,
               -SUM(p.amount_nanousd) FILTER (WHERE a.code = 'revenue:usage') AS usage,
               -SUM(p.amount_nanousd) FILTER (WHERE a.code = 'revenue:service_fee')
                   AS fee
        FROM billing_posting p JOIN billing_ledgeraccount a ON a.id = p.account_id
        WHERE a.code IN ('revenue:usage', 'revenue:service_fee')
        GROUP BY p.transaction_id
    ) e ON e.transaction_id = r.settle_transaction_id
    WHERE r.usage_nanousd <> COALESCE(e.usage, 0)
       OR r.fee_nanousd <> COALESCE(e.fee, 0)
    """,
    "{0} says usage {1} but posted {2}; fee {3} but posted {4}",
)
R07 = Proof(
    """
    SELECT public_id, purpose, expires_at FROM billing_reservation
    WHERE state = 'open' AND expires_at + interval '24 hours' < %(now)s
    ORDER BY expires_at
    """,
    "{0} for {1} is still open a day after {2:%Y-%m-%d %H:%M}",
)
R16_ISSUED = Proof(
    """
    SELECT g.public_id, g.amount_nanousd, COALESCE(-SUM(p.amount_nanousd), 0)
    FROM billing_grant g
    LEFT JOIN billing_posting p
        ON p.transaction_id = g.transaction_id AND p.account_id = g.account_id
    GROUP BY g.id HAVING g.amount_nanousd <> COALESCE(-SUM(p.amount_nanousd), 0)
    """,
    "{0} says {1}, the ledger issued {2}",
)
R16_REST = Proof(
    """
    SELECT g.public_id, g.amount_nanousd, COALESCE(u.used, 0), COALESCE(e.expired, 0),
           a.balance_nanousd
    FROM billing_grant g
    JOIN billing_ledgeraccount a ON a.id = g.account_id
    LEFT JOIN (SELECT account_id, SUM(amount_nanousd - released_nanousd) AS used
               FROM billing_reservationleg GROUP BY account_id) u
        ON u.account_id = a.id
    LEFT JOIN (SELECT p.account_id, SUM(p.amount_nanousd) AS expired
               FROM billing_posting p
               JOIN billing_ledgertransaction t ON t.id = p.transaction_id
               WHERE t.kind = 'expiry' GROUP BY p.account_id) e
        ON e.account_id = a.id
    WHERE g.is_promo AND g.amount_nanousd
        <> COALESCE(u.used, 0) + COALESCE(e.expired, 0) + a.balance_nanousd
    """,
    "{0} issued {1}, but used {2}, expired {3} and remaining {4} differ",
)
R20_CHAIN = Proof(
    """
    SELECT c.public_id, c.org_id, c.number FROM (
        SELECT r.public_id, r.org_id, r.number, r.sha256, r.previous_sha256,
               encode(sha256(convert_to(r.body, 'UTF8')), 'hex') AS real_sha256,
               LAG(r.number, 1, 0::bigint) OVER w AS number_before,
               LAG(r.sha256, 1, repeat('0', 64)::varchar) OVER w AS sha256_before
        FROM billing_receipt r WINDOW w AS (PARTITION BY r.org_id ORDER BY r.number)
    ) c
    WHERE c.sha256 <> c.real_sha256 OR c.number <> c.number_before + 1
       OR c.previous_sha256 <> c.sha256_before
    """,
    "receipt {0}, number {2} of org {1}, breaks the chain",
)
R20_HEAD = Proof(
    """
    SELECT COALESCE(h.org_id, r.org_id), h.last_number, r.last_number
    FROM billing_receiptchain h
    FULL JOIN (SELECT DISTINCT ON (org_id) org_id, number AS last_number, sha256
               FROM billing_receipt ORDER BY org_id, number DESC) r
        ON r.org_id = h.org_id
    WHERE h.last_number IS DISTINCT FROM r.last_number
       OR h.last_sha256 IS DISTINCT FROM r.sha256
    """,
    "the receipts of org {0} should end at number {1}, they end at {2}",
)
