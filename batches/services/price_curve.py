"""What hurrying or waiting would cost, each point a quote that can be accepted."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from batches.manifest.envelope import SLA_HOURS
from batches.models import Quote
from batches.services import drafting
from batches.services.judgement import Asked, GroupJudgement, Market, judge_group
from batchrouter.kit import clock
from batchrouter.kit.money import format_usd


@dataclass(frozen=True, slots=True)
class Point:
    """The same manifest by one tier's deadline, on the same market.

    Attributes:
        quote: a draft; of the quote's own tier the quote itself.
        is_acceptable: whether the customer could submit it.
    """

    tier: str
    asked: Asked
    judged: list[GroupJudgement]
    quote: Quote
    is_acceptable: bool


def curve_points(
    quote: Quote, asked: Asked, judged: list[GroupJudgement], market: Market
) -> Iterator[Point]:
    """Yield a point for each tier, the shortest deadline first."""
    for tier in SLA_HOURS:
        if asked.spec.deadline_at is None and asked.spec.sla_tier == tier:
            yield Point(tier, asked, judged, quote, is_acceptable=True)
        else:
            yield _other_point(tier, asked, judged, market)


def _other_point(
    tier: str, asked: Asked, judged: list[GroupJudgement], market: Market
) -> Point:
    spec = replace(asked.spec, sla_tier=tier, deadline_at=None)
    other = replace(asked, spec=spec, deadline_at=spec.deadline(market.now))
    again = [judge_group(found.group, other, market) for found in judged]
    quote = drafting.draft_quote(other, market, again)
    is_acceptable = drafting.are_enough_placed(
        again, spec
    ) and drafting.is_within_max_price(quote, spec)
    return Point(tier, other, again, quote, is_acceptable)


def point_json(point: Point) -> dict[str, Any]:
    """Return a point as the quote shows it."""
    quote = point.quote
    decided = [found.decision for found in point.judged if found.decision is not None]
    return {
        "quote_id": quote.public_id if point.is_acceptable else None,
        "sla_tier": point.tier,
        "window_seconds": int(timedelta(hours=SLA_HOURS[point.tier]).total_seconds()),
        "deadline_at": clock.iso(quote.deadline_at),
        "total": format_usd(quote.total_nanousd) if decided else None,
        "item_count": quote.item_count,
        "modes": sorted({decision.stages[0].mode for decision in decided}),
    }
