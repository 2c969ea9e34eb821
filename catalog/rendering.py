"""Rows of the catalog as the public API shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from batchrouter.kit import clock, money
from catalog.demand import Ranking, RankingRow
from catalog.health import Health, Present
from catalog.models import (
    ModelProfile,
    Offering,
    OfferingPrice,
    Provider,
    WorkflowProduct,
)
from catalog.policies import RoutePolicy
from catalog.values import privacy_tiers

JSON = dict[str, Any]


def model_json(model: ModelProfile, *, now: datetime) -> JSON:
    """Return one model; its offerings carry their price in ``prices.all()``."""
    return {
        "slug": model.slug,
        "display_name": model.display_name,
        "family": model.family,
        "operations": model.operations,
        "context_window": model.context_window,
        "max_output_tokens": model.max_output_tokens,
        "default_max_output_tokens": model.default_max_output_tokens,
        "capabilities": {
            "vision": model.supports_vision,
            "json_schema": model.supports_schema,
            "tools": model.supports_tools,
            "sampling": model.supports_sampling,
            "embedding_dimensions": model.embedding_dimensions,
        },
        "deprecates_at": clock.iso_or_none(model.deprecates_at),
        "provider_offerings": [
            offering_json(offering, now=now) for offering in model.offerings.all()
        ],
    }


def model_detail_json(model: ModelProfile, *, now: datetime) -> JSON:
    """Return one model with how it is routed and a manifest to start from."""
    return model_json(model, now=now) | {
        "routing": _routing(model, now),
        "example_manifest": example_manifest(model),
    }


def offering_json(offering: Offering, *, now: datetime) -> JSON:
    """Return one offering with its price in force."""
    provider = offering.provider
    price = _price(offering)
    return {
        "id": offering.public_id,
        "provider": provider.key,
        "provider_name": provider.display_name,
        "provider_model": offering.provider_model,
        "mode": offering.mode,
        "regions": [offering.region],
        "privacy": {
            "tiers": list(privacy_tiers(offering.privacy)),
            "retention_days": provider.retention_days,
            "trains_on_data": provider.trains_on_data,
            "zero_retention_available": provider.zero_retention_available,
        },
        "context_window": offering.context_window,
        "max_output_tokens": offering.max_output_tokens,
        "prices": None if price is None else _prices(price),
        "price_basis": None if price is None else price.price_basis,
        "source": None if price is None else price.source,
        "as_of": None if price is None else price.as_of.isoformat(),
        "deprecates_at": clock.iso_or_none(offering.deprecates_at),
        "status": offering_status(offering, now),
    }


def offering_status(offering: Offering, now: datetime) -> str:
    """Return ``active``, or why nothing is routed there."""
    provider = offering.provider
    if provider.is_sanctioned or not (offering.enabled and provider.enabled):
        return "disabled"
    if offering.deprecates_at is not None and offering.deprecates_at <= now:
        return "retired"
    if _price(offering) is None:
        return "unpriced"
    return "active" if offering.adapter else "not_connected"


def _price(offering: Offering) -> OfferingPrice | None:
    """Return the price that the query put with the offering: the one in force."""
    prices = list(offering.prices.all())
    return prices[0] if prices else None


def _prices(price: OfferingPrice) -> JSON:
    rates = {"input": price.input, "cached_input": price.cached_input}
    return {
        "currency": "usd",
        "per_tokens": money.TOKENS_PER_PRICE,
        **_usd(rates | {"output": price.output}),
        "tiers": [
            {
                "above_input_tokens": tier["above_input_tokens"],
                **_usd({name: tier[name] for name in (*rates, "output")}),
            }
            for tier in price.tiers
        ],
    }


def _usd(rates: Mapping[str, int]) -> dict[str, str]:
    return {name: money.format_usd(rate) for name, rate in rates.items()}


def _routing(model: ModelProfile, now: datetime) -> JSON:
    """Return the lanes that are open now, the most reliable and cheapest first."""
    open_lanes = [
        offering
        for offering in model.offerings.all()
        if offering_status(offering, now) == "active"
    ]
    ordered = sorted(open_lanes, key=_by_reliability_and_price)
    return {
        "quality_prior": model.quality,
        "quality_source": model.quality_source,
        "modes": sorted({offering.mode for offering in open_lanes}),
        "regions": sorted({offering.region for offering in open_lanes}),
        "privacy_tiers": _all_tiers(open_lanes),
        "fallback_order": [
            {
                "offering_id": offering.public_id,
                "provider": offering.provider.key,
                "mode": offering.mode,
                "reliability_prior": offering.reliability_prior,
            }
            for offering in ordered
        ],
    }


def _by_reliability_and_price(offering: Offering) -> tuple[float, int]:
    price = _price(offering)
    return -offering.reliability_prior, 0 if price is None else price.input


def _all_tiers(offerings: Sequence[Offering]) -> list[str]:
    served = {tier for row in offerings for tier in privacy_tiers(row.privacy)}
    return [tier for tier in privacy_tiers("restricted") if tier in served]


def example_manifest(model: ModelProfile) -> JSON:
    """Return a small manifest for this model that can be quoted as it stands."""
    if "embeddings" in model.operations:
        operation = "embeddings"
        input_: JSON = {"input": "A lane outside your regions is never used."}
    else:
        operation = "responses"
        question = "Summarize yesterday's support queue into five bullets."
        input_ = {
            "input": [{"role": "user", "content": question}],
            "max_output_tokens": min(512, model.max_output_tokens),
        }
    return {
        "sla_tier": "standard",
        "routing_mode": "sla_aware",
        "privacy_tier": "standard",
        "allowed_regions": ["global"],
        "items": [
            {
                "customer_item_id": "example_001",
                "operation": operation,
                "model": model.slug,
                "model_options": [model.slug],
                "input": input_,
            }
        ],
    }


def provider_json(
    provider: Provider, health: Mapping[str, Health], present: Present
) -> JSON:
    """Return a provider's posture."""
    is_open = provider.enabled and not provider.is_sanctioned
    return {
        "slug": provider.key,
        "display_name": provider.display_name,
        "website": provider.website,
        "regions": provider.regions,
        "modes": provider.modes,
        "retention_days": provider.retention_days,
        "trains_on_data": provider.trains_on_data,
        "zero_retention_available": provider.zero_retention_available,
        "privacy_tiers": provider.privacy_tiers,
        "status": "enabled" if is_open else "disabled",
        "health": {name: asdict(found) for name, found in health.items()},
        "present": asdict(present),
        "facts": provider.facts,
        "as_of": provider.as_of.isoformat(),
    }


