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

from collections.abc import Sequence
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
        chosen += _fallbacks(best, eligible[1:], bear_up_to)
    seconds_left = (deadline_at - now).total_seconds()
    leaves = _leaves(chosen, seconds_left)
    return Plan(
        tuple(
            _stage(lane, deadline_at - timedelta(seconds=seconds_left - leave))
            for lane, leave in zip(chosen, leaves, strict=False)
        )
    )


def _fallbacks(best: Lane, others: Sequence[Lane], bear_up_to: float) -> list[Lane]:
    affordable = best.ceiling_nanousd * (10_000 + FEE_BPS)
    within = [lane for lane in others if lane.ceiling_nanousd * 10_000 <= affordable]
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
        direct = _only_rescue(best, others, bear_up_to)
    return batch[:BATCH_FALLBACKS_MAX] + direct[:DIRECT_FALLBACKS_MAX]


def _only_rescue(best: Lane, others: Sequence[Lane], bear_up_to: float) -> list[Lane]:
    """Return the cheapest direct lane within what we bear, if there is one."""
    most = best.ceiling_nanousd * bear_up_to
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
