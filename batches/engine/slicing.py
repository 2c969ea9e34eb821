"""How many items fit into one work unit of a lane."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from batches.decisions import StageLane
from batches.engine.charges import QuotedTerms
from batches.engine.rows import IndexedItem
from routing import estimates, job_queues
from routing.adapters.registry import job_adapter
from routing.job_queues import Queue


@dataclass(frozen=True, slots=True)
class Room:
    """What one work unit may hold; None is no limit.

    Attributes:
        bytes_max: of the lines in a provider job's input.
        tokens_max: of input, as the quoted provider counts.
    """

    items_max: int
    bytes_max: int | None = None
    tokens_max: int | None = None


def room_of(lane: StageLane) -> Room:
    """Return the room on a lane: a slice for direct calls, else a provider job.

    Raises:
        UnknownAdapter: the lane's is gone.
    """
    if lane.mode == "direct":
        return Room(settings.DIRECT_UNIT_ITEMS)
    limits = job_adapter(lane.adapter).limits
    queue = job_queues.limits_of(queue_of(lane), limits.queue)
    return Room(
        min(
            settings.NATIVE_UNIT_ITEMS, *_known(limits.requests_max, queue.requests_max)
        ),
        limits.bytes_max,
        min(_known(limits.tokens_max, queue.tokens_max), default=None),
    )


def queue_of(lane: StageLane) -> Queue:
    """Return where the lane's jobs wait."""
    return Queue(lane.provider, lane.provider_model, lane.is_sandbox)


def _known(*limits: int | None) -> list[int]:
    return [limit for limit in limits if limit is not None]


def cut(
    items: Sequence[IndexedItem], room: Room, terms: QuotedTerms
) -> list[list[IndexedItem]]:
    """Cut items, in order, into parts that fit; an item too large is one by itself."""
    parts: list[list[IndexedItem]] = []
    bytes_left = tokens_left = 0
    for item in items:
        line = estimates.job_line_bytes(item.length)
        tokens = terms.input_bound(item.input_tokens)
        is_full = (
            not parts
            or len(parts[-1]) >= room.items_max
            or (room.bytes_max is not None and line > bytes_left)
            or (room.tokens_max is not None and tokens > tokens_left)
        )
        if is_full:
            parts.append([])
            bytes_left, tokens_left = room.bytes_max or 0, room.tokens_max or 0
        parts[-1].append(item)
        bytes_left -= line
        tokens_left -= tokens
    return parts
