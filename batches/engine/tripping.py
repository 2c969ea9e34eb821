"""Rest a provider's lanes at once when it refuses our account."""

from collections.abc import Iterable
from datetime import datetime

from batches.decisions import StageLane
from batches.engine.reaching import is_present
from routing import health
from routing.failures import ACCOUNT_REFUSED, RULES


def trip_when_refused(lane: StageLane, causes: Iterable[str], *, now: datetime) -> None:
    """Open the breakers of the provider's lanes if a failure was about our account.

    Args:
        lane: where it happened.
        causes: failure kinds among them.
        now: from when.

    The simulator plays refusals to whoever asks for one, so what it says rests no live
    lane, and what a removed key was told rests no simulated one.
    """
    refused = ACCOUNT_REFUSED.intersection(causes)
    if refused and is_present(lane):
        reason = RULES[min(refused)].message
        health.trip_provider(lane.provider, reason, now=now, is_sandbox=lane.is_sandbox)
