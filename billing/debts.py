"""What an organization owes: credits that were spent before their payment was reversed.

The debt stands on ``receivable``. Paid credits that come in later pay it first, and
while any of it is left nothing new is reserved.
"""

from django.db.models import Sum

from accounts.models import Org
from batchrouter.kit.errors import BatchRouterError
from batchrouter.kit.money import format_usd, money_json
from billing import chart
from billing.ledger import credit, debit, lock_org, post
from billing.models import Posting
from billing.selectors import owed_nanousd


class CreditsOwed(BatchRouterError):
    """A payment was reversed after its credits were spent; a top-up pays it off."""

    code = "credits_owed"
    status = 402
    error_type = "billing_error"


def written_off_nanousd(org: Org) -> int:
    """Return what we gave up of its debts because banks kept the money."""
    postings = Posting.objects.filter(
        transaction__org=org, account__code=chart.EXPENSE_DISPUTE_LOSS
    )
    return int(postings.aggregate(total=Sum("amount_nanousd"))["total"] or 0)


def repay(org: Org) -> int:
    """Pay what is owed from paid credits, as far as they go; return how much.

    Runs inside the caller's transaction, which holds the organization's accounts.
    """
    owed = owed_nanousd(org)
    if owed == 0:
        return 0
    paid = lock_org(org)[chart.AVAILABLE_PAID]
    part = min(owed, paid.balance_nanousd)
    if part:
        post(
            kind="debt_repaid",
            # The version is new with every movement: a debt may be paid in parts.
            key=f"org:{org.public_id}:repay:{paid.version}",
            entries=[debit(paid.code, part), credit(chart.RECEIVABLE, part)],
            org=org,
            purpose=f"org:{org.public_id}",
            reason=f"Paid {format_usd(part)} USD of what was owed.",
        )
    return part


def require_nothing_owed(org: Org) -> None:
    """Refuse to go on while the organization owes anything.

    Raises:
        CreditsOwed: with the amount as details.
    """
    owed = owed_nanousd(org)
    if owed:
        raise CreditsOwed(
            f"A payment was reversed after its credits were spent. "
            f"Top up at least {format_usd(owed)} USD to go on.",
            details={"owed": money_json(owed)},
        )
