"""Read a Mistral batch job as our job state (providers.md 1.4 and 1.11)."""

from datetime import datetime
from typing import Any, Final

from routing.adapters.job_calls import PROVIDER_ID
from routing.contracts import JobPhase, JobState

Json = dict[str, Any]

# A job that succeeded may show its output file a little later than its end.
FILE_LAG_SECONDS: Final = 600
MESSAGE_MAX: Final = 300

_PHASES: Final[dict[str, tuple[JobPhase, str | None]]] = {
    "QUEUED": ("submitted", None),
    "RUNNING": ("running", None),
    "CANCELLATION_REQUESTED": ("canceling", None),
    "SUCCESS": ("ended", "ok"),
    "FAILED": ("ended", "failed"),
    "TIMEOUT_EXCEEDED": ("ended", "expired"),
    "CANCELLED": ("ended", "canceled"),
}


def job_state(job: Json, *, seen_at: datetime | None) -> JobState:
    """Read a batch job.

    Args:
        job: as the provider sent it.
        seen_at: the provider's clock at that moment, where it told.
    """
    status = job.get("status")
    known = _PHASES.get(status) if isinstance(status, str) else None
    phase, ended_as = known or ("running", None)
    completed = _count(job, "succeeded_requests")
    if ended_as == "ok" and completed and _lags(job, seen_at):
        phase, ended_as = "collecting", None
    files = (job.get("output_file"), job.get("error_file"))
    return JobState(
        phase=phase,
        ended_as=ended_as,
        total=_count(job, "total_requests"),
        completed=completed,
        failed=_count(job, "failed_requests"),
        result_files=tuple(
            name for name in files if isinstance(name, str) and PROVIDER_ID.match(name)
        ),
        message=_message(job.get("errors")),
    )


def _lags(job: Json, seen_at: datetime | None) -> bool:
    """Tell whether a successful job's output file is missing and may yet appear."""
    if job.get("output_file"):
        return False
    ended = _count(job, "completed_at")
    return seen_at is None or seen_at.timestamp() - ended < FILE_LAG_SECONDS


def _message(errors: Any) -> str | None:
    first = errors[0] if isinstance(errors, list) and errors else None
    text = first.get("message") if isinstance(first, dict) else None
    if not isinstance(text, str):
        return None
    return "".join(c if c.isprintable() else " " for c in text)[:MESSAGE_MAX] or None


def _count(job: Json, name: str) -> int:
    value = job.get(name)
    return value if type(value) is int and 0 <= value < 2**53 else 0
