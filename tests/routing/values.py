"""Values that the tests of routing start from; each test changes what it is about."""

from datetime import UTC, datetime, timedelta
from typing import Any

from catalog.pricing import Price
from routing.contracts import (
    Connection,
    ItemRequest,
    OfferingFacts,
    Preferences,
    UnitRequest,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOMORROW = NOON + timedelta(hours=24)

# 0.75 in, 0.075 cached, 4.50 out, USD per million tokens.
LIST_PRICE = Price(
    1, 750_000_000, 75_000_000, 4_500_000_000, (), "https://p.example", "2026-11-22"
)
# Half of it, as native batches cost.
BATCH_PRICE = Price(
    2, 375_000_000, 37_500_000, 2_250_000_000, (), "https://p.example", "2026-11-22"
)


def make_connection(provider: str = "openai", base_url: str = "") -> Connection:
    return Connection(
        provider,
        base_url or f"https://{provider}.example/v1",
        "sk-secret",
        is_sandbox=False,
    )


def make_item(**changes: Any) -> ItemRequest:
    values: dict[str, Any] = {
        "ref": "r_1",
        "operation": "responses",
        "provider_model": "gpt-5.4-mini",
        "input": {"input": "hi"},
        "max_output_tokens": 64,
    }
    return ItemRequest(**(values | changes))


def make_offering(**changes: Any) -> OfferingFacts:
    """A connected direct lane of gpt-5.4-mini at OpenAI."""
    values: dict[str, Any] = {
        "offering_id": 1,
        "provider": "openai",
        "provider_name": "OpenAI",
        "model": "gpt-5.4-mini",
        "provider_model": "gpt-5.4-mini",
        "mode": "direct",
        "adapter": "openai",
        "operations": ("responses", "vision"),
        "regions": ("global",),
        "privacy_tiers": ("standard", "confidential"),
        "context_window": 272_000,
        "max_output_tokens": 128_000,
        "supports_vision": True,
        "supports_schema": True,
        "supports_tools": True,
        "supports_sampling": True,
        "token_factor_bps": 10_000,
        "message_overhead_tokens": 0,
        "price": LIST_PRICE,
        "is_enabled": True,
        "is_connected": True,
        "is_sandbox": False,
        "is_sanctioned": False,
        "deprecates_at": None,
        "reliability_prior": 0.985,
        "quality": 0.92,
        "latency_ms": 2500,
        "batch_seconds": 3600,
        "items_per_second": 40.0,
    }
    return OfferingFacts(**(values | changes))


def make_batch_offering(**changes: Any) -> OfferingFacts:
    """The native batch lane of the same model, at half the price."""
    values: dict[str, Any] = {"offering_id": 2, "mode": "batch", "price": BATCH_PRICE}
    return make_offering(**(values | changes))


def make_request(**changes: Any) -> UnitRequest:
    """A hundred small items, a day of time, nothing special wished."""
    values: dict[str, Any] = {
        "operation": "responses",
        "models": ("gpt-5.4-mini",),
        "item_count": 100,
        "input_tokens": 10_000,
        "input_tokens_max": 200,
        "output_tokens": 20_000,
        "output_tokens_max": 200,
        "payload_bytes": 50_000,
        "needs_vision": False,
        "needs_schema": False,
        "needs_tools": False,
        "privacy_tier": "standard",
        "allowed_regions": ("global",),
        "routing_mode": "sla_aware",
        "preferences": Preferences(),
        "deadline_at": TOMORROW,
    }
    return UnitRequest(**(values | changes))
