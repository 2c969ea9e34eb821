"""The named policies that a manifest may ask for by ``route_policy``.

A policy is a set of manifest fields; a field that the manifest itself gives wins.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from batchrouter.kit.errors import InvalidRequest


class UnknownRoutePolicy(InvalidRequest):
    """No policy has this name."""

    code = "route_policy_unknown"


@dataclass(frozen=True)
class RoutePolicy:
    """A named set of manifest fields."""

    name: str
    summary: str
    manifest_defaults: Mapping[str, Any]


_ALL = (
    RoutePolicy(
        "eu_confidential",
        "Only lanes that process in the European Union, do not train on the data and "
        "keep it at most 30 days; Mistral first, then OpenAI and Anthropic where they "
        "have such a lane.",
        {
            "routing_mode": "sla_aware",
            "privacy_tier": "confidential",
            "allowed_regions": ["eu"],
            "provider_preferences": {"order": ["mistral", "openai", "anthropic"]},
        },
    ),
    RoutePolicy(
        "lowest_cost_under_sla",
        "The cheapest lane that still meets the deadline, anywhere; a direct call may "
        "take up to ten minutes.",
        {
            "routing_mode": "cheapest",
            "privacy_tier": "standard",
            "allowed_regions": ["global"],
            "provider_preferences": {"max_latency_seconds": 600},
        },
    ),
    RoutePolicy(
        "agent_main_thread_fast_async",
        "For an agent that waits: the one-hour tier, direct lanes, and no call longer "
        "than five minutes.",
        {
            "sla_tier": "priority",
            "routing_mode": "sla_aware",
            "privacy_tier": "standard",
            "allowed_regions": ["global"],
            "provider_preferences": {"max_latency_seconds": 300},
        },
    ),
    RoutePolicy(
        "zdr_only",
        "Only lanes that keep nothing after the answer, in the EU or the US; when the "
        "chosen one fails, the items wait for it rather than go elsewhere.",
        {
            "routing_mode": "privacy_constrained",
            "privacy_tier": "restricted",
            "allowed_regions": ["eu", "us"],
            "provider_preferences": {"allow_fallbacks": False},
        },
    ),
    RoutePolicy(
        "quality_first_review",
        "The best answers first, price second, with confidential handling: OpenAI, "
        "then Anthropic, then the rest.",
        {
            "routing_mode": "quality_first",
            "privacy_tier": "confidential",
            "allowed_regions": ["global"],
            "provider_preferences": {"order": ["openai", "anthropic"]},
        },
    ),
)

POLICIES: Mapping[str, RoutePolicy] = MappingProxyType({p.name: p for p in _ALL})


def policy(name: str) -> RoutePolicy:
    """Return a named policy.

    Raises:
        UnknownRoutePolicy.
    """
    found = POLICIES.get(name)
    if found is None:
        known = ", ".join(POLICIES)
        raise UnknownRoutePolicy(
            f"There is no route policy {name[:80]!r}; the names are {known}.",
            param="route_policy",
        )
    return found
