"""The proofs about payments: R11 and R14. They read our own tables only.

What Stripe's lists said is recorded by the pull (``PulledSession``), so that a proof
asks nobody.
"""

from collections.abc import Iterable
from datetime import datetime
from itertools import chain

from billing.checks import Proof, violations
from billing.reconcile import register_check

# A pull notes a session just before it credits it.
R11_UNCREDITED = Proof(
    """
    SELECT p.stripe_session_id, p.amount_cents, p.currency
    FROM billing_pulledsession p
    LEFT JOIN billing_topup t ON t.stripe_session_id = p.stripe_session_id
    LEFT JOIN billing_suspense s ON s.stripe_session_id = p.stripe_session_id
    WHERE p.seen_at + interval '15 minutes' < %(now)s
      AND t.id IS NULL AND s.id IS NULL
    """,
    "session {0} was paid ({1} {2}) and is neither credited nor in suspense",
)
R11_AMOUNT = Proof(
    """
    SELECT t.public_id, t.amount_nanousd, p.amount_cents, p.currency
    FROM billing_topup t
    JOIN billing_pulledsession p ON p.stripe_session_id = t.stripe_session_id
    WHERE t.amount_nanousd <> p.amount_cents * 10000000::bigint OR p.currency <> 'usd'
    """,
    "{0} credited {1} nano-dollars, its session paid {2} cents of {3}",
)
# A session lives a day and a bank debit two weeks; within the last hour a pull may have
# listed sessions before the payment came.
R11_UNPAID = Proof(
    """
    SELECT t.public_id, t.stripe_session_id
    FROM billing_topup t
    JOIN billing_checkoutsession c ON c.id = t.checkout_id
    LEFT JOIN billing_pulledsession p ON p.stripe_session_id = t.stripe_session_id
    WHERE p.id IS NULL AND EXISTS (
        SELECT 1 FROM billing_stripepull l
        WHERE l.started_at > t.created_at + interval '1 hour' AND l.since < c.created_at
    )
    """,
    "{0} was credited, but Stripe does not list session {1} as paid",
)
R11_LEDGER = Proof(
    """
    SELECT t.public_id, t.amount_nanousd, COALESCE(-SUM(p.amount_nanousd), 0)
    FROM billing_topup t
    LEFT JOIN billing_ledgertransaction x
        ON x.id = t.transaction_id AND x.org_id = t.org_id
    LEFT JOIN billing_ledgeraccount a
        ON a.org_id = t.org_id AND a.code = 'available:paid'
    LEFT JOIN billing_posting p ON p.transaction_id = x.id AND p.account_id = a.id
    GROUP BY t.id HAVING t.amount_nanousd <> COALESCE(-SUM(p.amount_nanousd), 0)
    """,
    "{0} says {1}, the ledger credited {2}",
)
R11_TWICE = Proof(
    """
    SELECT t.public_id, t.stripe_session_id FROM billing_topup t
    JOIN billing_suspense s ON s.stripe_session_id = t.stripe_session_id
    """,
    "{0} was credited, and session {1} is in suspense too",
)
R11_TAKEN = Proof(
    """
    SELECT t.public_id, t.refunded_nanousd, COALESCE(r.total, 0),
           t.disputed_nanousd, COALESCE(d.total, 0)
    FROM billing_topup t
    LEFT JOIN (SELECT top_up_id, SUM(amount_nanousd) AS total
               FROM billing_striperefund WHERE state = 'posted'
               GROUP BY top_up_id) r ON r.top_up_id = t.id
    LEFT JOIN (SELECT top_up_id, SUM(amount_nanousd) AS total
               FROM billing_stripedispute WHERE state <> 'won'
               GROUP BY top_up_id) d ON d.top_up_id = t.id
    WHERE t.refunded_nanousd <> COALESCE(r.total, 0)
       OR t.disputed_nanousd <> COALESCE(d.total, 0)
    """,
    "{0} says {1} refunded and {3} disputed, its rows say {2} and {4}",
)
R14_NEGATIVE = Proof(
    """
    SELECT a.org_id, SUM(p.amount_nanousd) FROM billing_posting p
    JOIN billing_ledgeraccount a ON a.id = p.account_id
    WHERE a.code = 'receivable' GROUP BY a.org_id HAVING SUM(p.amount_nanousd) < 0
    """,
    "org {0} owes {1}: it repaid more than it owed",
)
R14_SPENT = Proof(
    """
    SELECT d.org_id, d.owed, r.public_id FROM (
        SELECT a.org_id, SUM(p.amount_nanousd) AS owed,
               MAX(p.transaction_id) AS changed_by
        FROM billing_posting p JOIN billing_ledgeraccount a ON a.id = p.account_id
        WHERE a.code = 'receivable' GROUP BY a.org_id HAVING SUM(p.amount_nanousd) > 0
    ) d
    JOIN billing_reservation r
        ON r.org_id = d.org_id AND r.reserve_transaction_id > d.changed_by
    """,
    "org {0} owes {1} and reserved {2} all the same",
)


def register() -> None:
    """Add the proofs about payments to reconciliation."""
    register_check("R11", "every paid session is one top-up", paid_is_credited)
    register_check("R14", "who owes reserves nothing", owing_is_frozen)


def paid_is_credited(now: datetime) -> Iterable[str]:
    """Yield sessions and top-ups that do not match one to one."""
    proofs = (
        R11_UNCREDITED,
        R11_AMOUNT,
        R11_UNPAID,
        R11_LEDGER,
        R11_TWICE,
        R11_TAKEN,
    )
    return chain.from_iterable(violations(proof, now) for proof in proofs)


def owing_is_frozen(now: datetime) -> Iterable[str]:
    """Yield organizations that owe and could reserve all the same."""
    proofs = (R14_NEGATIVE, R14_SPENT)
    return chain.from_iterable(violations(proof, now) for proof in proofs)
