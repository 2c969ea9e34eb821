"""Whether a lane may take a work unit: one table of refusals, asked in order.

What the routing modes refuse, besides the weights in routing/weights.py:

- ``public_only``: servers that somebody runs for himself.
- ``edge_only``: everything else than those.
- ``privacy_constrained``: lanes below ``confidential``, whatever tier was asked.
- ``sla_aware``, ``cheapest``, ``quality_first``, ``hybrid``: nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from routing import estimates
from routing.contracts import OfferingFacts, UnitRequest

# Providers that are a customer's own or our own servers.
SELF_HOSTED: Final = frozenset({"compatible"})


@dataclass(frozen=True, slots=True)
class Question:
    """One lane, one unit, one instant."""

    offering: OfferingFacts
    request: UnitRequest
    now: datetime

    @property
    def seconds_left(self) -> float:
        """Time to the deadline."""
        return (self.request.deadline_at - self.now).total_seconds()

    @property
    def finish_seconds(self) -> int:
        """Likely time to the last row."""
        return estimates.finish_seconds(self.offering, self.request)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a lane may not take a unit: a stable word and a sentence."""

    code: str
    reason: str


# What can befall a lane after it was planned, whatever the work.
WITHDRAWN: Final = frozenset(
    {
        "offering_disabled",
        "sanctioned",
        "provider_not_connected",
        "model_deprecated",
        "breaker_open",
    }
)

Refuses = Callable[[Question], bool]
Sentence = Callable[[Question], str]


def refusal(
    offering: OfferingFacts, request: UnitRequest, *, now: datetime
) -> Refusal | None:
    """Return the first reason against the lane, or None where it is eligible."""
    question = Question(offering, request, now)
    for code, refuses, sentence in _RULES:
        if refuses(question):
            return Refusal(code, sentence(question))
    return None


def withdrawn(
    offering: OfferingFacts, request: UnitRequest, *, now: datetime
) -> Refusal | None:
    """Return why a lane that was planned takes no new work now; None where it does.

    Only what may have changed since: switches, keys, ends and breakers.
    """
    question = Question(offering, request, now)
    for code, refuses, sentence in _RULES:
        if code in WITHDRAWN and refuses(question):
            return Refusal(code, sentence(question))
    return None


def _too_long(q: Question) -> bool:
    needed = estimates.input_bound(q.offering, q.request.input_tokens_max)
    return needed + q.request.output_tokens_max > q.offering.context_window


def _outgrows_a_job(q: Question) -> bool:
    bytes_max, tokens_max = q.offering.job_bytes_max, q.offering.job_tokens_max
    if bytes_max is not None:
        line = estimates.job_line_bytes(q.request.payload_bytes_max)
        if line > bytes_max:
            return True
    if tokens_max is None:
        return False
    return estimates.input_bound(q.offering, q.request.input_tokens_max) > tokens_max


def _region_not_allowed(q: Question) -> bool:
    allowed = q.request.allowed_regions
    return "global" not in allowed and not set(q.offering.regions) <= set(allowed)


def _privacy_not_met(q: Question) -> bool:
    tiers = q.offering.privacy_tiers
    if q.request.routing_mode == "privacy_constrained" and "confidential" not in tiers:
        return True
    return q.request.privacy_tier not in tiers


def _mode_excludes(q: Question) -> bool:
    is_own = q.offering.provider in SELF_HOSTED
    if q.request.routing_mode == "edge_only":
        return not is_own
    return q.request.routing_mode == "public_only" and is_own


def _preference_excludes(q: Question) -> bool:
    wishes = q.request.preferences
    if q.offering.provider in wishes.exclude:
        return True
    return bool(wishes.only) and q.offering.provider not in wishes.only


def _too_slow(q: Question) -> bool:
    """A native job is judged by the deadline alone; the wish is about a call."""
    most = q.request.preferences.max_latency_seconds
    if most is None or q.offering.mode == "batch":
        return False
    return q.offering.latency_ms > most * 1000


def _breaker_is_open(q: Question) -> bool:
    until = q.offering.breaker_open_until
    return until is not None and until > q.now


def _is_full(q: Question) -> bool:
    capacity = q.offering.capacity_items
    return capacity is not None and capacity < q.request.item_count


