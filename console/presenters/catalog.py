"""Models, prices and packaged jobs as the public pages show them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.models import WorkflowProduct
from catalog.values import CatalogOffering

_STATUS_WORDS = {
    "active": "open",
    "not_connected": "not connected",
    "disabled": "switched off",
    "retired": "retired",
    "unpriced": "unpriced",
}


@dataclass(frozen=True, slots=True)
class OfferingLine:
    """A provider's offering of a model; prices in USD per million tokens."""

    provider: str
    mode: str
    region: str
    privacy: str
    input_usd: str
    cached_usd: str
    output_usd: str
    status: str
    source: str
    as_of: str


@dataclass(frozen=True, slots=True)
class ModelGroup:
    """A model and who offers it."""

    slug: str
    name: str
    operations: str
    context_window: int
    offerings: tuple[OfferingLine, ...]


def model_group(body: Mapping[str, Any]) -> ModelGroup:
    """Show a model from ``catalog.rendering.model_json``."""
    return ModelGroup(
        slug=body["slug"],
        name=body["display_name"],
        operations=", ".join(body["operations"]),
        context_window=body["context_window"],
        offerings=tuple(_offering(one) for one in body["provider_offerings"]),
    )


def _offering(body: Mapping[str, Any]) -> OfferingLine:
    prices = body["prices"] or {}
    return OfferingLine(
        provider=body["provider_name"],
        mode=body["mode"],
        region=", ".join(body["regions"]),
        privacy=body["privacy"]["tiers"][-1],
        input_usd=prices.get("input", ""),
        cached_usd=prices.get("cached_input", ""),
        output_usd=prices.get("output", ""),
        status=_STATUS_WORDS.get(body["status"], body["status"]),
        source=_web_address(body["source"]),
        as_of=body["as_of"] or "",
    )


def _web_address(source: str | None) -> str:
    return source if source is not None and source.startswith("https://") else ""


@dataclass(frozen=True, slots=True)
class TwoLanes:
    """What one model costs by direct calls and by a native batch job.

    Prices are nano-dollars per million tokens.
    """

    model: str
    provider: str
    direct_input_nanousd: int
    direct_output_nanousd: int
    batch_input_nanousd: int
    batch_output_nanousd: int


def two_lanes(offerings: Sequence[CatalogOffering], *, limit: int) -> list[TwoLanes]:
    """Pick models that one connected provider offers by both lanes, in its order."""
    by_key: dict[tuple[str, str], dict[str, CatalogOffering]] = {}
    for one in offerings:
        if one.adapter and one.is_enabled and one.price.output:
            by_key.setdefault((one.model, one.provider_name), {})[one.mode] = one
    pairs = [(key, modes) for key, modes in by_key.items() if len(modes) == 2]
    return [
        TwoLanes(
            model=model,
            provider=provider,
            direct_input_nanousd=modes["direct"].price.input,
            direct_output_nanousd=modes["direct"].price.output,
            batch_input_nanousd=modes["batch"].price.input,
            batch_output_nanousd=modes["batch"].price.output,
        )
        for (model, provider), modes in pairs[:limit]
    ]


@dataclass(frozen=True, slots=True)
class WorkflowLine:
    """A packaged job."""

    slug: str
    url: str
    version: str
    name: str
    summary: str
    primary: str
    fallbacks: tuple[str, ...]
    fee_bps: int
    completed_percent_min: int
    deadline_hours: int
    remedy: str


def workflow_line(product: WorkflowProduct) -> WorkflowLine:
    """Show a packaged job."""
    routes = [
        (route["role"], f"{route['model']} at {route['provider']}, {route['mode']}")
        for route in product.default_route_products
    ]
    sla = product.success_sla
    return WorkflowLine(
        slug=product.slug,
        url=f"/v1/catalog/workflow-products/{product.slug}",
        version=f"v{product.version}",
        name=product.name,
        summary=product.summary,
        primary=next((name for role, name in routes if role == "primary"), ""),
        fallbacks=tuple(name for role, name in routes if role != "primary"),
        fee_bps=product.workflow_fee_bps,
        completed_percent_min=sla["completed_percent_min"],
        deadline_hours=sla["deadline_hours"],
        remedy=sla["remedy"],
    )
