"""The catalog's values for other apps, and how rows become them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

from catalog.models import ModelProfile, Offering, OfferingPrice, WorkflowProduct
from catalog.models.providers import PrivacyTier
from catalog.pricing import Price, PriceTier

# From the least demanding to the most; a lane serves its own tier and those before.
PRIVACY_TIERS: tuple[str, ...] = tuple(PrivacyTier.values)


@dataclass(frozen=True, slots=True)
class CatalogOffering:
    """An offering and its price in force: all that the catalog knows for routing.

    Attributes:
        public_id: ``off_…``, for receipts.
        regions: where the provider processes it; ``("global",)`` is anywhere, and
            ``("eu",)`` also does for a manifest that allows ``global``.
        privacy_tiers: the tiers of a manifest that the provider's terms allow.
        adapter: which code speaks to it; empty is "not connected yet".
        token_factor_bps: the provider's tokens per o200k token, times 10,000.
        is_enabled: neither the offering nor its provider is switched off.
        latency_ms: typical of one direct call; 0 for batch.
        batch_seconds: typical of one native job; 0 for direct.
        items_per_second: throughput to expect of a direct lane; 0.0 for batch.
    """

    offering_id: int
    public_id: str
    provider: str
    provider_name: str
    model: str
    provider_model: str
    mode: Literal["batch", "direct"]
    adapter: str
    operations: tuple[str, ...]
    regions: tuple[str, ...]
    privacy_tiers: tuple[str, ...]
    context_window: int
    max_output_tokens: int
    supports_vision: bool
    supports_schema: bool
    supports_tools: bool
    supports_sampling: bool
    token_factor_bps: int
    message_overhead_tokens: int
    price: Price
    is_enabled: bool
    is_sanctioned: bool
    deprecates_at: datetime | None
    reliability_prior: float
    quality: float
    latency_ms: int
    batch_seconds: int
    items_per_second: float


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A model as customers name it.

    Attributes:
        max_output_tokens: the most that any provider gives; 0 for embeddings.
        default_max_output_tokens: the cap for an item that names none; 0 likewise.
        embedding_dimensions: None for models that write text.
    """

    slug: str
    display_name: str
    family: str
    operations: tuple[str, ...]
    context_window: int
    max_output_tokens: int
    default_max_output_tokens: int
    supports_vision: bool
    supports_schema: bool
    supports_tools: bool
    supports_sampling: bool
    embedding_dimensions: int | None
    quality: float
    deprecates_at: datetime | None


@dataclass(frozen=True, slots=True)
class WorkflowFacts:
    """The current version of a packaged job, as a quote needs it."""

    slug: str
    version: int
    name: str
    workflow_fee_bps: int
    verification: dict[str, Any]


def price_value(row: OfferingPrice) -> Price:
    """Return a price row as a value."""
    return Price(
        price_id=row.pk,
        input=row.input,
        cached_input=row.cached_input,
        output=row.output,
        tiers=tuple(PriceTier(**tier) for tier in row.tiers),
        source=row.source,
        as_of=row.as_of.isoformat(),
    )


def privacy_tiers(highest: str) -> tuple[str, ...]:
    """Return the tiers that a lane of this privacy serves."""
    return PRIVACY_TIERS[: PRIVACY_TIERS.index(highest) + 1]


def offering_value(row: Offering, price: Price) -> CatalogOffering:
    """Return an offering row, with its model and provider, as a value."""
    model, provider = row.model, row.provider
    return CatalogOffering(
        offering_id=row.pk,
        public_id=row.public_id,
        provider=provider.key,
        provider_name=provider.display_name,
        model=model.slug,
        provider_model=row.provider_model,
        mode=cast("Literal['batch', 'direct']", row.mode),
        adapter=row.adapter,
        operations=_operations(row),
        regions=(row.region,),
        privacy_tiers=privacy_tiers(row.privacy),
        context_window=row.context_window,
        max_output_tokens=row.max_output_tokens,
        supports_vision=row.supports_vision,
        supports_schema=row.supports_schema,
        supports_tools=row.supports_tools,
        supports_sampling=row.supports_sampling,
        token_factor_bps=model.token_factor_bps or provider.token_factor_bps,
        message_overhead_tokens=provider.message_overhead_tokens,
        price=price,
        is_enabled=row.enabled and provider.enabled,
        is_sanctioned=provider.is_sanctioned,
        deprecates_at=row.deprecates_at,
        reliability_prior=row.reliability_prior,
        quality=model.quality,
        latency_ms=row.latency_ms,
        batch_seconds=row.batch_seconds,
        items_per_second=row.items_per_second,
    )


def _operations(row: Offering) -> tuple[str, ...]:
    """Return the model's operations less those that this provider cannot do."""
    return tuple(
        operation
        for operation in row.model.operations
        if operation != "vision" or row.supports_vision
    )


def model_facts(row: ModelProfile) -> ModelFacts:
    """Return a profile row as a value."""
    return ModelFacts(
        slug=row.slug,
        display_name=row.display_name,
        family=row.family,
        operations=tuple(row.operations),
        context_window=row.context_window,
        max_output_tokens=row.max_output_tokens,
        default_max_output_tokens=row.default_max_output_tokens,
        supports_vision=row.supports_vision,
        supports_schema=row.supports_schema,
        supports_tools=row.supports_tools,
        supports_sampling=row.supports_sampling,
        embedding_dimensions=row.embedding_dimensions,
        quality=row.quality,
        deprecates_at=row.deprecates_at,
    )


def workflow_facts(row: WorkflowProduct) -> WorkflowFacts:
    """Return a workflow row as a value."""
    return WorkflowFacts(
        slug=row.slug,
        version=row.version,
        name=row.name,
        workflow_fee_bps=row.workflow_fee_bps,
        verification=row.verification,
    )
