"""Customers."""

from stripe_standin import params
from stripe_standin.desk import Desk
from stripe_standin.wire import Json, new_id

_TEXTS = ("name", "email", "description", "phone")


def create(desk: Desk, given: Json) -> Json:
    """POST /v1/customers."""
    params.known(given, *_TEXTS, "metadata")
    return desk.save(
        {
            "id": new_id("cus_", 14),
            "object": "customer",
            "address": None,
            "balance": 0,
            "created": desk.now,
            "currency": None,
            "default_source": None,
            "delinquent": False,
            "discount": None,
            "invoice_prefix": new_id("", 8).upper(),
            "invoice_settings": {
                "custom_fields": None,
                "default_payment_method": None,
                "footer": None,
                "rendering_options": None,
            },
            "livemode": False,
            "metadata": params.metadata(given),
            "preferred_locales": [],
            "shipping": None,
            "tax_exempt": "none",
            "test_clock": None,
            **{name: given.get(name) for name in _TEXTS},
        }
    )


def update(desk: Desk, given: Json, customer_id: str) -> Json:
    """POST /v1/customers/{id}; an empty metadata value removes its key."""
    params.known(given, *_TEXTS, "metadata")
    customer = desk.get("customer", customer_id)
    customer |= {name: given[name] or None for name in _TEXTS if name in given}
    changes = given.get("metadata", {})
    kept = {k: v for k, v in customer["metadata"].items() if k not in (changes or {})}
    customer["metadata"] = kept | params.metadata(given) if changes != "" else {}
    return desk.save(customer)
