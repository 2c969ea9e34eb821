"""Turn judged lanes into stages: the best lane first, and a way out in good time.

Rules:

- The best lane is the first stage. Behind a native batch lane come at most one other
  provider's batch lane and then direct lanes; behind a direct lane, direct lanes.
- A stage leaves early enough that the next one can still finish before the deadline:
  one and a half times that one's estimate and a quarter of an hour. Where time is
  short the margin shrinks first, and a fallback that cannot finish any more is left
  out.
- The customer's price never moves: it is the quote of the best lane. A fallback whose
  worst case exceeds that quote by more than our fee is left out, unless there is no
  other way to meet the deadline. Then the cheapest direct lane is kept up to
  ``BEAR_UP_TO`` times the quote, and we bear the difference.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from routing.contracts import Lane, Plan, Stage

DIRECT_FALLBACKS_MAX: Final = 2
BATCH_FALLBACKS_MAX: Final = 1
# List price is twice the batch price at every provider with a batch API, so less than 2
# would leave late jobs without a rescue.
BEAR_UP_TO: Final = 2.0
FEE_BPS: Final = 590
MARGIN_FACTOR: Final = 1.5
MARGIN_SECONDS: Final = 900.0
STALL_SHARE: Final = 0.25
STALL_FACTOR: Final = 1.5


def plan(
    lanes: Sequence[Lane],
    *,
    deadline_at: datetime,
    now: datetime,
    allow_fallbacks: bool,
    bear_up_to: float = BEAR_UP_TO,
) -> Plan:
    """Return the stages for judged lanes; none where no lane is eligible.

    Args:
        lanes: as :func:`routing.scoring.judge` returned them.
        deadline_at: the last stage leaves then.
        now: the first stage starts now.
        allow_fallbacks: False keeps the work on the best lane.
        bear_up_to: how many times the quote an only rescue may cost us.
    """
    eligible = sorted(
        (lane for lane in lanes if lane.rank is not None),
        key=lambda lane: lane.rank or 0,
    )
    if not eligible:
        return Plan(())
    best = eligible[0]
    chosen = [best]
    if allow_fallbacks:
        chosen += _fallbacks(best, eligible[1:], best.ceiling_nanousd, bear_up_to)
    return _staged(chosen, deadline_at=deadline_at, now=now)


def replan(
    lanes: Sequence[Lane],
    *,
    tried: Collection[int],
    quoted_nanousd: int,
    deadline_at: datetime,
    now: datetime,
    bear_up_to: float = BEAR_UP_TO,
) -> Plan:
    """Return new stages for work whose planned lanes are gone; none without a lane.

    The price is the quoted one whatever is chosen, so the lanes are held against that
    and not against each other: the best ranked within it and our fee, else the
    cheapest within what we bear.

    Args:
        lanes: as :func:`routing.scoring.judge` returned them for what is left.
        tried: offerings that are not asked again.
        quoted_nanousd: what was quoted for what is left, before the fee.
        deadline_at: the last stage leaves then.
        now: the first stage starts now.
        bear_up_to: how many times the quote an only rescue may cost us.
    """
    eligible = sorted(
        (
            lane
            for lane in lanes
            if lane.rank is not None and lane.offering.offering_id not in tried
        ),
        key=lambda lane: lane.rank or 0,
    )
    within = [lane for lane in eligible if _is_within(lane, quoted_nanousd)]
    most = quoted_nanousd * bear_up_to
    borne = [lane for lane in eligible if lane.ceiling_nanousd <= most]
    if not borne:
        return Plan(())
    best = within[0] if within else min(borne, key=lambda lane: lane.ceiling_nanousd)
    others = [lane for lane in eligible if lane is not best]
    chosen = [best, *_fallbacks(best, others, quoted_nanousd, bear_up_to)]
    return _staged(chosen, deadline_at=deadline_at, now=now)


def is_stalled(
    *,
    started_at: datetime,
    leave_at: datetime,
    now: datetime,
    completed: int,
    total: int,
) -> bool:
    """Tell whether a job is far too slow to end before its lane is to be left.

    A quarter of its time has to be over, and at its pace it would take half as long
    again as there is. A job that shows no progress at all tells nothing: many
    providers count only at the end.
    """
    if completed <= 0 or total <= completed:
        return False
    spent, given = (now - started_at), (leave_at - started_at)
    if spent < given * STALL_SHARE:
        return False
    return spent * (total / completed) > given * STALL_FACTOR


def _staged(chosen: list[Lane], *, deadline_at: datetime, now: datetime) -> Plan:
    """Return the lanes as stages, fewer where time is short."""
    seconds_left = (deadline_at - now).total_seconds()
    leaves = _leaves(chosen, seconds_left)
    return Plan(
        tuple(
            _stage(lane, deadline_at - timedelta(seconds=seconds_left - leave))
            for lane, leave in zip(chosen, leaves, strict=False)
        )
    )


def _is_within(lane: Lane, quoted_nanousd: int) -> bool:
    return lane.ceiling_nanousd * 10_000 <= quoted_nanousd * (10_000 + FEE_BPS)


def _fallbacks(
    best: Lane, others: Sequence[Lane], quoted_nanousd: int, bear_up_to: float
) -> list[Lane]:
    within = [lane for lane in others if _is_within(lane, quoted_nanousd)]
    batch = [
        lane
        for lane in within
        if lane.offering.mode == "batch"
        and lane.offering.provider != best.offering.provider
    ]
    if best.offering.mode == "direct":
        batch = []
    direct = [lane for lane in within if lane.offering.mode == "direct"]
    if not direct:
        direct = _only_rescue(others, quoted_nanousd * bear_up_to)
    return batch[:BATCH_FALLBACKS_MAX] + direct[:DIRECT_FALLBACKS_MAX]


def _only_rescue(others: Sequence[Lane], most: float) -> list[Lane]:
    """Return the cheapest direct lane within what we bear, if there is one."""
    rescues = [
        lane
        for lane in others
        if lane.offering.mode == "direct" and lane.ceiling_nanousd <= most
    ]
    rescues.sort(key=lambda lane: (lane.ceiling_nanousd, lane.rank))
    return rescues[:1]


def _leaves(chosen: list[Lane], seconds_left: float) -> list[float]:
    """Return when each stage leaves, in seconds from now; fewer where time is short.

    Computed from the end: the last stage leaves at the deadline.
    """
    for count in range(len(chosen), 1, -1):
        leaves = [seconds_left]
        for lane, following in reversed(list(pairwise(chosen[:count]))):
            leaves.insert(0, _leave(lane, following, leaves[0]))
        if leaves[0] > 0 and leaves == sorted(leaves):
            return leaves
    return [seconds_left]


def _leave(lane: Lane, following: Lane, following_leaves: float) -> float:
    """Return when a stage must leave for the following one to finish."""
    latest = following_leaves - following.finish_seconds
    with_margin = latest - (MARGIN_FACTOR - 1) * following.finish_seconds
    with_margin -= MARGIN_SECONDS
    # The margin gives way before the stage's own usual time does.
    return max(with_margin, min(float(lane.finish_seconds), latest))


def _stage(lane: Lane, leave_at: datetime) -> Stage:
    return Stage(
        offering_id=lane.offering.offering_id,
        provider=lane.offering.provider,
        model=lane.offering.model,
        mode=lane.offering.mode,
        leave_at=leave_at,
    )
