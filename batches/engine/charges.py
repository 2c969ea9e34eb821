"""Pure: what a row costs the customer, and what it costs us."""

from dataclasses import dataclass
from typing import NamedTuple

from batchrouter.kit.money import ceil_div, line_charge_nanousd, line_fee_nanousd
from catalog.pricing import Price, ceiling_numerator, numerator
from routing.contracts import Usage

_FACTOR_ONE_BPS = 10_000
# When a provider reports nothing to believe, four characters count as a token.
_CHARACTERS_PER_TOKEN = 4
# No call of any provider bills more than this; larger reports are not believed.
_TOKENS_SANE_MAX = 20_000_000


@dataclass(frozen=True, slots=True)
class QuotedTerms:
    """What the quote promised for a group of items.

    Attributes:
        price: of the lane that was selected when the price was promised.
        factor_bps: that provider's tokens per o200k token, times 10,000.
        overhead_tokens: added per item.
        default_cap: output cap of items that name none; 0 for embeddings.
        fee_bps: the service fee.
    """

    price: Price
    factor_bps: int
    overhead_tokens: int
    default_cap: int
    fee_bps: int

    def input_bound(self, counted_tokens: int) -> int:
        """Return the most input tokens that an item can be charged for."""
        return (
            ceil_div(counted_tokens * self.factor_bps, _FACTOR_ONE_BPS)
            + self.overhead_tokens
        )


class RowMoney(NamedTuple):
    """The money of one delivered row.

    Attributes:
        subtotal_nanousd: at the quoted price, never above the item's ceiling.
        fee_nanousd: the row's share of the fee, rounded down.
        cost_nanousd: what the provider bills us.
    """

    subtotal_nanousd: int
    fee_nanousd: int
    cost_nanousd: int

    @property
    def charge_nanousd(self) -> int:
        """What the row adds to the customer's bill, before the fee's rounding."""
        return self.subtotal_nanousd + self.fee_nanousd


def believable(usage: Usage | None) -> Usage | None:
    """Return the usage unless its numbers cannot be true."""
    if usage is None:
        return None
    counts = (
        usage.input_tokens,
        usage.cached_tokens,
        usage.cache_write_tokens,
        usage.output_tokens,
        usage.reasoning_tokens,
    )
    if min(counts) < 0 or max(counts) > _TOKENS_SANE_MAX:
        return None
    if usage.cached_tokens + usage.cache_write_tokens > usage.input_tokens:
        return None
    return usage if usage.reasoning_tokens <= usage.output_tokens else None


def estimated_usage(*, counted_tokens: int, text: str | None) -> Usage:
    """Stand in for a usage report that is missing or absurd."""
    output = ceil_div(len(text or ""), _CHARACTERS_PER_TOKEN)
    return Usage(counted_tokens, 0, output, 0)


def row_money(
    usage: Usage,
    *,
    terms: QuotedTerms,
    lane_price: Price,
    counted_tokens: int,
    output_cap: int,
    cost_bps: int = _FACTOR_ONE_BPS,
) -> RowMoney:
    """Price a delivered row: the quote's price for the customer, the lane's for us.

    Args:
        usage: as reported and believed, or estimated.
        terms: what the quote promised.
        lane_price: of the offering that answered.
        counted_tokens: our o200k count of the item.
        output_cap: the cap sent to the provider; 0 for embeddings.
        cost_bps: what the call cost us of the lane's price, times 10,000.
    """
    # Never more tokens than the ceiling was computed from, so never more money.
    input_tokens = min(usage.input_tokens, terms.input_bound(counted_tokens))
    subtotal = line_charge_nanousd(
        numerator(
            terms.price,
            input_tokens=input_tokens,
            cached_tokens=min(usage.cached_tokens, input_tokens),
            output_tokens=min(usage.output_tokens, output_cap),
        )
    )
    return RowMoney(
        subtotal_nanousd=subtotal,
        fee_nanousd=line_fee_nanousd(subtotal, fee_bps=terms.fee_bps),
        cost_nanousd=ceil_div(
            provider_cost_nanousd(usage, lane_price) * cost_bps, _FACTOR_ONE_BPS
        ),
    )


def not_charged(money: RowMoney) -> RowMoney:
    """Return the money of a row that the customer does not pay for: our cost alone."""
    return RowMoney(0, 0, money.cost_nanousd)


def provider_cost_nanousd(usage: Usage, lane_price: Price) -> int:
    """Return what the provider bills us for this usage."""
    return line_charge_nanousd(
        numerator(
            lane_price,
            input_tokens=usage.input_tokens,
            cached_tokens=usage.cached_tokens,
            output_tokens=usage.output_tokens,
        )
    )


def lost_call_cost_nanousd(
    lane_price: Price, *, input_tokens: int, output_cap: int
) -> int:
    """Return the most that a call with an unknown outcome may be billed.

    Args:
        lane_price: of the offering that was asked.
        input_tokens: a bound on what was sent.
        output_cap: the cap that was sent; 0 for embeddings.
    """
    return line_charge_nanousd(
        ceiling_numerator(
            lane_price,
            input_tokens=input_tokens,
            input_tokens_max=input_tokens,
            output_tokens=output_cap,
        )
    )
