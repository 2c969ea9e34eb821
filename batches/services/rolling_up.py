"""Fold a settled batch into the sums that the optimization report reads.

What a batch came to is read before its settlement, because its rows change no more, and
written in it. A batch that was settled before these sums were kept is folded by
``manage.py roll_up_batches``.
"""

import logging
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields
from datetime import datetime
from typing import Final

from django.db import connection, transaction

from batches import decisions
from batches.backtesting import SettledUsage
from batches.models import Batch, TriedPolicy, WorkUnit
from batches.replaying import DecisionUnreadable
from batches.services.replays import (
    SettledLane,
    find_weights,
    settled_lanes,
    stored_groups,
)
from batches.states import BATCH_TERMINAL, UnitState
from batches.trials import Trial, try_candidates

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Summary:
    """What a batch came to: delivered rows by group and lane, and what was tried."""

    lanes: tuple[SettledLane, ...]
    trials: tuple[Trial, ...]


@dataclass(frozen=True, slots=True, order=True)
class _Key:
    """What settled work is kept apart by, besides its org and day."""

    provider: str
    model: str
    mode: str
    operation: str
    workload_key: str


def read(batch: Batch) -> Summary:
    """Read what a batch whose rows are complete came to."""
    if _is_unpaid(batch):
        return Summary((), ())
    lanes = tuple(settled_lanes(batch))
    return Summary(lanes, tuple(_trials(batch, lanes)))


def _is_unpaid(batch: Batch) -> bool:
    """Tell whether nobody pays for it: test keys and samples count nowhere."""
    return batch.quote.is_test or batch.is_sample


def _trials(batch: Batch, lanes: tuple[SettledLane, ...]) -> list[Trial]:
    """Try the candidates; what cannot be read is never a reason not to settle."""
    usages: dict[int, list[SettledUsage]] = defaultdict(list)
    for lane in lanes:
        usages[lane.group_no].append(lane.usage)
    try:
        groups = stored_groups(batch.quote)
        version = find_weights(batch.quote.route_version_id)
    except DecisionUnreadable as error:
        log.warning("no policy was tried on %s: %s", batch.public_id, error)
        return []
    pairs = [(group, decisions.from_json(dict(group.stored))) for group in groups]
    return try_candidates(pairs, usages, version)


_DAY = """
INSERT INTO batches_settledday AS d
    (org_id, day, batches, items, charged_nanousd, cost_nanousd, work_units,
     moved_units)
SELECT %s, %s, 1, %s, %s,
       (SELECT coalesce(sum(cost_nanousd + ambiguous_nanousd), 0)
          FROM batches_execution WHERE batch_id = %s),
       %s, %s
ON CONFLICT (org_id, day) DO UPDATE SET
    batches = d.batches + 1, items = d.items + EXCLUDED.items,
    charged_nanousd = d.charged_nanousd + EXCLUDED.charged_nanousd,
    cost_nanousd = d.cost_nanousd + EXCLUDED.cost_nanousd,
    work_units = d.work_units + EXCLUDED.work_units,
    moved_units = d.moved_units + EXCLUDED.moved_units
"""
_KEYS: Final = [column.name for column in fields(_Key)]
_SUMS: Final = (
    "items",
    "input_tokens",
    "cached_tokens",
    "output_tokens",
    "charge_nanousd",
)
_WORK = f"""
INSERT INTO batches_settledwork AS w
    (org_id, day, {", ".join([*_KEYS, *_SUMS])})
VALUES ({", ".join(["%s"] * (2 + len(_KEYS) + len(_SUMS)))})
ON CONFLICT (org_id, day, {", ".join(_KEYS)}) DO UPDATE
   SET {", ".join(f"{name} = w.{name} + EXCLUDED.{name}" for name in _SUMS)}
"""  # noqa: S608 # constants of ours only


def fold(
    batch: Batch, summary: Summary, *, charged_nanousd: int, now: datetime
) -> None:
    """Add a batch to its day. Call once, in the transaction that settles.

    Rows are written in one order, so that two batches that end together never wait for
    each other in a circle.
    """
    if _is_unpaid(batch):
        return
    units = WorkUnit.objects.filter(batch=batch).exclude(state=UnitState.SPLIT)
    stages = list(units.values_list("stage", flat=True))
    day = now.date()
    delivered = sum(lane.usage.items for lane in summary.lanes)
    moved = sum(stage > 0 for stage in stages)
    with connection.cursor() as cursor:
        cursor.execute(
            _DAY,
            [
                *(batch.org_id, day, delivered, charged_nanousd),
                *(batch.pk, len(stages), moved),
            ],
        )
        cursor.executemany(
            _WORK,
            [
                [batch.org_id, day, *astuple(key), *sums]
                for key, sums in sorted(_works(batch, summary.lanes).items())
            ],
        )
    TriedPolicy.objects.bulk_create(
        TriedPolicy(
            org_id=batch.org_id,
            batch_id=batch.pk,
            day=day,
            **{name.name: getattr(trial, name.name) for name in fields(Trial)},
        )
        for trial in summary.trials
    )


def _works(
    batch: Batch, lanes: tuple[SettledLane, ...]
) -> Mapping[_Key, tuple[int, ...]]:
    kinds = {
        stored["group_no"]: stored["replay"]["request"]
        for stored in batch.quote.decisions
    }
    found: dict[_Key, tuple[int, ...]] = {}
    for lane in lanes:
        request, usage = kinds[lane.group_no], lane.usage
        key = _Key(
            lane.provider,
            lane.model,
            lane.mode,
            request["operation"],
            request["workload_key"],
        )
        sums = (
            usage.items,
            usage.input_tokens,
            usage.cached_tokens,
            usage.output_tokens,
            lane.charge_nanousd,
        )
        before = found.get(key, (0,) * len(sums))
        found[key] = tuple(map(sum, zip(before, sums, strict=True)))
    return found


def roll_up_missing() -> int:
    """Fold every ended batch that was not folded yet; return how many there were."""
    count = 0
    waiting = Batch.objects.filter(is_rolled_up=False, state__in=BATCH_TERMINAL)
    for batch_id in list(waiting.order_by("id").values_list("pk", flat=True)):
        count += _roll_up(batch_id)
    return count


@transaction.atomic
def _roll_up(batch_id: int) -> bool:
    locked = Batch.objects.select_for_update(of=["self"]).select_related("quote")
    batch = locked.get(pk=batch_id)
    if batch.is_rolled_up or batch.completed_at is None:
        return False
    fold(
        batch,
        read(batch),
        charged_nanousd=batch.charged_nanousd or 0,
        now=batch.completed_at,
    )
    Batch.objects.filter(pk=batch_id).update(is_rolled_up=True)
    return True
