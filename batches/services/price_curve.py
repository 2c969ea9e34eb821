"""What hurrying or waiting would cost."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from batches.models import ItemGroup
from batches.services.judgement import (
    Asked,
    Market,
    best_lane,
    judged_lanes,
    unit_request,
)
from batchrouter.kit.money import fee_nanousd, format_usd

_WINDOWS: Mapping[str, timedelta] = {
    "priority": timedelta(hours=1),
    "standard": timedelta(hours=24),
    "flex": timedelta(hours=48),
}


def price_deadline_curve(
    asked: Asked, groups: Iterable[ItemGroup], market: Market
) -> list[dict[str, Any]]:
    """Return the ceiling for each tier's deadline, from the same market."""
    every = list(groups)
    return [
        _point(tier, window, asked, every, market) for tier, window in _WINDOWS.items()
    ]


def _point(
    tier: str,
    window: timedelta,
    asked: Asked,
    groups: list[ItemGroup],
    market: Market,
) -> dict[str, Any]:
    subtotal = item_count = 0
    modes: set[str] = set()
    for group in groups:
        request = unit_request(group, asked, market, deadline_at=market.now + window)
        best = best_lane(judged_lanes(request, market))
        if best is not None:
            subtotal += best.ceiling_nanousd
            item_count += group.item_count
            modes.add(best.offering.mode)
    total = subtotal + fee_nanousd(subtotal, fee_bps=asked.fee_bps)
    return {
        "sla_tier": tier,
        "window_seconds": int(window.total_seconds()),
        "total": format_usd(total) if item_count else None,
        "item_count": item_count,
        "modes": sorted(modes),
    }
