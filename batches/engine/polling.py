"""Ask how a provider job is, collect it when it ended, stop it when its time is up."""

import logging
from datetime import timedelta

from batches.engine import closing, collecting, submitting
from batches.engine.held_job import HeldJob, poll_pause, scratch
from batches.models import Execution
from batchrouter.kit import clock
from routing import planning
from routing.contracts import Connection, JobState
from routing.failures import JobOutcomeUnknown

log = logging.getLogger(__name__)

# A job that was told to stop is asked at least this often.
_STOPPING_PAUSE = timedelta(seconds=5)
# A job of which nothing is known any more.
_LOST_JOB = JobState("running", None, 0, 0, 0, ())


def poll(held: HeldJob, execution: Execution, connection: Connection) -> None:
    """Take the next step with a job that the provider has."""
    with held.keeping():
        try:
            job = held.adapter.poll(connection, execution.provider_job_id)
            if _is_stalled(held, execution, job):
                log.warning("job %s is far too slow", execution.public_id)
                held.leave_early()
            if held.is_leaving and job.phase not in {"canceling", "ended"}:
                held.adapter.cancel(connection, execution.provider_job_id)
        except JobOutcomeUnknown:
            _poll_later(held, execution)
            return
    if job.ended_as == "turned_away":
        submitting.turned_away(held, execution)
    elif job.phase == "ended":
        _collect(held, execution, connection, job)
    else:
        _poll_later(held, execution, job)


def _is_stalled(held: HeldJob, execution: Execution, job: JobState) -> bool:
    """Tell whether to leave a lane before its time, for one that is still in time."""
    if (
        held.is_leaving
        or job.phase != "running"
        or not closing.has_next_stage(held.unit, held.decision)
    ):
        return False
    now = clock.now()
    return planning.is_stalled(
        started_at=execution.started_at,
        leave_at=now + timedelta(seconds=held.unit.stage_seconds),
        now=now,
        completed=job.completed + job.failed,
        total=job.total,
    )


def wait_for(held: HeldJob, execution: Execution, pause: timedelta) -> None:
    """Ask again later, or not at all when that was promised long enough."""
    if held.is_hopeless:
        give_up(held, execution)
    else:
        held.wait(pause)


def give_up(held: HeldJob, execution: Execution) -> None:
    """Move on without a job that does not end, and book what it may cost us."""
    log.error("job %s was given up", execution.public_id)
    collecting.collect(
        _job(held, execution, None, _LOST_JOB),
        iter(()),
        stop_cause=held.stop_cause,
    )


def _poll_later(
    held: HeldJob, execution: Execution, job: JobState | None = None
) -> None:
    Execution.objects.filter(pk=execution.pk).update(
        polls=execution.polls + 1,
        **({"completed": job.completed} if job else {}),
    )
    pause = poll_pause(execution.polls + 1)
    if held.is_leaving:
        pause = min(pause, _STOPPING_PAUSE)
    wait_for(held, execution, pause)


def _collect(
    held: HeldJob, execution: Execution, connection: Connection, job: JobState
) -> None:
    with held.keeping(), scratch() as folder:
        try:
            collecting.collect(
                _job(held, execution, connection, job),
                held.adapter.results(connection, job, folder),
                stop_cause=held.stop_cause,
            )
        except JobOutcomeUnknown:
            _poll_later(held, execution)


def _job(
    held: HeldJob,
    execution: Execution,
    connection: Connection | None,
    state: JobState,
) -> collecting.Job:
    return collecting.Job(
        unit=held.unit,
        context=held.context,
        decision=held.decision,
        lane=held.lane,
        execution=execution,
        recorder=held.recorder,
        state=state,
        history=held.history,
        connection=connection,
    )
