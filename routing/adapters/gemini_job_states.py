"""Read a Gemini batch, which comes as an Operation, as our job state."""

from datetime import datetime
from typing import Any, Final

from routing.adapters.job_calls import PROVIDER_ID
from routing.contracts import JobPhase, JobState

Json = dict[str, Any]

# A job that succeeded may show its output a little later.
OUTPUT_LAG_SECONDS: Final = 600
MESSAGE_MAX: Final = 300
FILES: Final = "files/"
BATCHES: Final = "batches/"

_PHASES: Final[dict[str, tuple[JobPhase, str | None]]] = {
    **dict.fromkeys(("PENDING", "QUEUED"), ("submitted", None)),
    **dict.fromkeys(("RUNNING", "UPDATING", "PAUSED"), ("running", None)),
    "CANCELLING": ("canceling", None),
    **dict.fromkeys(("SUCCEEDED", "PARTIALLY_SUCCEEDED"), ("ended", "ok")),
    "FAILED": ("ended", "failed"),
    "EXPIRED": ("ended", "expired"),
    "CANCELLED": ("ended", "canceled"),
}


def job_state(job: Json, *, seen_at: datetime | None) -> JobState:
    """Read a batch.

    Its results are named by where they are: ``files/…``, or ``batches/…`` where they
    stand in the job itself.

    Args:
        job: the Operation, as the provider sent it.
        seen_at: the provider's clock at that moment, where it told.
    """
    metadata = _object(job, "metadata")
    phase, ended_as = _phase(job, metadata)
    stats = _object(metadata, "batchStats")
    completed = _count(stats, "successfulRequestCount")
    results = _results(job, metadata)
    is_late = ended_as == "ok" and completed and not results
    if is_late and _may_come(metadata, seen_at):
        phase, ended_as = "collecting", None
    return JobState(
        phase=phase,
        ended_as=ended_as,
        total=_count(stats, "requestCount"),
        completed=completed,
        failed=_count(stats, "failedRequestCount"),
        result_files=results if ended_as else (),
        message=_message(job.get("error")),
    )


def _phase(job: Json, metadata: Json) -> tuple[JobPhase, str | None]:
    state = metadata.get("state")
    if not isinstance(state, str):
        if job.get("done") is not True:
            return "running", None
        return "ended", "failed" if _object(job, "error") else "ok"
    # On the wire BATCH_STATE_, in the SDK JOB_STATE_.
    return _PHASES.get(state.partition("_STATE_")[2], ("running", None))


def _results(job: Json, metadata: Json) -> tuple[str, ...]:
    for holder in (_object(metadata, "output"), _object(job, "response")):
        name = holder.get("responsesFile")
        if _is_named(name, FILES):
            return (str(name),)
        if holder.keys() & {"inlinedResponses", "inlinedEmbedContentResponses"}:
            return (job["name"],) if _is_named(job.get("name"), BATCHES) else ()
    return ()


def _is_named(name: Any, collection: str) -> bool:
    return (
        isinstance(name, str)
        and name.startswith(collection)
        and PROVIDER_ID.match(name.removeprefix(collection)) is not None
    )


def _may_come(metadata: Json, seen_at: datetime | None) -> bool:
    """Tell whether a missing output may yet appear."""
    try:
        ended_at = datetime.fromisoformat(metadata["endTime"])
        return (
            seen_at is None or (seen_at - ended_at).total_seconds() < OUTPUT_LAG_SECONDS
        )
    except (KeyError, TypeError, ValueError):
        return seen_at is None


def _message(error: Any) -> str | None:
    text = error.get("message") if isinstance(error, dict) else None
    if not isinstance(text, str):
        return None
    return "".join(c if c.isprintable() else " " for c in text)[:MESSAGE_MAX] or None


def _object(value: Json, name: str) -> Json:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _count(stats: Json, name: str) -> int:
    """Return a count, which comes as text."""
    value = stats.get(name)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value[:15])
    return value if type(value) is int and 0 <= value < 2**53 else 0
