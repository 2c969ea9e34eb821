"""Pure: the policies that a report may recommend, tried on one batch's decisions.

A candidate asks of the customer only what he can give without harm: more time, another
order of price and quality, or no wish about providers. Privacy, regions and modes that
stand for them are never loosened.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from batches.backtesting import (
    GroupBacktest,
    Policy,
    SettledUsage,
    backtest_group,
    read_policy,
)
from batches.decisions import Decision
from batches.manifest.envelope import SLA_HOURS
from batches.replaying import StoredGroup
from batchrouter.kit.money import fee_nanousd
from routing.contracts import Preferences, UnitRequest
from routing.weights import RouteWeights

Fits = Callable[[UnitRequest, datetime], bool]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A policy, and the requests that it would change."""

    policy: Policy
    fits: Fits


def _hurries(tier: str) -> Fits:
    window = timedelta(hours=SLA_HOURS[tier])
    return lambda request, at: request.deadline_at - at < window


def _weighs_price_low(request: UnitRequest, _at: datetime) -> bool:
    return request.routing_mode in {"sla_aware", "hybrid", "quality_first"}


def _has_wishes(request: UnitRequest, _at: datetime) -> bool:
    return request.preferences != Preferences()


def _both(first: Fits, second: Fits) -> Fits:
    return lambda request, at: first(request, at) and second(request, at)


# The smaller concession first: of equal savings the first is recommended.
CANDIDATES: Final = (
    Candidate(read_policy("standard"), _hurries("standard")),
    Candidate(read_policy("flex"), _hurries("flex")),
    Candidate(read_policy("cheapest"), _weighs_price_low),
    Candidate(
        read_policy("cheapest+standard"),
        _both(_weighs_price_low, _hurries("standard")),
    ),
    Candidate(read_policy("cheapest+flex"), _both(_weighs_price_low, _hurries("flex"))),
    Candidate(read_policy("open_providers"), _has_wishes),
)


@dataclass(frozen=True, slots=True)
class Trial:
    """One kind of work of a batch under a candidate; sums with the fee.

    Attributes:
        moved_nanousd: of ``after_nanousd``, what another provider or model would make.
        quality_before, quality_after: means over the items of their lanes' quality.
        seconds_before, seconds_after: means of the likely time to the last row.
        is_placed: every group has a lane under the candidate.
    """

    workload_key: str
    policy: str
    items: int
    before_nanousd: int
    after_nanousd: int
    moved_nanousd: int
    quality_before: float
    quality_after: float
    seconds_before: float
    seconds_after: float
    is_placed: bool


def try_candidates(
    groups: Iterable[tuple[StoredGroup, Decision]],
    usages: Mapping[int, list[SettledUsage]],
    version: RouteWeights,
) -> list[Trial]:
    """Try every candidate on each kind of settled work; those that fit none are left.

    Args:
        groups: of one batch: what was stored, and the decision in it.
        usages: of the delivered rows, by group.
        version: the weights that the quote names.
    """
    found: dict[tuple[str, str], list[GroupBacktest]] = {}
    for group, before in groups:
        settled = usages.get(group.terms.group_no)
        if not settled:
            continue
        for candidate in CANDIDATES:
            if candidate.fits(group.request, group.terms.decided_at):
                key = (group.request.workload_key, candidate.policy.name)
                tried = backtest_group(
                    group, before, candidate.policy, version, settled
                )
                found.setdefault(key, []).append(tried)
    return [_trial(key, tried) for key, tried in sorted(found.items())]


def _trial(key: tuple[str, str], tried: list[GroupBacktest]) -> Trial:
    items = sum(group.items for group in tried)
    sides = [(group, group.before, group.after or group.before) for group in tried]
    return Trial(
        workload_key=key[0],
        policy=key[1],
        items=items,
        before_nanousd=sum(_charge(g.before, g.before_nanousd) for g in tried),
        after_nanousd=sum(_charge(g.before, g.after_nanousd) for g in tried),
        moved_nanousd=sum(
            _charge(group.before, group.after_nanousd)
            for group, before, after in sides
            if _maker(before) != _maker(after)
        ),
        quality_before=_mean([(g.items, _quality(b)) for g, b, _ in sides]),
        quality_after=_mean([(g.items, _quality(a)) for g, _, a in sides]),
        seconds_before=_mean([(g.items, _seconds(b)) for g, b, _ in sides]),
        seconds_after=_mean([(g.items, _seconds(a)) for g, _, a in sides]),
        is_placed=all(group.after is not None for group in tried),
    )


def _charge(decision: Decision, subtotal_nanousd: int) -> int:
    fee = fee_nanousd(subtotal_nanousd, fee_bps=decision.terms.fee_bps)
    return subtotal_nanousd + fee


def _maker(decision: Decision) -> tuple[str, str]:
    first = decision.stages[0]
    return first.provider, first.model


def _quality(decision: Decision) -> float:
    return float(decision.judged[0]["score"]["quality"])


def _seconds(decision: Decision) -> float:
    return float(decision.judged[0]["finish_seconds"])


def _mean(weighed: list[tuple[int, float]]) -> float:
    total = sum(weight for weight, _ in weighed)
    if not total:
        return 0.0
    return round(sum(weight * value for weight, value in weighed) / total, 6)
