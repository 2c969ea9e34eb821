"""Read an OpenAI batch object as our job state (providers.md 1.11)."""

from datetime import datetime
from typing import Any, Final

from routing.adapters import statuses
from routing.adapters.job_calls import PROVIDER_ID
from routing.contracts import JobPhase, JobState

# A completed job may show its output file a little later than its end.
FILE_LAG_SECONDS: Final = 600
MESSAGE_MAX: Final = 300

_PHASES: Final[dict[str, tuple[JobPhase, str | None]]] = {
    "validating": ("submitted", None),
    "in_progress": ("running", None),
    "finalizing": ("collecting", None),
    "cancelling": ("canceling", None),
    "completed": ("ended", "ok"),
    "failed": ("ended", "failed"),
    "expired": ("ended", "expired"),
    "cancelled": ("ended", "canceled"),
}


def job_state(job: dict[str, Any], *, seen_at: datetime | None) -> JobState:
    """Read a batch object.

    Args:
        job: as the provider sent it.
        seen_at: the provider's clock at that moment, where it told.
    """
    status = job.get("status")
    known = _PHASES.get(status) if isinstance(status, str) else None
    phase, ended_as = known or ("running", None)
    counts = job.get("request_counts")
    counts = counts if isinstance(counts, dict) else {}
    files = (job.get("output_file_id"), job.get("error_file_id"))
    result_files = tuple(
        name for name in files if isinstance(name, str) and PROVIDER_ID.match(name)
    )
    completed = _count(counts.get("completed"))
    if ended_as == "failed" and not result_files and _is_turned_away(job):
        ended_as = "turned_away"
    if ended_as == "ok" and completed and _lags(job, seen_at):
        phase, ended_as = "collecting", None
    return JobState(
        phase=phase,
        ended_as=ended_as,
        total=_count(counts.get("total")),
        completed=completed,
        failed=_count(counts.get("failed")),
        result_files=result_files,
        message=_message(job.get("errors")),
    )


def _lags(job: dict[str, Any], seen_at: datetime | None) -> bool:
    """Tell whether a completed job's output file is missing and may yet appear."""
    if job.get("output_file_id"):
        return False
    ended = _count(job.get("completed_at"))
    return seen_at is None or seen_at.timestamp() - ended < FILE_LAG_SECONDS


def _is_turned_away(job: dict[str, Any]) -> bool:
    """Tell whether the check of a job found no room for it in the queue."""
    errors = job.get("errors")
    entries = errors.get("data") if isinstance(errors, dict) else None
    return isinstance(entries, list) and any(
        statuses.error_words(entry) & statuses.QUEUE_WORDS for entry in entries
    )


def _message(errors: Any) -> str | None:
    entries = errors.get("data") if isinstance(errors, dict) else None
    first = entries[0] if isinstance(entries, list) and entries else None
    if not isinstance(first, dict):
        return None
    words = [first.get("code"), first.get("message")]
    text = ": ".join(word for word in words if isinstance(word, str))
    return "".join(c if c.isprintable() else " " for c in text)[:MESSAGE_MAX] or None


def _count(value: Any) -> int:
    return value if type(value) is int and 0 <= value < 2**53 else 0
