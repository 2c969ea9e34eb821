"""A native batch: what the wire shows, and what it takes to go on after a stop."""

import time
from dataclasses import dataclass, field
from typing import Any

from simulator.faults import Fault, Plan
from simulator.wire import Json

WINDOW_SECONDS = 24 * 3600
TERMINAL = frozenset({"completed", "failed", "expired", "cancelled"})
_MOMENTS = (
    *("in_progress_at", "finalizing_at", "completed_at", "failed_at", "expired_at"),
    *("cancelling_at", "cancelled_at"),
)


@dataclass
class Progress:
    """How far the lines are done; sizes are bytes of the unshuffled work files."""

    offset: int = 0
    line: int = 0
    output_size: int = 0
    error_size: int = 0
    cut_after: int | None = None  # index in the output file of the row to cut after
    output_rows: int = 0
    unexecuted: int = 0  # lines that were given up


@dataclass
class BatchRecord:
    view: Json
    provider: str
    created: float  # Unix seconds, finer than the wire's created_at
    seconds: float  # least time from creation to completed
    faults: list[Fault]
    model: str = ""
    output_life: int | None = None
    polls: int = 0
    polls_done: int = 0  # polls since it completed
    progress: Progress = field(default_factory=Progress)

    @property
    def id(self) -> str:
        return str(self.view["id"])

    @property
    def status(self) -> str:
        return str(self.view["status"])

    @property
    def plan(self) -> Plan:
        return Plan(self.faults)

    def move(self, status: str) -> None:
        """Change the status and stamp its moment."""
        self.view["status"] = status
        moment = f"{status}_at"
        if moment in self.view:
            self.view[moment] = int(time.time())

    def polled(self) -> Json:
        """Count a poll and return the object it sees."""
        self.polls += 1
        shown = dict(self.view)
        override, lag = self.plan.get("status"), self.plan.get("no_output_lag")
        if override and _still(override, self.polls):
            shown["status"] = override.options.get("value", "paused")
        if lag and self.status == "completed":
            self.polls_done += 1
            if self.polls_done <= int(lag.options.get("polls", 2)):
                shown["output_file_id"] = shown["error_file_id"] = None
        return shown

    def saved(self) -> Json:
        """Return everything as JSON."""
        plain: Json = {**vars(self), "progress": vars(self.progress)}
        plain["faults"] = [[fault.kind, dict(fault.options)] for fault in self.faults]
        return plain


def loaded(saved: dict[str, Any]) -> BatchRecord:
    """Return the record that ``saved`` came from."""
    fields = dict(saved)
    fields["faults"] = [Fault(kind, options) for kind, options in saved["faults"]]
    fields["progress"] = Progress(**saved["progress"])
    return BatchRecord(**fields)


def new_view(batch_id: str, asked: Json, model: str, now: float) -> Json:
    """Return the batch object right after creation."""
    return {
        "id": batch_id,
        "object": "batch",
        "endpoint": asked["endpoint"],
        "model": model or None,
        "errors": None,
        "input_file_id": asked["input_file_id"],
        "completion_window": asked["completion_window"],
        "status": "validating",
        "output_file_id": None,
        "error_file_id": None,
        "created_at": int(now),
        "expires_at": int(now) + WINDOW_SECONDS,
        **dict.fromkeys(_MOMENTS),
        "request_counts": {"total": 0, "completed": 0, "failed": 0},
        "usage": {
            "input_tokens": 0,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 0,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 0,
        },
        "metadata": asked.get("metadata"),
    }


def _still(fault: Fault, polls: int) -> bool:
    limit = int(fault.options.get("polls", 0))
    return not limit or polls <= limit
