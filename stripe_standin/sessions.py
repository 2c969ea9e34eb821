"""Checkout sessions: made, listed, completed, expired."""

from stripe_standin import happenings, params
from stripe_standin.desk import Desk
from stripe_standin.wire import Json, invalid, new_id

LEAST_AMOUNT = 50
_LIFE_SECONDS = 24 * 3600
_LEAST_LIFE_SECONDS = 30 * 60
_GIVEN = (
    "mode",
    "line_items",
    "success_url",
    "cancel_url",
    "metadata",
    "client_reference_id",
    "customer",
    "customer_email",
    "customer_creation",
    "expires_at",
    "payment_intent_data",
    "payment_method_types",
    "locale",
    "submit_type",
    "ui_mode",
    "invoice_creation",
    "billing_address_collection",
    "automatic_tax",
    "allow_promotion_codes",
    "consent_collection",
    "custom_text",
)


def create(desk: Desk, given: Json) -> Json:
    """POST /v1/checkout/sessions; only ``mode=payment`` with ``price_data``."""
    params.known(given, *_GIVEN)
    params.choice(given.get("mode"), "mode", "payment")
    success_url = params.url(given, "success_url")
    expires_at = _expires_at(desk, given)
    _check_customer(desk, given)
    items = _line_items(desk, given)
    total = sum(item["amount_total"] for item in items)
    if total < LEAST_AMOUNT:
        raise invalid(
            f"The total amount must be at least {LEAST_AMOUNT}.",
            code="amount_too_small",
        )
    session_id = new_id("cs_test_", 58)
    session = shape(desk, session_id, total, items[0]["currency"])
    session |= {
        "cancel_url": params.url(given, "cancel_url")
        if "cancel_url" in given
        else None,
        "client_reference_id": given.get("client_reference_id"),
        "customer": given.get("customer"),
        "customer_creation": given.get("customer_creation")
        or (None if given.get("customer") else "if_required"),
        "customer_email": given.get("customer_email"),
        "expires_at": expires_at,
        "locale": given.get("locale"),
        "metadata": params.metadata(given),
        "success_url": success_url,
        "url": f"{desk.base_url}/pay/{session_id}",
        "_line_items": items,
        "_intent": _intent_data(given),
    }
    desk.store.set_timer(session_id, "expire", expires_at)
    return desk.save(session)


def expire(desk: Desk, _given: Json, session_id: str) -> Json:
    """POST /v1/checkout/sessions/{id}/expire.

    Raises:
        ApiError: 400 when it is not open.
    """
    session = desk.get("checkout.session", session_id)
    if session["status"] != "open":
        raise invalid(
            'Only Checkout Sessions with a status in ["open"] can be expired. '
            f"This Checkout Session has a status of `{session['status']}`.",
        )
    session |= {"status": "expired", "url": None}
    happenings.emit(desk, "checkout.session.expired", desk.save(session))
    return session


def expire_if_open(desk: Desk, session_id: str) -> None:
    """Expire a session whose time is over."""
    if desk.get("checkout.session", session_id)["status"] == "open":
        expire(desk, {}, session_id)


def line_items(desk: Desk, _given: Json, session_id: str) -> Json:
    """GET /v1/checkout/sessions/{id}/line_items."""
    session = desk.get("checkout.session", session_id)
    return {
        "object": "list",
        "data": session["_line_items"],
        "has_more": False,
        "url": f"/v1/checkout/sessions/{session_id}/line_items",
    }


def shape(desk: Desk, session_id: str, total: int, currency: str) -> Json:
    """Return an open session over ``total``, with what is not said left empty."""
    return {
        "id": session_id,
        "object": "checkout.session",
        "adaptive_pricing": None,
        "after_expiration": None,
        "allow_promotion_codes": None,
        "amount_subtotal": total,
        "amount_total": total,
        "automatic_tax": {"enabled": False, "liability": None, "status": None},
        "billing_address_collection": None,
        "cancel_url": None,
        "client_reference_id": None,
        "client_secret": None,
        "consent": None,
        "consent_collection": None,
        "created": desk.now,
        "currency": currency,
        "custom_fields": [],
        "custom_text": {},
        "customer": None,
        "customer_creation": None,
        "customer_details": None,
        "customer_email": None,
        "expires_at": desk.now + _LIFE_SECONDS,
        "invoice": None,
        "invoice_creation": None,
        "livemode": False,
        "locale": None,
        "metadata": {},
        "mode": "payment",
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "if_required",
        "payment_method_options": {},
        "payment_method_types": ["card", "us_bank_account"],
        "payment_status": "unpaid",
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": None,
        "subscription": None,
        "success_url": None,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted",
        "url": None,
        "_line_items": [],
        "_intent": {},
    }


