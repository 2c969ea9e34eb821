"""What a ledger transaction did to an organization's credits."""

from dataclasses import dataclass

from billing import chart
from billing.models import LedgerTransaction


@dataclass(frozen=True)
class Effect:
    """The changes of what may be spent and of what is held, and what was paid."""

    available_nanousd: int
    reserved_nanousd: int
    usage_nanousd: int
    fee_nanousd: int


_WORDS = {
    chart.RESERVED: "reserved",
    chart.REVENUE_USAGE: "usage",
    chart.REVENUE_SERVICE_FEE: "fee",
}


def effect_of(entry: LedgerTransaction) -> Effect:
    """Add up a transaction's postings; read it with ``postings__account``."""
    sums = {"available": 0, "reserved": 0, "usage": 0, "fee": 0}
    for posting in entry.postings.all():
        code = posting.account.code
        is_available = code.startswith(chart.AVAILABLE_PREFIX)
        word = "available" if is_available else _WORDS.get(code)
        if word:
            # All four are on the credit side: a credit is a gain of the account.
            sums[word] -= posting.amount_nanousd
    return Effect(sums["available"], sums["reserved"], sums["usage"], sums["fee"])
