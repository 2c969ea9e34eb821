"""Judged groups to a quote that is not stored yet: its price, and all values."""

from datetime import timedelta

from django.conf import settings

from batches import decisions
from batches.manifest.envelope import Spec
from batches.models import Manifest, Quote
from batches.services.judgement import Asked, GroupJudgement, Market
from batches.states import QuoteState
from batchrouter.kit.hashing import canonical_json, sha256_hex
from batchrouter.kit.money import fee_nanousd


def draft_quote(asked: Asked, market: Market, judged: list[GroupJudgement]) -> Quote:
    """Price the groups that have a lane; the reply is still to be written."""
    decided = [found.decision for found in judged if found.decision is not None]
    subtotal = sum(decision.ceiling_nanousd for decision in decided)
    expected = sum(decision.expected_nanousd for decision in decided)
    fee = fee_nanousd(subtotal, fee_bps=asked.fee_bps)
    expected_fee = fee_nanousd(expected, fee_bps=asked.fee_bps)
    now = market.now
    return Quote(
        state=QuoteState.ACTIVE,
        state_at=now,
        org=asked.org,
        manifest=asked.manifest,
        retry_of_id=asked.retry_of_id,
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


def fingerprint(manifest: Manifest, spec: Spec) -> str:
    """Name a manifest by its content, its secret apart: that is sealed by chance."""
    stored = {**spec.to_json(), "webhook_secret": None}
    return sha256_hex(canonical_json({"file": manifest.file.sha256, "spec": stored}))


def is_quote_of(quote: Quote, manifest: Manifest, spec: Spec) -> bool:
    """Tell whether a quote was made for just this manifest."""
    is_same = fingerprint(manifest, spec) == quote.fingerprint
    return is_same and Spec.from_json(quote.spec).webhook_secret == spec.webhook_secret


def are_enough_placed(judged: list[GroupJudgement], spec: Spec) -> bool:
    """Tell whether every group has a lane, or some have and the rest may be skipped."""
    homeless = sum(found.decision is None for found in judged)
    return not homeless or (spec.on_invalid == "skip" and homeless < len(judged))


def is_within_max_price(quote: Quote, spec: Spec) -> bool:
    """Tell whether the customer takes a quote at this total."""
    most = spec.max_price_nanousd
    return most is None or quote.total_nanousd <= most
