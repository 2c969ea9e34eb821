"""A quote as its page shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from batches.manifest.envelope import Spec
from batches.models import Quote
from batches.states import QuoteState
from batchrouter.kit.money import format_usd, parse_usd
from console.charts import Chart, CurvePoint, curve_chart
from console.estimates import saved_percent
from console.templatetags.console_format import dollars, spell_seconds

# Wishes that the page has no control for; a quote with one is not asked for again.
_OWN_WISHES = {
    "deadline_at": "a deadline of its own",
    "route_policy": "a route policy",
    "webhook_url": "a webhook",
    "metadata": "metadata",
    "exclude_golden": "golden rows left out of the output",
    "retention_days": "a retention of its own",
}


@dataclass(frozen=True, slots=True)
class QuoteLane:
    """A lane as it was judged; amounts are those of the provider, without our fee.

    Attributes:
        finish: how long the work would take there.
        trust_percent: how reliable the lane is held to be.
    """

    provider: str
    model: str
    mode: str
    regions: str
    is_selected: bool
    is_sandbox: bool
    ceiling_nanousd: int
    expected_nanousd: int
    finish: timedelta
    trust_percent: int
    reason: str


@dataclass(frozen=True, slots=True)
class QuotePoint:
    """A price by another deadline.

    Attributes:
        quote_id: what to submit for it; empty where it cannot be had.
    """

    tier: str
    within: str
    deadline_at: datetime
    quote_id: str
    total_nanousd: int | None
    item_count: int
    modes: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class QuoteView:
    """What a quote costs, by when, by which lanes, and why.

    Attributes:
        lanes, refused: of the largest group of items.
        saved_nanousd: by running duplicates once.
        direct_nanousd: what the same calls are expected to cost at the providers
            without a batch and without us; None where a group has no such lane.
        saved_percent: how much less is expected than that; 0 where it is not less.
        skipped: the first items left out, each with why.
        may_change: the page's controls can ask for it again without losing a wish.
        retry_of: the public id of the batch whose items it runs again.
    """

    public_id: str
    state: str
    is_open: bool
    valid_until: datetime
    deadline_at: datetime
    item_count: int
    file_id: str
    workflow: str
    total_nanousd: int
    expected_total_nanousd: int
    provider_subtotal_nanousd: int
    fee_nanousd: int
    fee_bps: int
    lanes: tuple[QuoteLane, ...]
    refused: tuple[QuoteLane, ...]
    group_count: int
    points: tuple[QuotePoint, ...]
    curve: Chart
    duplicate_count: int
    is_collapsed: bool
    saved_nanousd: int
    direct_nanousd: int | None
    saved_percent: int
    skipped_count: int
    skipped: tuple[tuple[str, str], ...]
    may_change: bool
    retry_of: str


def quote_view(quote: Quote, *, now: datetime) -> QuoteView:
    """Show a quote as it is now."""
    reply, direct = quote.reply, _direct(quote)
    is_over = quote.state == QuoteState.ACTIVE and now >= quote.valid_until
    points = tuple(_point(one, quote) for one in reply["price_deadline_curve"])
    duplicates = reply["duplicates"]
    judged = [_lane(lane) for lane in reply["lanes"]]
    has_rank = [lane["rank"] is not None for lane in reply["lanes"]]
    pairs = list(zip(judged, has_rank, strict=True))
    return QuoteView(
        public_id=quote.public_id,
        state=str(QuoteState.EXPIRED if is_over else quote.state),
        is_open=quote.state == QuoteState.ACTIVE and not is_over,
        valid_until=quote.valid_until,
        deadline_at=quote.deadline_at,
        item_count=quote.item_count,
        file_id=reply["input_file_id"],
        workflow=quote.spec["workflow"] or "",
        total_nanousd=quote.total_nanousd,
        expected_total_nanousd=quote.expected_total_nanousd,
        provider_subtotal_nanousd=quote.provider_subtotal_nanousd,
        fee_nanousd=quote.fee_nanousd,
        fee_bps=quote.fee_bps,
        lanes=tuple(lane for lane, ranked in pairs if ranked),
        refused=tuple(lane for lane, ranked in pairs if not ranked),
        group_count=len(reply["work_units"]),
        points=points,
        curve=_curve(points, reply["price_deadline_curve"]),
        duplicate_count=duplicates["count"],
        is_collapsed=duplicates["collapsed"],
        saved_nanousd=parse_usd(duplicates["saved"]),
        direct_nanousd=direct,
        saved_percent=0
        if direct is None
        else saved_percent(quote.expected_total_nanousd, direct),
        skipped_count=reply["skipped_count"],
        skipped=tuple(_skipped(entry) for entry in reply["skipped"]),
        may_change=may_change(quote),
        retry_of="" if quote.retry_of is None else quote.retry_of.public_id,
    )


def controls(quote: Quote) -> dict[str, Any]:
    """Return the page's controls as a quote was asked for, with its items' file."""
    spec = quote.spec
    most = spec["max_price_nanousd"]
    return {
        "workflow": spec["workflow"] or "",
        "input_file_id": quote.reply["input_file_id"],
        "sla_tier": spec["sla_tier"],
        "routing_mode": spec["routing_mode"],
        "privacy_tier": spec["privacy_tier"],
        "allowed_regions": spec["allowed_regions"],
        "max_price": "" if most is None else format_usd(most),
        "dedupe": spec["dedupe"],
        "skip_invalid": spec["on_invalid"] == "skip",
    }


def lost_wishes(quote: Quote) -> tuple[str, ...]:
    """Return what was wished and has no control on the page."""
    own = [words for name, words in _OWN_WISHES.items() if quote.spec[name]]
    if quote.spec["provider_preferences"] != Spec().to_json()["provider_preferences"]:
        own.append("preferred providers")
    return tuple(own)


def may_change(quote: Quote) -> bool:
    """Tell whether a quote was asked for with what the page has, and no more."""
    return quote.retry_of_id is None and not quote.is_test and not lost_wishes(quote)


def _direct(quote: Quote) -> int | None:
    """Sum the cheapest direct lane of the chosen model, over all groups of items."""
    total = 0
    for decision in quote.decisions:
        lanes = decision["judged"]
        model = next(lane["model"] for lane in lanes if lane["selected"])
        costs = [
            parse_usd(lane["expected"]["amount"])
            for lane in lanes
            if lane["mode"] == "direct" and lane["model"] == model
        ]
        if not costs:
            return None
        total += min(costs)
    return total


def _lane(lane: Mapping[str, Any]) -> QuoteLane:
    return QuoteLane(
        provider=lane["provider"],
        model=lane["model"],
        mode=lane["mode"],
        regions=", ".join(lane["regions"]),
        is_selected=lane["selected"],
        is_sandbox=lane["sandbox"],
        ceiling_nanousd=parse_usd(lane["ceiling"]["amount"]),
        expected_nanousd=parse_usd(lane["expected"]["amount"]),
        finish=timedelta(seconds=lane["finish_seconds"]),
        trust_percent=round(lane["trust_score"] * 100),
        reason=lane["reason"] or "",
    )


def _point(point: Mapping[str, Any], quote: Quote) -> QuotePoint:
    total = point["total"]
    return QuotePoint(
        tier=point["sla_tier"],
        within=spell_seconds(point["window_seconds"]),
        deadline_at=datetime.fromisoformat(point["deadline_at"]),
        quote_id=point["quote_id"] or "",
        total_nanousd=None if total is None else parse_usd(total),
        item_count=point["item_count"],
        modes=", ".join(point["modes"]),
        is_chosen=point["quote_id"] == quote.public_id,
    )


def _curve(points: Sequence[QuotePoint], stored: Sequence[Mapping[str, Any]]) -> Chart:
    return curve_chart(
        "curve",
        title="Price by deadline",
        points=[
            CurvePoint(
                point.tier,
                point.within,
                entry["window_seconds"],
                point.total_nanousd,
                is_chosen=point.is_chosen,
            )
            for point, entry in zip(points, stored, strict=True)
        ],
        write=dollars,
    )


def _skipped(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Return which items were left out, and why."""
    if "line" in entry:
        where = f"line {entry['line']}"
        name = entry["customer_item_id"]
        return (f"{where}, {name}" if name else where, entry["message"])
    places = ", ".join(str(place) for place in entry["items"])
    return (f"items {places}", entry["message"])
