"""A batch's stored decisions once more, as they were and under another policy."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

from batches import decisions, replaying
from batches.backtesting import (
    GroupBacktest,
    Policy,
    SettledUsage,
    backtest_group,
    read_policy,
)
from batches.decisions import Decision
from batches.models import Batch, Quote
from batches.replaying import DecisionUnreadable, Difference, StoredGroup
from batchrouter.kit import clock
from batchrouter.kit.money import fee_nanousd, format_usd
from routing.models import RouteVersion
from routing.selectors import weights_of
from routing.weights import RouteWeights

Json = dict[str, Any]


class UnknownRouteVersion(DecisionUnreadable):
    """The weights that a quote or a policy names are not there."""

    code = "route_version_unknown"


@dataclass(frozen=True, slots=True)
class ReplayedQuote:
    """A quote's groups, where a replay of each differs, and where the totals do."""

    groups: dict[int, list[Difference]]
    totals: list[Difference]

    @property
    def is_same(self) -> bool:
        """Tell whether every byte is as it was stored."""
        return not self.totals and not any(self.groups.values())


def find_weights(version_id: str) -> RouteWeights:
    """Return a route version.

    Raises:
        UnknownRouteVersion.
    """
    try:
        return weights_of(version_id)
    except RouteVersion.DoesNotExist as error:
        raise UnknownRouteVersion(
            f"There is no route version {version_id[:40]!r}."
        ) from error


def stored_groups(quote: Quote) -> list[StoredGroup]:
    """Read what each of a quote's decisions was made from.

    Raises:
        DecisionUnreadable.
    """
    return [
        replaying.read_group(stored, decided_at=quote.created_at)
        for stored in quote.decisions
    ]


def replay_quote(quote: Quote) -> ReplayedQuote:
    """Decide a quote again and compare every value with what was stored.

    Raises:
        DecisionUnreadable: the stored values cannot be read.
        UnknownRouteVersion.
    """
    version = find_weights(quote.route_version_id)
    return ReplayedQuote(
        groups={
            group.terms.group_no: replaying.differences(group, version)
            for group in stored_groups(quote)
        },
        totals=_differing_totals(quote),
    )


def _differing_totals(quote: Quote) -> list[Difference]:
    subtotal = sum(stored["ceiling_nanousd"] for stored in quote.decisions)
    fee = fee_nanousd(subtotal, fee_bps=quote.fee_bps)
    again = {
        "provider_subtotal_nanousd": subtotal,
        "fee_nanousd": fee,
        "total_nanousd": subtotal + fee,
    }
    return [
        Difference(name, str(getattr(quote, name)), str(value))
        for name, value in again.items()
        if getattr(quote, name) != value
    ]


_LANES = """
SELECT u.group_no, e.provider, e.model, e.mode, sum(r.charge_nanousd),
       r.offering_id, count(*), sum(r.input_tokens), sum(r.cached_tokens),
       sum(r.output_tokens), sum(r.subtotal_nanousd)
  FROM batches_resultrow r
  JOIN batches_execution e ON e.id = r.execution_id
  JOIN batches_workunit u ON u.id = r.unit_id
 WHERE r.batch_id = %s AND r.status IN ('completed', 'review')
   AND NOT EXISTS (SELECT 1 FROM batches_goldenoutcome g
                    WHERE g.batch_id = r.batch_id AND g.seq = r.seq)
 GROUP BY u.group_no, e.provider, e.model, e.mode, r.offering_id ORDER BY 1, 2, 3, 4, 6
"""


@dataclass(frozen=True, slots=True)
class SettledLane:
    """What one lane delivered of a group; the charge is with the fee's shares."""

    group_no: int
    provider: str
    model: str
    mode: str
    charge_nanousd: int
    usage: SettledUsage


def settled_lanes(batch: Batch) -> list[SettledLane]:
    """Return what each lane delivered of each group of a batch."""
    with connection.cursor() as cursor:
        cursor.execute(_LANES, [batch.pk])
        return [
            SettledLane(
                group_no=group_no,
                provider=provider,
                model=model,
                mode=mode,
                charge_nanousd=int(charge),
                usage=SettledUsage(*map(int, sums)),
            )
            for group_no, provider, model, mode, charge, *sums in cursor.fetchall()
        ]


