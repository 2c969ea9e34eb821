"""Offerings and requests made up for the planning section: values, no database."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from catalog.pricing import Price
from routing.contracts import OfferingFacts, Preferences, UnitRequest

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MODEL = "bench-model"

_PRICE = Price(1, 750_000_000, 75_000_000, 4_500_000_000, (), "benchmark", "2026-11-22")
_OFFERING = OfferingFacts(
    offering_id=0,
    provider="",
    provider_name="Benchmark",
    model=MODEL,
    provider_model=MODEL,
    mode="direct",
    adapter="openai",
    operations=("responses",),
    regions=("global",),
    privacy_tiers=("standard", "confidential"),
    context_window=272_000,
    max_output_tokens=128_000,
    supports_vision=True,
    supports_schema=True,
    supports_tools=True,
    supports_sampling=True,
    token_factor_bps=11_000,
    message_overhead_tokens=32,
    price=_PRICE,
    is_enabled=True,
    is_connected=True,
    is_sandbox=False,
    is_sanctioned=False,
    deprecates_at=None,
    reliability_prior=0.98,
    quality=0.92,
    latency_ms=2500,
    batch_seconds=3600,
    items_per_second=40.0,
)
_REQUEST = UnitRequest(
    operation="responses",
    models=(MODEL,),
    item_count=0,
    input_tokens=0,
    input_tokens_max=0,
    output_tokens=0,
    output_tokens_max=256,
    payload_bytes=50_000,
    needs_vision=False,
    needs_schema=False,
    needs_tools=False,
    privacy_tier="standard",
    allowed_regions=("global",),
    routing_mode="sla_aware",
    preferences=Preferences(),
    deadline_at=NOW + timedelta(hours=24),
)


def offerings(count: int) -> list[OfferingFacts]:
    """Return eligible offerings: half native, half direct, each priced by itself."""
    return [
        replace(
            _OFFERING,
            offering_id=number,
            provider=f"provider-{number // 2}",
            mode="batch" if number % 2 else "direct",
            price=replace(_PRICE, input=_PRICE.input + number * 1_000_000),
            observed_successes=100.0 + number,
            observed_failures=float(number % 7),
        )
        for number in range(1, count + 1)
    ]


def requests(count: int) -> Iterator[UnitRequest]:
    """Yield requests of which no two are alike."""
    for number in range(1, count + 1):
        yield replace(
            _REQUEST,
            item_count=500 + number,
            input_tokens=100_000 + number,
            input_tokens_max=400 + number % 50,
            output_tokens=(500 + number) * 256,
        )
