"""What keys may spend: taken with the reservation, given back with its settlement.

Both run in the transaction of the reservation or settlement, after its own locks: the
row of the limit is the last one that is locked, so nobody waits in a circle.
"""

from django.db.models import F

from accounts.models import ApiKey, SpendLimit
from batchrouter.kit.errors import BatchRouterError
from batchrouter.kit.money import format_usd, money_json


class KeySpendLimitExceeded(BatchRouterError):
    """What is asked for does not fit into the key's limit any more."""

    code = "key_spend_limit_exceeded"
    status = 402
    error_type = "billing_error"


def take(key: ApiKey, amount_nanousd: int) -> None:
    """Count an amount as spent by a key, in the caller's transaction.

    Args:
        key: who spends; one without a limit spends freely.
        amount_nanousd: what is reserved.

    Raises:
        KeySpendLimitExceeded: with limit, spent and needed as details.
    """
    if key.spend_limit_id is None:
        return
    room = SpendLimit.objects.filter(
        pk=key.spend_limit_id, spent_nanousd__lte=F("limit_nanousd") - amount_nanousd
    )
    if not room.update(spent_nanousd=F("spent_nanousd") + amount_nanousd):
        raise _exceeded(key.spend_limit_id, amount_nanousd)


def give_back(key_id: int | None, amount_nanousd: int) -> None:
    """Take back what a key's reservation held and was not charged.

    The caller sees to it that this happens once for each reservation.

    Args:
        key_id: the key's primary key; None where no key spent.
        amount_nanousd: what was released.
    """
    if key_id is not None and amount_nanousd:
        SpendLimit.objects.filter(apikey=key_id).update(
            spent_nanousd=F("spent_nanousd") - amount_nanousd
        )


def _exceeded(limit_id: int, needed_nanousd: int) -> KeySpendLimitExceeded:
    limit = SpendLimit.objects.get(pk=limit_id)
    return KeySpendLimitExceeded(
        f"This needs {format_usd(needed_nanousd)} USD; the key has spent "
        f"{format_usd(limit.spent_nanousd)} of its {format_usd(limit.limit_nanousd)} "
        "USD. Use another key, or make one with a higher limit.",
        details={
            "limit": money_json(limit.limit_nanousd),
            "spent": money_json(limit.spent_nanousd),
            "needed": money_json(needed_nanousd),
        },
    )
