"""Manifest to quote: judge the lanes of every group, price the best, keep all values.

The total is a ceiling: counted input at the provider's factor and every output at its
cap, at the selected lane's price. It is what a submit reserves, and no fallback moves
it.
"""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from accounts.models import Org
from batches import decisions
from batches.manifest.envelope import Spec
from batches.models import Manifest, Quote
from batches.services import quote_reply
from batches.services.judgement import (
    Asked,
    GroupJudgement,
    Market,
    judge_group,
    open_market,
)
from batches.services.price_curve import price_deadline_curve
from batches.states import QuoteState
from batchrouter.kit.errors import BatchRouterError
from batchrouter.kit.hashing import canonical_json, sha256_hex
from batchrouter.kit.money import fee_nanousd, format_usd
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
    *, org: Org, manifest: Manifest, spec: Spec, is_test: bool, now: datetime
) -> Quote:
    """Price a checked manifest; nothing is reserved.

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
    )
    groups = list(manifest.groups.order_by("no"))
    market = open_market(asked, groups, now=now)
    judged = [judge_group(group, asked, market) for group in groups]
    _refuse_unplaceable(judged, spec)
    return _save(asked, market, judged)


def fingerprint(manifest: Manifest, spec: Spec) -> str:
    """Name a manifest by its content, to compare a submit with its quote."""
    canonical = canonical_json({"file": manifest.file.sha256, "spec": spec.to_json()})
    return sha256_hex(canonical)


def _fee_bps(spec: Spec) -> int:
    if spec.workflow is None:
        return MODEL_FEE_BPS
    return catalog_selectors.workflow(spec.workflow).workflow_fee_bps


def _refuse_unplaceable(judged: list[GroupJudgement], spec: Spec) -> None:
    homeless = [group for group in judged if group.decision is None]
    if not homeless or (spec.on_invalid == "skip" and len(homeless) < len(judged)):
        return
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


def _save(asked: Asked, market: Market, judged: list[GroupJudgement]) -> Quote:
    decided = [found.decision for found in judged if found.decision is not None]
    subtotal = sum(decision.ceiling_nanousd for decision in decided)
    expected = sum(decision.expected_nanousd for decision in decided)
    fee = fee_nanousd(subtotal, fee_bps=asked.fee_bps)
    expected_fee = fee_nanousd(expected, fee_bps=asked.fee_bps)
    _check_max_price(asked.spec, subtotal + fee)
    now = market.now
    quote = Quote(
        state=QuoteState.ACTIVE,
        state_at=now,
        org=asked.org,
        manifest=asked.manifest,
        fingerprint=fingerprint(asked.manifest, asked.spec),
        is_test=asked.is_test,
        spec=asked.spec.to_json(),
        decisions=[decisions.to_json(decision) for decision in decided],
        route_version_id=market.version.version_id,
        fee_bps=asked.fee_bps,
        item_count=sum(decision.item_count for decision in decided),
        provider_subtotal_nanousd=subtotal,
        fee_nanousd=fee,
        total_nanousd=subtotal + fee,
        expected_total_nanousd=min(expected + expected_fee, subtotal + fee),
        deadline_at=asked.deadline_at,
        valid_until=now + timedelta(seconds=settings.QUOTE_VALID_SECONDS),
        created_at=now,
    )
    curve = price_deadline_curve(asked, (found.group for found in judged), market)
    quote.reply = quote_reply.build(quote, asked, judged, curve)
    quote.save()
    return quote


def _check_max_price(spec: Spec, total_nanousd: int) -> None:
    most = spec.max_price_nanousd
    if most is not None and total_nanousd > most:
        raise MaxPriceExceeded(
            f"The ceiling is {format_usd(total_nanousd)} USD, above max_price "
            f"{format_usd(most)} USD. Lower max_output_tokens, allow a cheaper model "
            "or a later deadline, or raise max_price.",
            param="max_price",
            details={"total": format_usd(total_nanousd), "max_price": format_usd(most)},
        )
