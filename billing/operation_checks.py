"""The proofs about banks, providers and notices: R12, R13, R15 and R18.

They read our own tables only, so that a proof asks nobody.
"""

from collections.abc import Iterator
from datetime import datetime

from billing.checks import Proof
from billing.models import OperationKind, OperationState, OperatorRequest
from billing.months import parse_month
from billing.provider_statements import provider_statement

R12_KINDS = Proof(
    """
    SELECT t.public_id, t.kind, p.amount_nanousd
    FROM billing_posting p
    JOIN billing_ledgeraccount a ON a.id = p.account_id
    JOIN billing_ledgertransaction t ON t.id = p.transaction_id
    WHERE a.code = 'stripe_clearing' AND t.kind NOT IN (
        'top_up', 'suspense', 'suspense_out', 'suspense_in', 'refund', 'refund_failed',
        'refund_card', 'reversal', 'dispute_open', 'dispute_won', 'payment_fee',
        'payout', 'adjustment')
    """,
    "{0}, a {1}, moved {2} of what Stripe holds",
)
R12_REFUNDS = Proof(
    """
    SELECT l.total, r.told + r.untold FROM (
        SELECT COALESCE(-SUM(p.amount_nanousd), 0) AS total
        FROM billing_posting p
        JOIN billing_ledgeraccount a ON a.id = p.account_id
        JOIN billing_ledgertransaction t ON t.id = p.transaction_id
        WHERE a.code = 'stripe_clearing'
          AND t.kind IN ('refund', 'refund_failed', 'refund_card', 'reversal')
    ) l CROSS JOIN (
        SELECT
            (SELECT COALESCE(SUM(amount_nanousd), 0) FROM billing_striperefund
             WHERE state = 'posted') AS told,
            (SELECT COALESCE(SUM(c.amount_nanousd), 0) FROM billing_cardrefund c
             WHERE c.state <> 'reversed' AND NOT EXISTS (
                 SELECT 1 FROM billing_striperefund s
                 WHERE s.transaction_id = c.transaction_id AND s.state = 'posted')
            ) AS untold
    ) r WHERE l.total <> r.told + r.untold
    """,
    "{0} went back to cards by the ledger, {1} by the refunds themselves",
)
R12_DISPUTES = Proof(
    """
    SELECT l.total, d.total FROM (
        SELECT COALESCE(-SUM(p.amount_nanousd), 0) AS total
        FROM billing_posting p
        JOIN billing_ledgeraccount a ON a.id = p.account_id
        JOIN billing_ledgertransaction t ON t.id = p.transaction_id
        WHERE a.code = 'stripe_clearing' AND t.kind IN ('dispute_open', 'dispute_won')
    ) l CROSS JOIN (
        SELECT COALESCE(SUM(amount_nanousd), 0) AS total
        FROM billing_stripedispute WHERE state <> 'won'
    ) d WHERE l.total <> d.total
    """,
    "{0} is withheld for disputes by the ledger, {1} by the disputes themselves",
)
# By then Stripe has answered, or somebody must look.
R12_UNANSWERED = Proof(
    """
    SELECT public_id, amount_nanousd, attempts FROM billing_cardrefund
    WHERE state = 'posted' AND created_at + interval '24 hours' < %(now)s
    """,
    "refund {0} of {1} has no answer for a day, after {2} attempts",
)
R15_UNTICKETED = Proof(
    """
    SELECT t.public_id, p.amount_nanousd
    FROM billing_posting p
    JOIN billing_ledgeraccount a ON a.id = p.account_id
    JOIN billing_ledgertransaction t ON t.id = p.transaction_id
    WHERE a.code = 'suspense' AND NOT EXISTS (
        SELECT 1 FROM billing_suspense s
        WHERE s.transaction_id = t.id OR t.purpose = 'suspense:' || s.public_id)
    """,
    "{0} moved {1} of suspense without a ticket",
)
R15_RESOLVED = Proof(
    """
    SELECT s.public_id, s.state, COALESCE(-SUM(p.amount_nanousd), 0) AS held
    FROM billing_suspense s
    JOIN billing_ledgertransaction t
        ON t.id = s.transaction_id OR t.purpose = 'suspense:' || s.public_id
    JOIN billing_posting p ON p.transaction_id = t.id
    JOIN billing_ledgeraccount a ON a.id = p.account_id AND a.code = 'suspense'
    GROUP BY s.id
    HAVING COALESCE(-SUM(p.amount_nanousd), 0) < 0
        OR (s.state = 'resolved' AND COALESCE(-SUM(p.amount_nanousd), 0) <> 0)
    """,
    "ticket {0} is {1} and holds {2}",
)
R18 = Proof(
    """
    SELECT public_id, kind, created_at FROM billing_balancenotice
    WHERE handed_on_at IS NULL AND created_at + interval '80 hours' < %(now)s
    ORDER BY created_at
    """,
    "notice {0} ({1}) waits since {2:%Y-%m-%d %H:%M}",
)

# The provider's rounding may differ from ours by this part of an invoice.
_TOLERANCE_BPS = 50


def invoices_agree(_now: datetime) -> Iterator[str]:
    """Yield approved invoices that the books of their month no longer match."""
    approved = OperatorRequest.objects.filter(
        kind=OperationKind.TRUE_UP, state=OperationState.DONE
    )
    newest = {(asked.provider, asked.month): asked for asked in approved.order_by("id")}
    for (provider, month), asked in newest.items():
        invoiced = (asked.booked_nanousd or 0) + asked.amount_nanousd
        owed = provider_statement(provider, parse_month(month)).payable_nanousd
        if abs(owed - invoiced) * 10_000 > invoiced * _TOLERANCE_BPS:
            yield f"{provider} invoiced {invoiced} for {month}, we owe {owed}"
