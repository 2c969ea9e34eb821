"""How far a batch is, when it is likely to end, and why it stands still if it does."""

import math
from datetime import datetime, timedelta
from typing import Any

from batches.models import Batch
from batches.selectors import Progress, Standing
from batches.stalls import STALL_AFTER, why_it_stands
from batches.states import BATCH_TERMINAL, BatchState
from batchrouter.kit import clock

# Of an estimate from the pace so far: the share by which it may be wrong with one row,
# and with any number of them. It narrows with the square root of the rows.
_SPREAD_ONE_ROW = 2.0
_SPREAD_LEAST = 0.15
# Finalizing follows the last row.
_LAST_STEP_SECONDS = 5.0


def progress_json(batch: Batch, standing: Standing, *, now: datetime) -> dict[str, Any]:
    """Return percent, an honest range for the end, and the reason of a stall.

    Needs no query but those that find out why a batch stands still.
    """
    progress = standing.progress
    percent = round(100 * progress.done / progress.total, 2)
    if batch.state in BATCH_TERMINAL:
        return {"percent": percent, "eta_low": None, "eta_high": None, "stall": None}
    low, high = eta(batch, progress, now=now)
    return {
        "percent": percent,
        "eta_low": clock.iso(low),
        "eta_high": clock.iso(high),
        "stall": _stall(batch, standing, now=now),
    }


def eta(
    batch: Batch, progress: Progress, *, now: datetime
) -> tuple[datetime, datetime]:
    """Estimate the end from the pace so far; before the first row, from the quote.

    A running batch has been running since it entered that state. Neither end of the
    range is later than the deadline, which ends every batch.
    """
    low, high = _seconds_left(batch, progress, now)
    latest = max(batch.deadline_at, now)
    return (
        min(now + timedelta(seconds=low), latest),
        min(now + timedelta(seconds=high), latest),
    )


def _seconds_left(
    batch: Batch, progress: Progress, now: datetime
) -> tuple[float, float]:
    if batch.state == BatchState.FINALIZING:
        return 0.0, _LAST_STEP_SECONDS
    if batch.state == BatchState.RUNNING and progress.done:
        took = max((now - batch.state_at).total_seconds(), 0.001)
        likely = took / progress.done * (progress.total - progress.done)
        spread = max(_SPREAD_ONE_ROW / math.sqrt(progress.done), _SPREAD_LEAST)
        return likely / (1 + spread), likely * (1 + spread) + _LAST_STEP_SECONDS
    lanes = batch.quote.reply["lanes"]
    quoted = [lane["finish_seconds"] for lane in lanes if lane["selected"]]
    likely = max(quoted, default=60)
    return likely * 0.2, likely * 2.0


def stands_since(
    batch: Batch, rows_at: datetime | None, *, now: datetime
) -> datetime | None:
    """Return since when an open batch stands still; None for one that moves.

    Args:
        batch: an open one.
        rows_at: when its last row was written.
        now: the present instant.
    """
    since = max(rows_at or batch.state_at, batch.state_at)
    return None if now - since < STALL_AFTER else since


def _stall(batch: Batch, standing: Standing, *, now: datetime) -> dict[str, Any] | None:
    """Say why nothing moves, when nothing has moved for a while."""
    since = stands_since(batch, standing.rows_at, now=now)
    if since is None:
        return None
    why = why_it_stands(batch, now=now)
    return {
        "since": clock.iso(since),
        "code": why.code,
        "reason": why.reason,
        "next_action_at": clock.iso(why.next_action_at),
    }
