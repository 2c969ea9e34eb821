"""The quote as the customer sees it: bounded, whatever the manifest's size."""

from collections.abc import Iterable
from typing import Any

import orjson

from batches.models import Quote
from batches.services.judgement import Asked, GroupJudgement
from batchrouter.kit import clock
from batchrouter.kit.money import fee_nanousd, format_usd

# A quote stays under 64 KiB, whatever was asked: its three lists share that. The route
# receipt has all lanes and groups, and the counts beside the lists count everything.
_LANES_BYTES = 14 << 10
_UNITS_BYTES = 28 << 10
_SKIPPED_BYTES = 14 << 10


def build(
    quote: Quote,
    asked: Asked,
    judged: list[GroupJudgement],
    curve: list[dict[str, Any]],
) -> dict[str, Any]:
    """Return the stored part of the reply; funding and state are added when shown."""
    decided = [found for found in judged if found.decision is not None]
    largest = max(decided, key=lambda found: found.group.item_count)
    units = _within(_UNITS_BYTES, map(_unit, decided))
    return {
        "quote_id": quote.public_id,
        "object": "quote",
        "valid_until": clock.iso(quote.valid_until),
        "deadline_at": clock.iso(quote.deadline_at),
        "route_version": quote.route_version_id,
        "item_count": quote.item_count,
        "input_file_id": asked.manifest.file.public_id,
        "pricing_estimate": {
            "currency": "usd",
            "provider_subtotal": format_usd(quote.provider_subtotal_nanousd),
            "service_fee": format_usd(quote.fee_nanousd),
            "total": format_usd(quote.total_nanousd),
            "expected_total": format_usd(quote.expected_total_nanousd),
        },
        "fee_bps": quote.fee_bps,
        "route_decision": largest.decision.route if largest.decision else None,
        "lanes": _lanes(largest),
        "work_units": units,
        "work_units_truncated": len(units) < len(decided),
        "price_range": _price_range(largest),
        "price_deadline_curve": curve,
        "golden": {
            "items": asked.manifest.golden_count,
            "charged": False,
            "excluded_from_output": asked.spec.exclude_golden,
        },
        "duplicates": _duplicates(quote, asked, decided),
        "skipped": _within(_SKIPPED_BYTES, _skipped(asked, judged)),
        "skipped_count": asked.manifest.skipped_count
        + sum(found.group.item_count for found in judged if found.decision is None),
    }


def _duplicates(
    quote: Quote, asked: Asked, decided: list[GroupJudgement]
) -> dict[str, Any]:
    """Return how many items repeat another, and how much collapsing them saves.

    What is saved is the difference of the ceilings, fee included.
    """
    saved = sum(
        found.decision.saved_nanousd for found in decided if found.decision is not None
    )
    subtotal = quote.provider_subtotal_nanousd
    fee = fee_nanousd(subtotal + saved, fee_bps=quote.fee_bps) - quote.fee_nanousd
    return {
        "count": sum(found.group.copies for found in decided),
        "collapsed": asked.spec.dedupe,
        "saved": format_usd(saved + fee),
    }


def _within(bytes_max: int, entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the first entries that fit into this many bytes of JSON."""
    shown: list[dict[str, Any]] = []
    for entry in entries:
        bytes_max -= len(orjson.dumps(entry)) + 1
        if bytes_max < 0:
            break
        shown.append(entry)
    return shown


def _lanes(found: GroupJudgement) -> list[dict[str, Any]]:
    """Return the lanes of a group, the eligible ones first and by their rank."""
    judged = found.decision.judged if found.decision else []
    ordered = sorted(judged, key=lambda lane: (lane["rank"] is None, lane["rank"] or 0))
    return _within(_LANES_BYTES, ordered)


def _unit(found: GroupJudgement) -> dict[str, Any]:
    group, decision = found.group, found.decision
    assert decision is not None
    first = decision.stages[0]
    return {
        "group_no": group.no,
        "operation": group.operation,
        "models": group.model_slugs,
        "item_count": group.item_count,
        "items": group.ranges,
        "input_tokens": group.input_tokens,
        "selected_provider": first.provider,
        "selected_model": first.model,
        "mode": first.mode,
        "default_max_output_tokens": decision.terms.default_cap
        if group.uncapped_count
        else None,
        "provider_subtotal": format_usd(decision.ceiling_nanousd),
        "route_decision": decision.route,
        "fallback_stages": [
            {
                "provider": stage.provider,
                "model": stage.model,
                "mode": stage.mode,
                "leave_at": clock.iso(stage.leave_at),
            }
            for stage in decision.stages
        ],
    }


def _price_range(found: GroupJudgement) -> dict[str, Any] | None:
    """Return the cheapest and dearest rates among the lanes that could take it."""
    eligible = [lane for lane in found.lanes if lane.rank is not None]
    if not eligible:
        return None
    prices = [lane.offering.price for lane in eligible]
    rates = {
        "input": [price.input for price in prices],
        "cached_input": [price.cached_input for price in prices],
        "output": [price.output for price in prices],
    }
    by_ceiling = sorted(eligible, key=lambda lane: lane.ceiling_nanousd)
    return {
        "unit": "usd_per_million_tokens",
        **{
            name: {"from": format_usd(min(values)), "to": format_usd(max(values))}
            for name, values in rates.items()
        },
        "best_case_provider": by_ceiling[0].offering.provider,
        "worst_case_provider": by_ceiling[-1].offering.provider,
    }


def _skipped(asked: Asked, judged: list[GroupJudgement]) -> list[dict[str, Any]]:
    homeless = [
        {
            "items": found.group.ranges,
            "item_count": found.group.item_count,
            "code": "no_eligible_lane",
            "message": "; ".join(
                sorted({lane.reason for lane in found.lanes if lane.reason})
            )[:500],
        }
        for found in judged
        if found.decision is None
    ]
    return [*asked.manifest.skipped, *homeless]