def settled_usages(batch: Batch) -> Mapping[int, list[SettledUsage]]:
    """Return what a batch's charged rows came to, by group."""
    found: dict[int, list[SettledUsage]] = defaultdict(list)
    for lane in settled_lanes(batch):
        found[lane.group_no].append(lane.usage)
    return found


def backtest_batch(batch: Batch, policy_name: str) -> list[GroupBacktest]:
    """Decide a batch under another policy and price its settled work there.

    Raises:
        UnknownPolicy: the name has no meaning.
        DecisionUnreadable: the stored values cannot be read.
    """
    policy = read_policy(policy_name, find_weights=find_weights)
    return backtest_groups(
        batch.quote, stored_groups(batch.quote), policy, settled_usages(batch)
    )


def backtest_groups(
    quote: Quote,
    groups: list[StoredGroup],
    policy: Policy,
    usages: Mapping[int, list[SettledUsage]],
) -> list[GroupBacktest]:
    """Decide a quote's groups under a policy.

    Raises:
        UnknownRouteVersion: the quote's weights are gone.
    """
    version = find_weights(quote.route_version_id)
    return [
        backtest_group(
            group,
            decisions.from_json(dict(group.stored)),
            policy,
            version,
            usages.get(group.terms.group_no, []),
        )
        for group in groups
    ]


def replay_json(batch: Batch, replayed: ReplayedQuote) -> Json:
    """Return a replay's outcome as data."""
    return {
        "batch_id": batch.public_id,
        "quote_id": batch.quote.public_id,
        "route_version": batch.quote.route_version_id,
        "decided_at": clock.iso(batch.quote.created_at),
        "identical": replayed.is_same,
        "groups": [
            {
                "group_no": number,
                "differences": [_difference_json(each) for each in all_],
            }
            for number, all_ in replayed.groups.items()
        ],
        "totals": [_difference_json(each) for each in replayed.totals],
    }


def _difference_json(difference: Difference) -> Json:
    return {
        "path": difference.path,
        "stored": difference.stored,
        "replayed": difference.replayed,
    }


def backtest_json(batch: Batch, policy_name: str, found: list[GroupBacktest]) -> Json:
    """Return a back-test as data: each group before and after, and the sums."""
    before = sum(group.before_nanousd for group in found)
    after = sum(group.after_nanousd for group in found)
    fee_bps = batch.quote.fee_bps
    totals = [
        sides + fee_nanousd(sides, fee_bps=fee_bps)
        for sides in (before, after, _ceiling(found, 0), _ceiling(found, 1))
    ]
    return {
        "batch_id": batch.public_id,
        "policy": policy_name,
        "groups": [_group_json(group) for group in found],
        "quoted_total": {
            "stored": format_usd(totals[2]),
            "policy": format_usd(totals[3]),
        },
        "settled_total": {
            "stored": format_usd(totals[0]),
            "policy": format_usd(totals[1]),
        },
        "unplaced_groups": sum(group.after is None for group in found),
    }


def _ceiling(found: list[GroupBacktest], side: int) -> int:
    decided = [(group.before, group.after)[side] for group in found]
    return sum(decision.ceiling_nanousd for decision in decided if decision is not None)


def _group_json(group: GroupBacktest) -> Json:
    return {
        "group_no": group.group_no,
        "operation": group.before.operation,
        "item_count": group.before.item_count,
        "stored": _side_json(group.before),
        "policy": None if group.after is None else _side_json(group.after),
        "delivered_items": group.items,
        "settled": {
            "stored": format_usd(group.before_nanousd),
            "policy": format_usd(group.after_nanousd),
        },
    }


def _side_json(decision: Decision) -> Json:
    first = decision.judged[0]
    return {
        "provider": first["provider"],
        "model": first["model"],
        "mode": first["mode"],
        "ceiling": format_usd(decision.ceiling_nanousd),
        "expected": format_usd(decision.expected_nanousd),
        "finish_seconds": first["finish_seconds"],
        "fallbacks": [
            f"{stage.provider}/{stage.mode}" for stage in decision.stages[1:]
        ],
        "deadline_at": decision.replay["request"]["deadline_at"],
    }
