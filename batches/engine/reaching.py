"""The connection that a stage was quoted for, or none."""

from batches.decisions import StageLane
from routing.connections import connection_for
from routing.contracts import Connection


def reach(lane: StageLane) -> Connection | None:
    """Return the connection to a lane's provider.

    A lane quoted on a live provider is never answered by the simulator, nor the other
    way round, whatever keys were set or removed since.
    """
    found = connection_for(lane.provider, sandbox_only=lane.is_sandbox)
    if found is None or found.is_sandbox != lane.is_sandbox:
        return None
    return found


def is_present(lane: StageLane) -> bool:
    """Tell whether new work on the lane's provider would go where this lane went."""
    found = connection_for(lane.provider)
    return found is not None and found.is_sandbox == lane.is_sandbox
