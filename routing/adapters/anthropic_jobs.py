"""Anthropic's Message Batches: many items as one job, sent inline, read by its URL.

A batch carries no tag: neither its creation nor its list has a field of ours, and the
custom ids show only in the results, which exist once it has ended. See
:mod:`routing.adapters.untagged` for how :meth:`AnthropicJobs.find` knows one again. The
key has to belong to a workspace in which nobody else makes batches.

Sources: providers.md 1.2 and 1.11, ``MessageBatch`` of anthropic 2.12.0, both read
2026-11-22.
"""

import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import orjson

from routing.adapters import (
    anthropic_answers,
    anthropic_requests,
    job_calls,
    result_lines,
)
from routing.adapters.anthropic import PATH, headers_of, version_of
from routing.adapters.job_base import JobsAtPaths
from routing.adapters.job_calls import id_in, safe_id
from routing.adapters.untagged import Candidate, find_untagged
from routing.contracts import (
    Answer,
    AskOthers,
    Connection,
    Fence,
    ItemRequest,
    JobLimits,
    JobOrder,
    JobPhase,
    JobState,
    Operation,
)
from routing.failures import JobOutcomeUnknown

Json = dict[str, Any]

BATCHES: Final = PATH + "/batches"
# Clocks differ by this much at most.
_SKEW: Final = timedelta(minutes=2)

_PHASES: Final[dict[str, JobPhase]] = {
    "in_progress": "running",
    "canceling": "canceling",
    "ended": "ended",
}


class AnthropicJobs(JobsAtPaths):
    """Run many items as one message batch."""

    jobs_path = BATCHES
    headers_of = staticmethod(headers_of)

    operations: tuple[Operation, ...] = ("responses", "vision")
    limits = JobLimits(
        requests_max=100_000,
        bytes_max=256_000_000,
        source="https://platform.claude.com/docs/en/build-with-claude/batch-processing,"
        " 2026-11-22",
    )

    def encode_line(self, item: ItemRequest, connection: Connection) -> bytes:
        """Return one request of the batch as a line, with its newline."""
        version = version_of(connection)
        params = anthropic_requests.messages_body(item, version=version)
        line = {"custom_id": item.ref, "params": params}
        return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)

    def submit(
        self,
        connection: Connection,
        input_file: Path,
        order: JobOrder,
        *,
        fence: Fence,
    ) -> str:
        """Send the lines as one batch and return its id.

        Raises:
            JobRefused: the provider said no before taking the job.
            JobOutcomeUnknown: the job may or may not exist; call :meth:`find`.
        """
        fence()
        job = job_calls.created(
            lambda: self._calls.client.post_lines(
                connection.base_url + BATCHES,
                input_file,
                headers=self._calls.headers(connection),
                head=b'{"requests":[',
                tail=b"]}",
                deadline_seconds=job_calls.TRANSFER_SECONDS,
            )
        )
        return job_calls.named(job)

    def find(
        self, connection: Connection, order: JobOrder, *, others: AskOthers
    ) -> str | None:
        """Return the id of the batch that was made for this order, if there is one.

        Raises:
            JobOutcomeUnknown: the provider could not be asked now, or a batch that is
                still running could be it.
        """
        made_since = self._made_since(connection, order.sent_at - _SKEW)
        return find_untagged(
            [
                Candidate(
                    batch_id,
                    total=job_state(batch).total,
                    is_ended=batch.get("processing_status") == "ended",
                )
                for batch in made_since
                if (batch_id := id_in(batch)) is not None
            ],
            order,
            others(),
            is_ours=lambda job_id: self._is_ours(connection, job_id, order.client_ref),
        )

    def poll(self, connection: Connection, job_id: str) -> JobState:
        """Return the batch's state; a status that we do not know counts as running.

        Raises:
            JobOutcomeUnknown: the provider could not be asked now.
        """
        batch, _ = self._calls.asked(connection, f"{BATCHES}/{safe_id(job_id)}")
        return job_state(batch)

    def results(
        self, connection: Connection, job: JobState, scratch_dir: Path
    ) -> Iterator[tuple[str, Answer]]:
        """Download the results and yield (our ref, answer) for each whole line.

        The path is built from the batch's id, so that no ``results_url`` can lead the
        key to another host.

        Raises:
            JobOutcomeUnknown: the results could not be fetched now.
        """
        for job_id in job.result_files:
            path = scratch_dir / f"{safe_id(job_id)}.jsonl"
            try:
                self._calls.download(connection, f"{BATCHES}/{job_id}/results", path)
                yield from result_lines.read_file(path, anthropic_answers.read_line)
            finally:
                path.unlink(missing_ok=True)

    def _made_since(self, connection: Connection, since: datetime) -> list[Json]:
        """Return the batches made since then, newest first."""
        found: list[Json] = []
        for batch in self._calls.listed(connection, BATCHES, cursor="after_id"):
            made_at = _moment(batch.get("created_at"))
            if made_at is not None and made_at < since:
                break
            found.append(batch)
        return found

    def _is_ours(self, connection: Connection, batch_id: str, client_ref: str) -> bool:
        """Tell by its first row whose an ended batch is.

        Raises:
            JobOutcomeUnknown: the results could not be read now.
        """
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "results.jsonl"
            self._calls.download(connection, f"{BATCHES}/{batch_id}/results", path)
            rows = result_lines.read_file(path, anthropic_answers.read_line)
            first = next(rows, None)
        if first is None:
            raise JobOutcomeUnknown("a batch's results name nobody")
        return first[0].startswith(f"{client_ref}-")


def job_state(batch: Json) -> JobState:
    """Read a message batch; its counts say how it ended.

    Until it ends, all of its requests count as being processed.
    """
    status = batch.get("processing_status")
    phase = _PHASES.get(status, "running") if isinstance(status, str) else "running"
    counts = batch.get("request_counts")
    counts = counts if isinstance(counts, dict) else {}
    succeeded, errored = _count(counts, "succeeded"), _count(counts, "errored")
    canceled, expired = _count(counts, "canceled"), _count(counts, "expired")
    batch_id = id_in(batch)
    is_ended = phase == "ended"
    return JobState(
        phase=phase,
        ended_as=_ended_as(batch, canceled, expired) if is_ended else None,
        total=_count(counts, "processing") + succeeded + errored + canceled + expired,
        completed=succeeded,
        failed=errored,
        result_files=(batch_id,) if is_ended and batch_id else (),
    )


def _ended_as(batch: Json, canceled: int, expired: int) -> str:
    if expired:
        return "expired"
    # A cancel that came too late stopped nothing.
    return "canceled" if canceled and batch.get("cancel_initiated_at") else "ok"


def _count(counts: Json, name: str) -> int:
    value = counts.get(name)
    return value if type(value) is int and 0 <= value < 2**53 else 0


def _moment(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is not None else None
