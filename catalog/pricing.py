"""Pure price arithmetic: tokens and a price to exact numerators and nano-dollars."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PriceTier:
    """The rates that hold above a number of input tokens.

    Attributes:
        above_input_tokens: the tier holds for calls with more input tokens than this.
        input, cached_input, output: nano-dollars per million tokens.
    """

    above_input_tokens: int
    input: int
    cached_input: int
    output: int


@dataclass(frozen=True, slots=True)
class Price:
    """One dated price of an offering, in nano-dollars per million tokens.

    Attributes:
        price_id: the row of the version, for snapshots and receipts.
        input, cached_input, output: rates of the lowest tier.
        tiers: higher tiers by input size, ascending.
        source: the page it was read on.
        as_of: ISO date of that reading.
    """

    price_id: int
    input: int
    cached_input: int
    output: int
    tiers: tuple[PriceTier, ...]
    source: str
    as_of: str

    def tier_for(self, input_tokens: int) -> PriceTier:
        """Return the rates for a call with this many input tokens."""
        chosen = PriceTier(0, self.input, self.cached_input, self.output)
        for tier in self.tiers:
            if input_tokens > tier.above_input_tokens:
                chosen = tier
        return chosen


def numerator(
    price: Price, *, input_tokens: int, cached_tokens: int, output_tokens: int
) -> int:
    """Return tokens times rates, before the division by a million tokens.

    Args:
        price: the version to apply.
        input_tokens: all input, the cached part included.
        cached_tokens: the part of the input that the provider read from its cache.
        output_tokens: all output, reasoning included.

    Raises:
        ValueError: a count is negative, or more is cached than was sent.
    """
    if min(input_tokens, cached_tokens, output_tokens) < 0:
        raise ValueError("token counts are not negative")
    if cached_tokens > input_tokens:
        raise ValueError("more cached than sent")
    tier = price.tier_for(input_tokens) if price.tiers else price
    return (
        (input_tokens - cached_tokens) * tier.input
        + cached_tokens * tier.cached_input
        + output_tokens * tier.output
    )


def highest_tier(price: Price, input_tokens_max: int) -> PriceTier:
    """Return the dearest rates that any call up to this size can meet."""
    tier = price.tier_for(input_tokens_max)
    return PriceTier(
        tier.above_input_tokens,
        max(price.input, tier.input),
        max(price.cached_input, tier.cached_input),
        max(price.output, tier.output),
    )


def ceiling_numerator(
    price: Price,
    *,
    input_tokens: int,
    input_tokens_max: int,
    output_tokens: int,
) -> int:
    """Return a bound on the summed numerators of a group of calls.

    Args:
        price: the version to apply.
        input_tokens: summed over the calls; nothing is taken to be cached.
        input_tokens_max: of the largest call; it decides the tier for all of them.
        output_tokens: summed caps.
    """
    tier = highest_tier(price, input_tokens_max)
    dearest_input = max(tier.input, tier.cached_input)
    return input_tokens * dearest_input + output_tokens * tier.output


def cheapest(prices: Sequence[Price]) -> Price:
    """Return the price with the lowest input plus output rate."""
    return min(prices, key=lambda price: price.input + price.output)
