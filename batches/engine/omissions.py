"""What of an item the provider of a lane is not sent."""

from batches.decisions import StageLane
from routing.adapters.registry import direct_adapter
from routing.contracts import Connection, ItemRequest


def dropped_fields(
    lane: StageLane, request: ItemRequest, connection: Connection
) -> tuple[str, ...]:
    """Name the fields of the item's input that the lane's provider is not sent.

    A line of a job holds the body of a direct call, so the direct adapter answers for
    both.
    """
    return direct_adapter(lane.adapter).dropped_fields(request, connection)
