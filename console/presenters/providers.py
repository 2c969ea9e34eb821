"""Providers as the public pages show them: how they fare, and what they keep."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from console.presenters.models import web_address

_BASIS_WORDS = {"D": "documented", "V": "verified", "M": "by the provider's own word"}


@dataclass(frozen=True, slots=True)
class ProviderLine:
    """A provider in the list; rates are percent with two places, or empty."""

    slug: str
    name: str
    modes: str
    regions: str
    privacy: str
    retention_days: int | None
    is_enabled: bool
    state: str
    state_word: str
    day_rate: str
    month_rate: str
    p50_ms: int | None
    p95_ms: int | None
    backlog: str


@dataclass(frozen=True, slots=True)
class Fact:
    """What is known about a provider, and where from."""

    text: str
    basis: str
    source: str


@dataclass(frozen=True, slots=True)
class ProviderPage:
    """One provider."""

    line: ProviderLine
    website: str
    trains_on_data: bool
    zero_retention_available: bool
    facts: tuple[Fact, ...]
    as_of: str


def provider_line(body: Mapping[str, Any]) -> ProviderLine:
    """Show a provider from ``catalog.rendering.provider_json`` in one line."""
    health = body["health"]
    state, word = _state(body)
    return ProviderLine(
        slug=body["slug"],
        name=body["display_name"],
        modes=", ".join(body["modes"]),
        regions=", ".join(body["regions"]),
        privacy=body["privacy_tiers"][-1] if body["privacy_tiers"] else "none",
        retention_days=body["retention_days"],
        is_enabled=body["status"] == "enabled",
        state=state,
        state_word=word,
        day_rate=_percent(health["24h"]["success_rate"]),
        month_rate=_percent(health["30d"]["success_rate"]),
        p50_ms=health["24h"]["latency_ms_p50"],
        p95_ms=health["24h"]["latency_ms_p95"],
        backlog=body["present"]["backlog"],
    )


def provider_page(body: Mapping[str, Any]) -> ProviderPage:
    """Show all of a provider."""
    return ProviderPage(
        line=provider_line(body),
        website=web_address(body["website"]),
        trains_on_data=body["trains_on_data"],
        zero_retention_available=body["zero_retention_available"],
        facts=tuple(
            Fact(
                text=fact["fact"],
                basis=_BASIS_WORDS.get(fact["basis"], fact["basis"]),
                source=web_address(fact["source"]),
            )
            for fact in body["facts"]
        ),
        as_of=body["as_of"],
    )


def _state(body: Mapping[str, Any]) -> tuple[str, str]:
    if body["status"] != "enabled":
        return "idle", "switched off"
    broken = body["present"]["open_breakers"]
    if broken:
        return "warn", f"{broken} offering{'s' if broken > 1 else ''} paused"
    return "ok", "open"


def _percent(rate: float | None) -> str:
    return "" if rate is None else f"{rate:.2%}".replace("%", " %")
