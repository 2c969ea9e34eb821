"""What some items would cost by each open lane, from the catalog's prices alone.

Pure. A quote counts every token and judges every lane; this is the sum that anybody can
do with the price list, for pages that nobody logs in for.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from batchrouter.kit.money import fee_nanousd, line_charge_nanousd
from catalog.pricing import numerator
from catalog.values import CatalogOffering

# The usual rule of thumb for English text (OpenAI, "What are tokens", 2026-11-22).
CHARS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Job:
    """Items of one size.

    Attributes:
        input_tokens, output_tokens: of one item.
        fee_bps: our fee in hundredths of a percent of the tokens' price.
    """

    items: int
    input_tokens: int
    output_tokens: int
    fee_bps: int


@dataclass(frozen=True, slots=True)
class LanePrice:
    """A job by one lane; amounts in nano-dollars."""

    provider: str
    mode: str
    tokens_nanousd: int
    fee_nanousd: int

    @property
    def total_nanousd(self) -> int:
        """What would be charged."""
        return self.tokens_nanousd + self.fee_nanousd


def lane_prices(offerings: Sequence[CatalogOffering], job: Job) -> list[LanePrice]:
    """Price a job by every open lane, the cheapest first."""
    found = [
        _lane_price(one, job)
        for one in offerings
        if one.adapter and one.is_enabled and not one.is_sanctioned
    ]
    return sorted(found, key=lambda lane: (lane.total_nanousd, lane.mode))


def _lane_price(offering: CatalogOffering, job: Job) -> LanePrice:
    line = line_charge_nanousd(
        numerator(
            offering.price,
            input_tokens=job.input_tokens,
            cached_tokens=0,
            output_tokens=job.output_tokens,
        )
    )
    tokens = line * job.items
    return LanePrice(
        provider=offering.provider_name,
        mode=offering.mode,
        tokens_nanousd=tokens,
        fee_nanousd=fee_nanousd(tokens, fee_bps=job.fee_bps),
    )


def cheapest_of(lanes: Sequence[LanePrice], mode: str) -> LanePrice | None:
    """Return the cheapest lane of a mode; the lanes are in order."""
    return next((lane for lane in lanes if lane.mode == mode), None)


def saved_percent(cheaper: int, dearer: int) -> int:
    """Return how much less the first is, in whole percent; 0 where it is not."""
    return max(0, (dearer - cheaper) * 100 // dearer) if dearer else 0
