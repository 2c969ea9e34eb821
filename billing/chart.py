"""The chart of accounts: every code, its normal side, and whether it is guarded.

A posting above zero debits, one below zero credits. A guarded account keeps a cached,
versioned balance, is locked before it moves and can never go below zero; the others
only record, because a cached balance that every customer shares would make all
customers wait for one row.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

AVAILABLE_PREFIX = "available:"
AVAILABLE_PAID = "available:paid"
RESERVED = "reserved"
RECEIVABLE = "receivable"  # a payment was disputed after the credits were spent
STRIPE_CLEARING = "stripe_clearing"
BANK = "bank"
SUSPENSE = "suspense"  # paid, but not matched to an organization
REVENUE_USAGE = "revenue:usage"
REVENUE_SERVICE_FEE = "revenue:service_fee"
REVENUE_BREAKAGE = "revenue:breakage"  # credits that expired unspent
EXPENSE_AMBIGUOUS = "expense:ambiguous"  # provider work whose outcome is unknown
EXPENSE_PROMO = "expense:promo"
EXPENSE_GOODWILL = "expense:goodwill"
EXPENSE_PAYMENT_FEES = "expense:payment_fees"
EXPENSE_DISPUTE_LOSS = "expense:dispute_loss"

# Every organization has these two, made together when it first has credits.
CORE_ORG_CODES = (AVAILABLE_PAID, RESERVED)

_NAME = re.compile(r"\A[a-z0-9][a-z0-9_.-]{0,39}\Z")


class Normal(StrEnum):
    """The side on which an account grows."""

    DEBIT = "debit"  # assets and expenses
    CREDIT = "credit"  # liabilities and income


@dataclass(frozen=True)
class Rule:
    """What holds for an account."""

    normal: Normal
    of_org: bool = False
    guarded: bool = False


class UnknownAccount(ValueError):
    """The code is not in the chart."""


_ASSET_OR_EXPENSE = Rule(Normal.DEBIT)
_LIABILITY_OR_INCOME = Rule(Normal.CREDIT)
_CUSTOMER = Rule(Normal.CREDIT, of_org=True, guarded=True)

_SINGLE: Mapping[str, Rule] = {
    AVAILABLE_PAID: _CUSTOMER,
    RESERVED: _CUSTOMER,
    RECEIVABLE: Rule(Normal.DEBIT, of_org=True),
    STRIPE_CLEARING: _ASSET_OR_EXPENSE,
    BANK: _ASSET_OR_EXPENSE,
    SUSPENSE: _LIABILITY_OR_INCOME,
    REVENUE_USAGE: _LIABILITY_OR_INCOME,
    REVENUE_SERVICE_FEE: _LIABILITY_OR_INCOME,
    REVENUE_BREAKAGE: _LIABILITY_OR_INCOME,
    EXPENSE_AMBIGUOUS: _ASSET_OR_EXPENSE,
    EXPENSE_PROMO: _ASSET_OR_EXPENSE,
    EXPENSE_GOODWILL: _ASSET_OR_EXPENSE,
    EXPENSE_PAYMENT_FEES: _ASSET_OR_EXPENSE,
    EXPENSE_DISPUTE_LOSS: _ASSET_OR_EXPENSE,
}
_FAMILIES: Mapping[str, Rule] = {
    "available:promo": _CUSTOMER,  # one account for each promotional grant
    "cogs": _ASSET_OR_EXPENSE,  # one for each provider
    "payable": _LIABILITY_OR_INCOME,  # one for each provider
}


def available_promo(grant_id: str) -> str:
    """Name the account that holds what is left of a promotional grant."""
    return f"available:promo:{grant_id}"


def cogs(provider: str) -> str:
    """Name the account of what a provider's work cost us."""
    return f"cogs:{provider}"


def payable(provider: str) -> str:
    """Name the account of what we owe a provider."""
    return f"payable:{provider}"


def opened_with(codes: Iterable[str]) -> set[str]:
    """Return accounts with those that are opened at the same time.

    What a provider costs is booked in two postings of one commit at most. Had each its
    own new accounts, two commits could wait for each other's.
    """
    providers = [
        code.partition(":")[2] for code in codes if code.startswith("payable:")
    ]
    together = {make(name) for name in providers for make in (cogs, payable)}
    return {*codes, *together, *([EXPENSE_AMBIGUOUS] if providers else [])}


def rule_of(code: str) -> Rule:
    """Return what holds for an account.

    Raises:
        UnknownAccount: the chart has no such account.
    """
    if code in _SINGLE:
        return _SINGLE[code]
    family, _, name = code.rpartition(":")
    if family not in _FAMILIES or _NAME.match(name) is None:
        raise UnknownAccount(f"the chart has no account {code!r}")
    return _FAMILIES[family]


def balance_nanousd(normal: str, postings_sum_nanousd: int) -> int:
    """Turn a sum of postings into a balance on the account's normal side."""
    if normal == Normal.DEBIT:
        return postings_sum_nanousd
    return -postings_sum_nanousd
