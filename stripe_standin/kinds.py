"""The collections of the API: where they are, and what their lists filter by."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Collection:
    kind: str  # the `object` of its members
    filters: tuple[str, ...] = ()


COLLECTIONS: Mapping[str, Collection] = {
    "balance_transactions": Collection(
        "balance_transaction", ("payout", "type", "source", "currency")
    ),
    "charges": Collection("charge", ("customer", "payment_intent")),
    "checkout/sessions": Collection(
        "checkout.session", ("customer", "payment_intent", "status")
    ),
    "customers": Collection("customer", ("email",)),
    "disputes": Collection("dispute", ("charge", "payment_intent")),
    "events": Collection("event", ("type", "types")),
    "payment_intents": Collection("payment_intent", ("customer",)),
    "payment_methods": Collection("payment_method", ("customer", "type")),
    "payouts": Collection("payout", ("status",)),
    "prices": Collection("price", ("product",)),
    "products": Collection("product"),
    "refunds": Collection("refund", ("charge", "payment_intent")),
    "webhook_endpoints": Collection("webhook_endpoint"),
}