def _retires_too_soon(q: Question) -> bool:
    retires_at = q.offering.deprecates_at
    return retires_at is not None and retires_at <= q.request.deadline_at


def _regions(q: Question) -> str:
    return ", ".join(q.offering.regions)


_RULES: Final[tuple[tuple[str, Refuses, Sentence], ...]] = (
    (
        "offering_disabled",
        lambda q: not q.offering.is_enabled,
        lambda q: f"{q.offering.model} at {q.offering.provider_name} is switched off.",
    ),
    (
        "sanctioned",
        lambda q: q.offering.is_sanctioned,
        lambda q: f"{q.offering.provider_name} may not be used: sanctions apply.",
    ),
    (
        "provider_not_connected",
        lambda q: not q.offering.is_connected,
        lambda q: f"{q.offering.provider_name} is not connected.",
    ),
    (
        "sandbox_only",
        lambda q: q.request.sandbox_only and not q.offering.is_sandbox,
        lambda _: "A test key runs on sandbox lanes only, and this lane is live.",
    ),
    (
        "model_deprecated",
        _retires_too_soon,
        lambda q: (
            f"{q.offering.provider_name} withdraws {q.offering.model} on "
            f"{q.offering.deprecates_at:%Y-%m-%d}, before the deadline."
        ),
    ),
    (
        "operation_unsupported",
        lambda q: q.request.operation not in q.offering.operations,
        lambda q: f"{q.offering.model} does not do {q.request.operation} here.",
    ),
    (
        "vision_unsupported",
        lambda q: q.request.needs_vision and not q.offering.supports_vision,
        lambda q: f"{q.offering.model} does not read images here.",
    ),
    (
        "schema_unsupported",
        lambda q: q.request.needs_schema and not q.offering.supports_schema,
        lambda q: f"{q.offering.model} does not keep to a JSON schema here.",
    ),
    (
        "tools_unsupported",
        lambda q: q.request.needs_tools and not q.offering.supports_tools,
        lambda q: f"{q.offering.model} does not call tools here.",
    ),
    (
        "context_exceeded",
        _too_long,
        lambda q: (
            "The largest item and its output cap do not fit into "
            f"{q.offering.context_window} tokens."
        ),
    ),
    (
        "output_cap_exceeded",
        lambda q: q.request.output_tokens_max > q.offering.max_output_tokens,
        lambda q: (
            f"An item asks for {q.request.output_tokens_max} output tokens; this lane "
            f"gives at most {q.offering.max_output_tokens}."
        ),
    ),
    (
        "job_limit_exceeded",
        _outgrows_a_job,
        lambda q: (
            f"The largest item does not fit into one job of {q.offering.provider_name}."
        ),
    ),
    (
        "region_not_allowed",
        _region_not_allowed,
        lambda q: f"This lane processes in {_regions(q)}, which is not allowed.",
    ),
    (
        "privacy_not_met",
        _privacy_not_met,
        lambda q: (
            f"{q.offering.provider_name}'s terms do not give the privacy asked for."
        ),
    ),
    (
        "routing_mode_excluded",
        _mode_excludes,
        lambda q: f"The routing mode {q.request.routing_mode} leaves this lane out.",
    ),
    (
        "preference_excluded",
        _preference_excludes,
        lambda q: f"Your preferences leave {q.offering.provider_name} out.",
    ),
    (
        "latency_over_preference",
        _too_slow,
        lambda q: (
            f"One call takes about {q.offering.latency_ms / 1000:.1f} s here, more "
            "than you allow."
        ),
    ),
    (
        "deadline_unreachable",
        lambda q: q.finish_seconds > q.seconds_left,
        lambda q: f"It would take about {q.finish_seconds} s, past the deadline.",
    ),
    (
        "breaker_open",
        _breaker_is_open,
        lambda q: f"{q.offering.provider_name} has been failing and rests for now.",
    ),
    (
        "capacity_full",
        _is_full,
        lambda q: f"{q.offering.provider_name} has no room for these items now.",
    ),
)

REJECTION_CODES: Final = (
    *(code for code, _, _ in _RULES),
    "embedding_model_fixed",
)
