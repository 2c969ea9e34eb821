"""OpenRouter's batches: sent inline, and answered inline when they have ended.

``requests`` has to be the body's last key. A batch carries no tag: see
:mod:`routing.adapters.untagged` for how :meth:`OpenRouterJobs.find` knows it again. The
list shows no results, and the question after one batch is answered with all of them, so
that answer always goes to disk. There is no verb to stop a batch.

Batches are not served without retention: a connection that demands that makes none.
Sources: openrouter 1.3.84 and providers.md 1.9, both read 2026-11-22.
"""

import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import orjson

from routing.adapters import inline_rows, job_calls, openai_job_states, openai_lines
from routing.adapters.job_base import JobsAtPaths
from routing.adapters.job_calls import id_in, safe_id
from routing.adapters.naming import same_model
from routing.adapters.openai_compatible import body_of, path_of
from routing.adapters.openrouter import allowed_providers, needs_zero_retention
from routing.adapters.untagged import Candidate, find_untagged
from routing.contracts import (
    EVERY_OPERATION,
    Answer,
    AskOthers,
    Connection,
    Fence,
    ItemRequest,
    JobLimits,
    JobOrder,
    JobState,
    Operation,
)
from routing.failures import FailureKind, JobOutcomeUnknown

Json = dict[str, Any]

BATCHES: Final = "/batches"
_SKEW: Final = timedelta(minutes=2)
_ENDED: Final = frozenset({"completed", "failed", "expired", "cancelled"})


class OpenRouterJobs(JobsAtPaths):
    """Run many items as one OpenRouter batch."""

    operations: tuple[Operation, ...] = EVERY_OPERATION
    limits = JobLimits(
        requests_max=5_000,
        bytes_max=200_000_000,
        source="https://openrouter.ai/docs/guides/features/batch-api, 2026-11-22",
    )

    def encode_line(self, item: ItemRequest, connection: Connection) -> bytes:
        """Return one request of the batch as a line, with its newline."""
        body = body_of(item, "openrouter")
        del body["model"]
        line = {"custom_id": item.ref, "body": body}
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
        if needs_zero_retention(connection):
            raise job_calls.refused(FailureKind.MODEL_MISSING)
        fence()
        job = job_calls.created(
            lambda: self._calls.client.post_lines(
                connection.base_url + BATCHES,
                input_file,
                headers=self._calls.headers(connection),
                head=_head(connection, order),
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
        made_since = list(self._made_since(connection, order))
        return find_untagged(
            made_since,
            order,
            others(),
            is_ours=lambda job_id: self._is_ours(connection, job_id, order.client_ref),
        )

    def poll(self, connection: Connection, job_id: str) -> JobState:
        """Return the batch's state; a status that we do not know counts as running.

        Raises:
            JobOutcomeUnknown: the provider could not be asked now.
        """
        with tempfile.TemporaryDirectory() as folder:
            job, rows, seen_at = self._fetched(connection, job_id, Path(folder))
            result_file = job_id if rows.stat().st_size else None
        return job_state(job, result_file=result_file, seen_at=seen_at)

    def results(
        self, connection: Connection, job: JobState, scratch_dir: Path
    ) -> Iterator[tuple[str, Answer]]:
        """Fetch the batch once more and yield (our ref, answer) for each result.

        Raises:
            JobOutcomeUnknown: the results could not be fetched now.
        """
        for job_id in job.result_files:
            with tempfile.TemporaryDirectory(dir=scratch_dir) as folder:
                _, rows, _ = self._fetched(connection, job_id, Path(folder))
                yield from openai_lines.read_file(rows)

    def _fetched(
        self, connection: Connection, job_id: str, folder: Path
    ) -> tuple[Json, Path, datetime | None]:
        """Return a batch without its results, the file of those, and when it was."""
        answer, rows = folder / "batch.json", folder / "rows.jsonl"
        path = f"{BATCHES}/{safe_id(job_id)}"
        reply = self._calls.download(connection, path, answer)
        job = inline_rows.split(answer, "results", rows)
        answer.unlink()
        if job is None:
            raise JobOutcomeUnknown("the batch is no JSON object")
        return job, rows, job_calls.date_of(reply)

    def _made_since(
        self, connection: Connection, order: JobOrder
    ) -> Iterator[Candidate]:
        """Yield the batches that were made since then and are for the same model."""
        since = order.sent_at - _SKEW
        for job in self._calls.listed(connection, BATCHES):
            if _is_older(job, since):
                return
            if (found := _candidate(job, order)) is not None:
                yield found

    def _is_ours(self, connection: Connection, job_id: str, client_ref: str) -> bool:
        """Tell by its first row whose an ended batch is; without rows it is nobody's.

        Raises:
            JobOutcomeUnknown: the results could not be read now.
        """
        with tempfile.TemporaryDirectory() as folder:
            job, rows, _ = self._fetched(connection, job_id, Path(folder))
            first = next(openai_lines.read_file(rows), None)
        if first is None and job.get("status") == "completed":
            raise JobOutcomeUnknown("a batch's results name nobody")
        return first is not None and first[0].startswith(f"{client_ref}-")


def job_state(
    job: Json, *, result_file: str | None, seen_at: datetime | None
) -> JobState:
    """Read a batch, whose words are OpenAI's.

    Args:
        job: without its results.
        result_file: its own id where it shows results.
        seen_at: the provider's clock at that moment, where it told.
    """
    error = job.get("error")
    return openai_job_states.job_state(
        job
        | {
            "output_file_id": result_file,
            "error_file_id": None,
            "completed_at": job.get("finalized_at"),
            "errors": {"data": [error]},
        },
        seen_at=seen_at,
    )


def _head(connection: Connection, order: JobOrder) -> bytes:
    """Return the body up to and with the bracket that opens its requests."""
    fields: Json = {
        "endpoint": "/v1" + path_of(order.operation),
        "model": order.provider_model,
        "completion_window": "24h",
    }
    if only := allowed_providers(connection):
        fields["provider"] = {"only": only}
    return orjson.dumps(fields)[:-1] + b',"requests":['


def _candidate(job: Json, order: JobOrder) -> Candidate | None:
    job_id, model = id_in(job), job.get("model")
    if job_id is None:
        return None
    if isinstance(model, str) and not same_model(order.provider_model, model):
        return None
    counts = job.get("request_counts")
    total = counts.get("total") if isinstance(counts, dict) else None
    is_known = type(total) is int and total > 0
    return Candidate(job_id, total if is_known else None, job.get("status") in _ENDED)


def _is_older(job: Json, since: datetime) -> bool:
    made_at = job.get("created_at")
    return isinstance(made_at, int | float) and made_at < since.timestamp()
