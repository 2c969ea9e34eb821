"""What the billing overview says beside the lists: warnings, and what may end soon."""

from typing import Any

from accounts.models import Org
from batchrouter.kit.clock import iso_or_none
from batchrouter.kit.money import money_json
from billing import selectors
from billing.balance_watch import low_balance, threshold_of
from billing.freeze import current_freeze
from billing.rendering import balance_json

# What a customer hears while spending stands still; the cause is for operators.
FROZEN = "Spending is paused while we check our books. Nothing is lost or charged."


def overview_balance_json(org: Org) -> dict[str, Any]:
    """Return a balance with its promotional part, the first to expire first."""
    promotional = [
        {
            "amount": money_json(grant.account.balance_nanousd),
            "expires_at": iso_or_none(grant.expires_at),
        }
        for grant in selectors.promotional_of(org)
    ]
    return balance_json(selectors.balance(org)) | {"promotional": promotional}


def low_balance_json(org: Org) -> dict[str, Any]:
    """Return the warning line and whether the balance is below it."""
    return {
        "threshold": money_json(threshold_of(org)),
        "is_below": low_balance(org) is not None,
    }


def spending_json() -> dict[str, Any]:
    """Return whether credits can be reserved and charged now."""
    frozen = current_freeze() is not None
    return {"enabled": not frozen, "reason": FROZEN if frozen else None}
