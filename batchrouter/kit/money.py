"""Money is a whole number of nano-dollars: 1 USD is 1,000,000,000.

Every rounding rule of the product is in this file. A line's charge and the fee round
up, the available balance that we show rounds nowhere because nine places are exact.
Reason for the unit: docs/decisions/0002-money-is-integer-nanodollars.md.
"""

import re
from typing import TypedDict

NANO_PER_USD = 1_000_000_000
NANO_PER_CENT = 10_000_000
TOKENS_PER_PRICE = 1_000_000
BPS = 10_000

# A ledger account holds at most 10**18 nano-dollars (one billion dollars); a bigint
# ends at 9.2 * 10**18, so no sum of two accounts can overflow.
MAX_NANOUSD = 10**18

_DECIMAL = re.compile(r"\A([0-9]{1,9})(?:\.([0-9]{1,9}))?\Z")


class MoneyJSON(TypedDict):
    """An amount as the API shows it."""

    amount: str
    currency: str


class MoneyFormatError(ValueError):
    """The text is not a plain decimal of dollars with at most nine places."""


def parse_usd(text: str) -> int:
    """Read ``"14.60"`` as nano-dollars.

    Raises:
        MoneyFormatError: sign, exponent, more than nine places, or other digits.
    """
    found = _DECIMAL.match(text)
    if found is None:
        raise MoneyFormatError(f"{text!r} is not a decimal such as 14.60")
    whole, places = found.groups(default="")
    return int(whole) * NANO_PER_USD + int((places or "0").ljust(9, "0"))


def nanousd_of(text: str) -> int:
    """Read what :func:`format_usd` wrote, which may be negative.

    Raises:
        MoneyFormatError: it is no such text.
    """
    size = parse_usd(text.removeprefix("-"))
    return -size if text.startswith("-") else size


def format_usd(nanousd: int, *, places_min: int = 2) -> str:
    """Write nano-dollars exactly, with at least ``places_min`` and at most 9 places."""
    sign = "-" if nanousd < 0 else ""
    whole, places = divmod(abs(nanousd), NANO_PER_USD)
    digits = f"{places:09d}".rstrip("0").ljust(places_min, "0")
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"


def money_json(nanousd: int) -> MoneyJSON:
    """Return the API's money object."""
    return {"amount": format_usd(nanousd), "currency": "usd"}


def ceil_div(numerator: int, denominator: int) -> int:
    """Divide whole numbers, rounding up."""
    return -(-numerator // denominator)


def line_charge_nanousd(numerator: int) -> int:
    """Round one line up, once, from the sum of tokens times price per million.

    Args:
        numerator: sum over components of tokens times nano-dollars per million tokens.
    """
    return ceil_div(numerator, TOKENS_PER_PRICE)


def fee_nanousd(subtotal_nanousd: int, *, fee_bps: int) -> int:
    """Return the service fee of a whole batch, rounded up once."""
    return ceil_div(subtotal_nanousd * fee_bps, BPS)


def line_fee_nanousd(charge_nanousd: int, *, fee_bps: int) -> int:
    """Return the share of the fee that a row shows, rounded down.

    The batch's fee less the sum of these is the "rounding of the fee" on receipts.
    """
    return charge_nanousd * fee_bps // BPS
