"""Balance transactions: what every movement did to the account's balance."""

from stripe_standin.desk import Desk
from stripe_standin.wire import Json, new_id

_DAY_SECONDS = 24 * 3600
AVAILABLE_AFTER_SECONDS = 2 * _DAY_SECONDS


def card_fee(amount: int) -> int:
    """Return 2.9 % of an amount plus 30, in the currency's smallest unit.

    Source: https://stripe.com/pricing, the United States' standard card price.
    """
    return (amount * 29 + 500) // 1_000 + 30


def book(
    desk: Desk, kind: str, source: Json, amount: int, fee: int = 0, *, as_: str = ""
) -> Json:
    """Record one movement; ``amount`` is negative where money leaves.

    Args:
        desk: the transaction it happens in.
        kind: its type, such as ``charge`` or ``adjustment``.
        source: the object that caused it.
        amount: in the smallest unit of the source's currency.
        fee: taken from the amount, in the same unit.
        as_: the reporting category, where it is not the type.
    """
    return desk.save(
        {
            "id": new_id("txn_"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": desk.now + AVAILABLE_AFTER_SECONDS,
            "balance_type": "payments",
            "created": desk.now,
            "currency": source["currency"],
            "description": source.get("description"),
            "exchange_rate": None,
            "fee": fee,
            "fee_details": _details(source["currency"], fee),
            "net": amount - fee,
            "reporting_category": as_ or kind,
            "source": source["id"],
            "status": "pending",
            "type": kind,
        }
    )


def _details(currency: str, fee: int) -> list[Json]:
    if not fee:
        return []
    return [
        {
            "amount": fee,
            "application": None,
            "currency": currency,
            "description": "Stripe processing fees",
            "type": "stripe_fee",
        }
    ]
