"""Judge the lanes of each group of a manifest, from one reading of the market."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from accounts.models import Org
from batches import decisions
from batches.decisions import Copies, Decision
from batches.findings import findings_of
from batches.manifest.envelope import Spec
from batches.models import ItemGroup, Manifest
from batches.workloads import workload_key
from catalog import selectors as catalog_selectors
from catalog.values import ModelFacts
from routing import scoring
from routing import selectors as routing_selectors
from routing.contracts import Lane, OfferingFacts, UnitRequest
from routing.weights import RouteWeights


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, for what, on which terms."""

    org: Org
    manifest: Manifest
    spec: Spec
    is_test: bool
    fee_bps: int
    deadline_at: datetime
    retry_of_id: int | None = None


@dataclass(frozen=True, slots=True)
class GroupJudgement:
    """A group of items, its lanes, and what was decided for it."""

    group: ItemGroup
    lanes: list[Lane]
    decision: Decision | None


@dataclass(frozen=True, slots=True)
class Market:
    """All that decides at one instant, read once however many groups there are.

    Attributes:
        facts: by workload key and model.
    """

    now: datetime
    version: RouteWeights
    profiles: Mapping[str, ModelFacts]
    facts: Mapping[str, Mapping[str, list[OfferingFacts]]]


def open_market(asked: Asked, groups: Iterable[ItemGroup], *, now: datetime) -> Market:
    """Read the offerings of every model that the groups name."""
    slugs: dict[str, set[str]] = {}
    for group in groups:
        slugs.setdefault(_workload_key(group, asked), set()).update(group.model_slugs)
    return Market(
        now=now,
        version=routing_selectors.current_weights(now=now),
        profiles=catalog_selectors.model_profiles(),
        facts={
            key: _facts_by_model(sorted(models), key, asked, now=now)
            for key, models in slugs.items()
        },
    )


def _facts_by_model(
    slugs: list[str], workload_key: str, asked: Asked, *, now: datetime
) -> dict[str, list[OfferingFacts]]:
    found: dict[str, list[OfferingFacts]] = {slug: [] for slug in slugs}
    for offering in routing_selectors.offering_facts(
        slugs,
        sandbox_only=asked.is_test,
        now=now,
        workload_key=workload_key,
        findings=findings_of(asked.org, slugs, workload_key=workload_key, now=now),
    ):
        found[offering.model].append(offering)
    return found


def _workload_key(group: ItemGroup, asked: Asked) -> str:
    return workload_key(
        workflow=asked.spec.workflow,
        task_key=group.task_key,
        operation=group.operation,
    )


def judged_lanes(request: UnitRequest, market: Market) -> list[Lane]:
    """Judge every offering of the models that a unit accepts."""
    by_model = market.facts[request.workload_key]
    offerings = [offering for slug in request.models for offering in by_model[slug]]
    return scoring.judge(request, offerings, market.version, now=market.now)


def judge_group(group: ItemGroup, asked: Asked, market: Market) -> GroupJudgement:
    """Judge a group's lanes and decide: its price, and the stages of its plan."""
    request = unit_request(group, asked, market, deadline_at=asked.deadline_at)
    lanes = judged_lanes(request, market)
    terms = decisions.GroupTerms(
        group_no=group.no,
        default_cap=default_cap(group, market),
        fee_bps=asked.fee_bps,
        decided_at=market.now,
        copies=_copies(group, asked, market),
    )
    return GroupJudgement(group, lanes, decisions.decide(request, lanes, terms))


def _copies(group: ItemGroup, asked: Asked, market: Market) -> Copies | None:
    """Return the items that do not run because an identical one does."""
    if not (asked.spec.dedupe and group.copies):
        return None
    cap = default_cap(group, market)
    return Copies(
        item_count=group.copies,
        input_tokens=group.copies_input_tokens,
        output_tokens=group.copies_output_tokens + group.copies_uncapped_count * cap,
        payload_bytes=group.copies_payload_bytes,
    )


def default_cap(group: ItemGroup, market: Market) -> int:
    """Return the output cap for items that name none: the models' smallest default."""
    if group.operation == "embeddings":
        return 0
    return min(
        market.profiles[slug].default_max_output_tokens for slug in group.model_slugs
    )


def unit_request(
    group: ItemGroup, asked: Asked, market: Market, *, deadline_at: datetime
) -> UnitRequest:
    """Describe a group to routing: counts and needs, no text and no customer."""
    spec, cap = asked.spec, default_cap(group, market)
    request = UnitRequest(
        operation=group.operation,  # type: ignore[arg-type] # checked when the manifest was read
        models=tuple(group.model_slugs),
        item_count=group.item_count,
        # Golden items run with the others and are not charged.
        input_tokens=group.input_tokens - group.golden_input_tokens,
        input_tokens_max=group.input_tokens_max,
        output_tokens=group.output_tokens
        - group.golden_output_tokens
        + (group.uncapped_count - group.golden_uncapped_count) * cap,
        output_tokens_max=max(
            group.output_tokens_max, cap if group.uncapped_count else 0
        ),
        payload_bytes=group.payload_bytes,
        payload_bytes_max=group.payload_bytes_max,
        needs_vision=group.needs_vision,
        needs_schema=group.needs_schema,
        needs_tools=group.needs_tools,
        privacy_tier=spec.privacy_tier,
        allowed_regions=tuple(spec.allowed_regions),
        routing_mode=spec.routing_mode,
        preferences=spec.preferences,
        deadline_at=deadline_at,
        sandbox_only=asked.is_test,
        workload_key=_workload_key(group, asked),
    )
    copies = _copies(group, asked, market)
    return request if copies is None else copies.left_out_of(request)
