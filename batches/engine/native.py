"""Native-batch lanes: submit a provider job, find it again, poll it, collect its rows.

One call of :func:`serve_native_lanes` takes every due unit one step further. A step is
safe to repeat: the intent is written before the job is sent, our reference finds a job
that was sent by a worker that died, and rows are recorded once.
"""

import logging
import uuid

from django.db import DatabaseError

from batches.engine import claims, finding, polling, submitting
from batches.engine.claims import ClaimedUnit
from batches.engine.context import Contexts
from batches.engine.held_job import NOTHING_SENT, PAUSE, HeldJob
from batches.engine.opening import LOST_LEASES_MAX
from batches.engine.reaching import reach
from batches.engine.recorder import LeaseLost
from batches.models import Execution
from batches.states import EXECUTION_OPEN, ExecutionState
from batchrouter.kit.states import LostRace

log = logging.getLogger(__name__)


def serve_native_lanes() -> None:
    """Take every due unit of the native lanes one step further."""
    token, contexts = uuid.uuid4(), Contexts()
    try:
        while unit := claims.claim("batch", token=token):
            _step(unit, contexts)
    finally:
        contexts.close()


def _step(unit: ClaimedUnit, contexts: Contexts) -> None:
    """Take one step; what goes wrong with a unit is not the others' trouble.

    A unit whose step fails keeps its lease until it runs out, and is taken back then,
    a few times only.
    """
    try:
        held = HeldJob(unit, contexts.of(unit.batch_id))
        try:
            take_step(held)
        finally:
            held.recorder.close()
    except (LeaseLost, LostRace):
        log.warning("unit %s went to another worker", unit.public_id)
    except DatabaseError:
        raise
    except Exception:
        log.exception("the step of unit %s failed", unit.public_id)


def take_step(held: HeldJob) -> None:
    """Submit, find, poll or collect, whichever is next."""
    execution = (
        Execution.objects.filter(unit_id=held.unit.unit_id, state__in=EXECUTION_OPEN)
        .order_by("-id")
        .first()
    )
    if execution is None:
        submitting.begin(held)
        return
    connection = reach(held.lane)
    if held.unit.lost_leases >= LOST_LEASES_MAX:
        polling.give_up(held, execution)
    elif execution.sent_through_seq == NOTHING_SENT:
        finding.send_first(held, execution, connection)
    elif connection is None:
        polling.wait_for(held, execution, PAUSE)
    elif execution.state == ExecutionState.PLANNED:
        finding.find(held, execution, connection)
    else:
        polling.poll(held, execution, connection)
