"""What a work unit costs and takes on a lane: bounds that hold, and likely figures."""

import math
from typing import Final

from batchrouter.kit.money import TOKENS_PER_PRICE, ceil_div
from catalog.pricing import ceiling_numerator
from routing import queueing
from routing.contracts import OfferingFacts, UnitRequest

EXPECTED_OUTPUT_RATIO: Final = 0.5
_FACTOR_ONE_BPS: Final = 10_000
# An item's line becomes a line of a provider's words: short messages may double, and
# our reference, the endpoint and the model's name come on top.
JOB_LINE_FACTOR: Final = 2
JOB_LINE_OVERHEAD_BYTES: Final = 1024


def input_bound(offering: OfferingFacts, counted_tokens: int) -> int:
    """Return the most input tokens that one item can be charged for here.

    Args:
        offering: its provider's factor and overhead apply.
        counted_tokens: our o200k count of the item.
    """
    scaled = ceil_div(counted_tokens * offering.token_factor_bps, _FACTOR_ONE_BPS)
    return scaled + offering.message_overhead_tokens


def job_line_bytes(item_bytes: int) -> int:
    """Return about the most that an item's line in a provider job's input takes.

    Args:
        item_bytes: of the item's line in the manifest.
    """
    return JOB_LINE_FACTOR * item_bytes + JOB_LINE_OVERHEAD_BYTES


def unit_input_bound(offering: OfferingFacts, request: UnitRequest) -> int:
    """Return a bound on the sum of :func:`input_bound` over the unit's items.

    Every item rounds up by itself, so n items add at most n - 1 to one rounding of
    their sum.
    """
    count = request.item_count
    scaled = ceil_div(request.input_tokens * offering.token_factor_bps, _FACTOR_ONE_BPS)
    return scaled + max(count - 1, 0) + count * offering.message_overhead_tokens


def ceiling_nanousd(offering: OfferingFacts, request: UnitRequest) -> int:
    """Return the most that the unit can cost, with every line rounded up by itself."""
    bound = ceiling_numerator(
        offering.price,
        input_tokens=unit_input_bound(offering, request),
        input_tokens_max=input_bound(offering, request.input_tokens_max),
        output_tokens=request.output_tokens,
    )
    return ceil_div(bound, TOKENS_PER_PRICE) + max(request.item_count - 1, 0)


def expected_nanousd(
    offering: OfferingFacts,
    request: UnitRequest,
    *,
    output_ratio: float,
    ceiling: int | None = None,
) -> int:
    """Return what the unit is likely to cost, never more than the ceiling.

    Args:
        offering: its price, factor and overhead apply.
        request: the unit.
        output_ratio: share of the output caps that is usually written.
        ceiling: of :func:`ceiling_nanousd`, where it is known already.
    """
    input_tokens = unit_input_bound(offering, request)
    output_tokens = math.ceil(request.output_tokens * output_ratio)
    average = ceil_div(input_tokens, max(request.item_count, 1))
    tier = offering.price.tier_for(average)
    likely = input_tokens * tier.input + output_tokens * tier.output
    most = ceiling_nanousd(offering, request) if ceiling is None else ceiling
    return min(ceil_div(likely, TOKENS_PER_PRICE), most)


def finish_seconds(offering: OfferingFacts, request: UnitRequest) -> int:
    """Return the likely time from now to the last row.

    Jobs beyond what a provider lets wait at once come one round after the other.
    """
    if offering.mode == "batch":
        rounds = queueing.rounds(
            offering.queue_tokens_max,
            offering.queued_tokens,
            unit_input_bound(offering, request),
        )
        return offering.batch_seconds * rounds
    rate = max(offering.items_per_second, 0.001)
    return math.ceil(offering.latency_ms / 1000 + request.item_count / rate)
