"""Manifest to quote: judge the lanes of every group, price the best, keep all values.

The total is a ceiling: counted input at the provider's factor and every output at its
cap, at the selected lane's price. It is what a submit reserves, and no fallback moves
it.
"""

from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import Org
from batches.manifest.envelope import Spec
from batches.models import Batch, Manifest, Quote
from batches.services import drafting, quote_reply
from batches.services.judgement import (
    Asked,
    GroupJudgement,
    judge_group,
    open_market,
)
from batches.services.price_curve import Point, curve_points, point_json
from batchrouter.kit.errors import BatchRouterError
from batchrouter.kit.money import format_usd
from catalog import selectors as catalog_selectors

# Of the provider subtotal (api-contract section 3): model routes, workflow products.
MODEL_FEE_BPS = 590


class NoEligibleLane(BatchRouterError):
    """No lane can take some of the items; every lane's reason is listed."""

    code = "no_eligible_lane"
    status = 422
    error_type = "invalid_request_error"


class MaxPriceExceeded(BatchRouterError):
    """The ceiling is above the manifest's ``max_price``."""

    code = "max_price_exceeded"
    status = 422
    error_type = "invalid_request_error"


def quote_manifest(
    *,
    org: Org,
    manifest: Manifest,
    spec: Spec,
    is_test: bool,
    now: datetime,
    with_curve: bool = True,
    retry_of: Batch | None = None,
) -> Quote:
    """Price a checked manifest; nothing is reserved.

    Args:
        org: who asks.
        manifest: the checked items.
        spec: the wishes.
        is_test: judge the simulator's lanes.
        now: the instant of the decision.
        with_curve: offer the other tiers too; a manifest that is submitted at once
            has no use for them.
        retry_of: the ended batch that the items are from.

    Raises:
        NoEligibleLane: some items have no lane and ``on_invalid`` is not ``skip``, or
            none has.
        MaxPriceExceeded.
    """
    asked = Asked(
        org=org,
        manifest=manifest,
        spec=spec,
        is_test=is_test,
        fee_bps=_fee_bps(spec),
        deadline_at=spec.deadline(now),
        retry_of_id=None if retry_of is None else retry_of.pk,
    )
    groups = list(manifest.groups.order_by("no"))
    market = open_market(asked, groups, now=now)
    judged = [judge_group(group, asked, market) for group in groups]
    _refuse_unplaceable(judged, spec)
    quote = drafting.draft_quote(asked, market, judged)
    _check_max_price(quote, spec)
    points = list(curve_points(quote, asked, judged, market)) if with_curve else []
    curve = [point_json(point) for point in points]
    quote.reply = quote_reply.build(quote, asked, judged, curve)
    _save(quote, points, curve)
    return quote


@transaction.atomic
def _save(quote: Quote, points: list[Point], curve: list[dict[str, Any]]) -> None:
    quote.save()
    others = [
        point for point in points if point.is_acceptable and point.quote is not quote
    ]
    for point in others:
        point.quote.curve_of = quote
        point.quote.reply = quote_reply.build(
            point.quote, point.asked, point.judged, curve
        )
    Quote.objects.bulk_create(point.quote for point in others)


def _fee_bps(spec: Spec) -> int:
    if spec.workflow is None:
        return MODEL_FEE_BPS
    return catalog_selectors.workflow(spec.workflow).workflow_fee_bps


def _refuse_unplaceable(judged: list[GroupJudgement], spec: Spec) -> None:
    if drafting.are_enough_placed(judged, spec):
        return
    homeless = [group for group in judged if group.decision is None]
    count = sum(found.group.item_count for found in homeless)
    raise NoEligibleLane(
        f"No lane can take {count} of the items; details lists each lane's reason. "
        "Widen the models, regions, privacy tier or deadline, or send on_invalid: "
        "skip.",
        details={"groups": [_homeless_json(found) for found in homeless]},
    )


def _homeless_json(found: GroupJudgement) -> dict[str, Any]:
    return {
        "operation": found.group.operation,
        "models": found.group.model_slugs,
        "item_count": found.group.item_count,
        "items": found.group.ranges,
        "lanes": [
            {
                "provider": lane.offering.provider,
                "model": lane.offering.model,
                "mode": lane.offering.mode,
                "code": lane.rejection_code,
                "reason": lane.reason,
            }
            for lane in found.lanes
        ],
    }


def _check_max_price(quote: Quote, spec: Spec) -> None:
    most = spec.max_price_nanousd
    if most is None or drafting.is_within_max_price(quote, spec):
        return
    raise MaxPriceExceeded(
        f"The ceiling is {format_usd(quote.total_nanousd)} USD, above max_price "
        f"{format_usd(most)} USD. Lower max_output_tokens, allow a cheaper model "
        "or a later deadline, or raise max_price.",
        param="max_price",
        details={
            "total": format_usd(quote.total_nanousd),
            "max_price": format_usd(most),
        },
    )