def _expires_at(desk: Desk, given: Json) -> int:
    if "expires_at" not in given:
        return desk.now + _LIFE_SECONDS
    least, most = desk.now + _LEAST_LIFE_SECONDS, desk.now + _LIFE_SECONDS
    at = params.integer(given["expires_at"], "expires_at", most=2**40)
    # A caller's clock may be a little before or behind ours.
    if not least - 60 <= at <= most + 60:
        raise invalid(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from "
            "Checkout Session creation.",
            param="expires_at",
        )
    return at


def _intent_data(given: Json) -> Json:
    found = params.group(given, "payment_intent_data")
    return {**found, "metadata": params.metadata(found)}


def _check_customer(desk: Desk, given: Json) -> None:
    if given.get("customer") and given.get("customer_email"):
        raise invalid("You may only specify one of `customer` and `customer_email`.")
    if given.get("customer"):
        desk.get("customer", str(given["customer"]))


def _line_items(desk: Desk, given: Json) -> list[Json]:
    wanted = params.required(given, "line_items")
    if not isinstance(wanted, list) or not all(isinstance(w, dict) for w in wanted):
        raise invalid("Invalid array", param="line_items")
    return [_line_item(desk, line, f"line_items[{n}]") for n, line in enumerate(wanted)]


def _line_item(desk: Desk, line: Json, at: str) -> Json:
    params.required(line, "price_data", at)
    given = params.group(line, "price_data", at)
    at_price = f"{at}[price_data]"
    # Other currencies come by a control call only: the product asks for dollars.
    currency = params.choice(given.get("currency"), f"{at_price}[currency]", "usd")
    unit_amount = params.integer(
        params.required(given, "unit_amount", at_price), f"{at_price}[unit_amount]"
    )
    quantity = params.integer(line.get("quantity", 1), f"{at}[quantity]", least=1)
    product = _product(desk, params.group(given, "product_data", at_price), at_price)
    total = unit_amount * quantity
    return {
        "id": new_id("li_"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": total,
        "amount_tax": 0,
        "amount_total": total,
        "currency": currency,
        "description": product["name"],
        "discounts": [],
        "metadata": {},
        "price": _price(desk, product, currency, unit_amount),
        "quantity": quantity,
    }


def _product(desk: Desk, given: Json, at: str) -> Json:
    return desk.save(
        {
            "id": new_id("prod_", 14),
            "object": "product",
            "active": False,
            "attributes": [],
            "created": desk.now,
            "default_price": None,
            "description": given.get("description"),
            "images": [],
            "livemode": False,
            "marketing_features": [],
            "metadata": params.metadata(given),
            "name": str(params.required(given, "name", f"{at}[product_data]")),
            "package_dimensions": None,
            "shippable": None,
            "statement_descriptor": None,
            "tax_code": None,
            "type": "service",
            "unit_label": None,
            "updated": desk.now,
            "url": None,
        }
    )


def _price(desk: Desk, product: Json, currency: str, unit_amount: int) -> Json:
    return desk.save(
        {
            "id": new_id("price_"),
            "object": "price",
            "active": False,
            "billing_scheme": "per_unit",
            "created": desk.now,
            "currency": currency,
            "custom_unit_amount": None,
            "livemode": False,
            "lookup_key": None,
            "metadata": {},
            "nickname": None,
            "product": product["id"],
            "recurring": None,
            "tax_behavior": "unspecified",
            "tiers_mode": None,
            "transform_quantity": None,
            "type": "one_time",
            "unit_amount": unit_amount,
            "unit_amount_decimal": str(unit_amount),
        }
    )
