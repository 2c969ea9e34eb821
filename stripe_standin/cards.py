"""Test cards, and what a payer chose."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from stripe_standin.wire import Json, invalid


@dataclass(frozen=True)
class Decline:
    code: str
    decline_code: str
    message: str


# https://docs.stripe.com/testing names the same numbers for the same outcomes.
CARDS: Mapping[str, Decline | None] = {
    "4242424242424242": None,
    "4000000000000002": Decline(
        "card_declined", "generic_decline", "Your card was declined."
    ),
    "4000000000009995": Decline(
        "card_declined", "insufficient_funds", "Your card has insufficient funds."
    ),
}
BANK_DEBIT_FAILURE = Decline(
    "payment_method_customer_decline",
    "insufficient_funds",
    "The customer's bank account has insufficient funds.",
)


def number_of(typed: str) -> str:
    """Return the digits of a card number as a person types it.

    Raises:
        ApiError: 400 when it is no test card of ours.
    """
    digits = re.sub(r"[ -]", "", typed)
    if digits not in CARDS:
        raise invalid("This is not one of the test cards.", param="card_number")
    return digits


def card_details(number: str) -> Json:
    """Return what a charge shows of a card."""
    return {
        "brand": "visa",
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": "pass",
        },
        "country": "US",
        "exp_month": 12,
        "exp_year": 2034,
        "fingerprint": f"standin{number[-4:]}",
        "funding": "credit",
        "last4": number[-4:],
        "network": "visa",
        "three_d_secure": None,
        "wallet": None,
    }


def bank_details() -> Json:
    """Return what a charge shows of a bank account."""
    return {
        "account_holder_type": "individual",
        "account_type": "checking",
        "bank_name": "STAND-IN BANK",
        "fingerprint": "standinbank",
        "last4": "6789",
        "routing_number": "110000000",
    }