def workflow_json(product: WorkflowProduct) -> JSON:
    """Return a packaged job."""
    return {
        "slug": product.slug,
        "version": f"v{product.version}",
        "name": product.name,
        "summary": product.summary,
        "preset_manifest": product.preset_manifest,
        "default_route_products": product.default_route_products,
        "artifact_contract": product.artifact_contract,
        "webhook_contract": product.webhook_contract,
        "success_sla": product.success_sla,
        "workflow_fee_bps": product.workflow_fee_bps,
        "verification": product.verification,
    }


def policy_json(policy: RoutePolicy) -> JSON:
    """Return a named route policy."""
    return {
        "name": policy.name,
        "summary": policy.summary,
        "manifest_defaults": dict(policy.manifest_defaults),
    }


def ranking_json(ranking: Ranking, names: Mapping[str, str]) -> list[JSON]:
    """Return the lines of a ranking, the first one first."""
    return [
        {"rank": place, "display_name": names.get(row.slug, row.slug)} | figures(row)
        for place, row in enumerate(ranking.rows, start=1)
    ]


def figures(row: RankingRow) -> JSON:
    """Return the figures of one line; shares are decimal strings."""
    return {
        "slug": row.slug,
        "items": row.items,
        "tokens": row.tokens,
        "batches": row.batches,
        "share": str(row.share),
        "change": None if row.change is None else str(row.change),
    }
