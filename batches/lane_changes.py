"""Why the lane of work units changed, or why they waited, as the timeline tells it."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from batches.engine.lifecycle import LANE_SHIFTED
from batches.models import Batch, BatchEvent
from batchrouter.kit import clock

Json = dict[str, Any]


def changes_of(batch: Batch) -> dict[str, list[tuple[datetime, Json]]]:
    """Return what befell each work unit between its executions, in order, by its id."""
    found: dict[str, list[tuple[datetime, Json]]] = defaultdict(list)
    for event in BatchEvent.objects.filter(batch=batch, kind__in=_TELLS).order_by("id"):
        name, more = _TELLS[event.kind]
        told = {
            "type": name,
            "at": clock.iso(event.created_at),
            "item_count": event.data["items"],
            "cause": event.data["cause"],
            **more(event.data),
        }
        found[event.data["work_unit_id"]].append((event.created_at, told))
    return found


def _shifted(data: Json) -> Json:
    return {"to_provider": data["to_provider"], "to_mode": data["to_mode"]}


def _replanned(data: Json) -> Json:
    return {"stages": data["stages"], "refused": data["refused"]}


def _nothing(_data: Json) -> Json:
    return {}


_TELLS: Mapping[str, tuple[str, Callable[[Json], Json]]] = {
    LANE_SHIFTED: ("lane_change", _shifted),
    "lane.stalled": ("stall", _nothing),
    "route.replanned": ("replan", _replanned),
    "unit.held": ("hold", _nothing),
}
