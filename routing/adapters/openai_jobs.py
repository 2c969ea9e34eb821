"""OpenAI's Batch API: many items as one job, from files on disk to files on disk.

Sources: openai/openai-openapi f85dbe2 and its June 2025 revision for the line objects,
read 2026-11-22. The create call honours no idempotency key, so our reference rides in
the job's metadata and :meth:`OpenAIJobs.find` looks for it there.
"""

from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import orjson

from batchrouter.kit.outbound import ControlClient, OutboundError
from routing.adapters import job_calls, openai_lines
from routing.adapters.job_calls import JobCalls, id_in, safe_id
from routing.adapters.openai import body_of, path_of
from routing.adapters.openai_job_states import job_state
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

COMPLETION_WINDOW: Final = "24h"
# The input is of no use after the window, and it holds the customer's prompts.
INPUT_FILE_SECONDS: Final = 3 * 24 * 3600
FIND_PAGES_MAX: Final = 20
FIND_PAGE_SIZE: Final = 100


class OpenAIJobs:
    """Run many items as one OpenAI batch.

    Attributes:
        upload_fields: of the form that brings the input file.

    Args:
        client: makes the calls.
    """

    operations: tuple[Operation, ...] = EVERY_OPERATION
    upload_fields = MappingProxyType(
        {
            "purpose": "batch",
            "expires_after[anchor]": "created_at",
            "expires_after[seconds]": str(INPUT_FILE_SECONDS),
        }
    )
    limits = JobLimits(
        requests_max=50_000,
        bytes_max=200_000_000,
        source="https://developers.openai.com/api/docs/guides/batch, 2026-11-22",
    )

    def __init__(self, client: ControlClient) -> None:
        self._calls = JobCalls(client, bearer_headers)

    def endpoint_of(self, operation: Operation) -> str:
        """Return the endpoint that a job's lines are for."""
        return "/v1" + path_of(operation)

    def body_of(self, item: ItemRequest) -> dict[str, Any]:
        """Return the body of one line."""
        return body_of(item)

    def encode_line(self, item: ItemRequest, connection: Connection) -> bytes:
        """Return one line of the input file, with its newline."""
        line = {
            "custom_id": item.ref,
            "method": "POST",
            "url": self.endpoint_of(item.operation),
            "body": self.body_of(item),
        }
        return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)

    def submit(
        self,
        connection: Connection,
        input_file: Path,
        order: JobOrder,
        *,
        fence: Fence,
    ) -> str:
        """Upload the file, create the job, return the provider's job id.

        Raises:
            JobRefused: the provider said no before taking the job.
            JobOutcomeUnknown: the job may or may not exist; call :meth:`find`.
        """
        file_id = self._upload(connection, input_file, order.client_ref)
        payload = {
            "input_file_id": file_id,
            "endpoint": self.endpoint_of(order.operation),
            "completion_window": COMPLETION_WINDOW,
            "metadata": {"client_ref": order.client_ref},
        }
        fence()
        job = job_calls.created(
            lambda: self._calls.call(connection, "POST", "/batches", payload)
        )
        return job_calls.named(job)

    def find(
        self, connection: Connection, order: JobOrder, *, others: AskOthers
    ) -> str | None:
        """Return the id of the job that carries our reference, if there is one.

        Looks through the newest 2,000 jobs.

        Raises:
            JobOutcomeUnknown: the provider could not be asked now.
        """
        path = f"/batches?limit={FIND_PAGE_SIZE}"
        after = ""
        for _ in range(FIND_PAGES_MAX):
            page = self._page(connection, path + after)
            jobs = page.get("data")
            jobs = [job for job in jobs if isinstance(job, dict)] if jobs else []
            for job in jobs:
                metadata = job.get("metadata")
                tag = metadata.get("client_ref") if isinstance(metadata, dict) else None
                if tag == order.client_ref and (found := id_in(job)) is not None:
                    return found
            last = id_in(jobs[-1]) if jobs else None
            if last is None or page.get("has_more") is not True:
                return None
            after = f"&after={last}"
        return None

    def poll(self, connection: Connection, job_id: str) -> JobState:
        """Return the job's state; a status that we do not know counts as running.

        Raises:
            JobOutcomeUnknown: the provider could not be asked now.
        """
        job, reply = self._calls.asked(connection, f"/batches/{safe_id(job_id)}")
        return job_state(job, seen_at=job_calls.date_of(reply))

    def results(
        self, connection: Connection, job: JobState, scratch_dir: Path
    ) -> Iterator[tuple[str, Answer]]:
        """Download the result files and yield (our ref, answer) for each whole line.

        A truncated last line is left out; malformed lines are skipped; duplicates
        are yielded and are the caller's to drop. The files are deleted at the end.

        Raises:
            JobOutcomeUnknown: a file could not be fetched now.
        """
        paths: list[Path] = []
        try:
            for file_id in job.result_files:
                path = scratch_dir / f"{safe_id(file_id)}.jsonl"
                paths.append(path)
                self._calls.download(connection, f"/files/{file_id}/content", path)
            for path in paths:
                yield from openai_lines.read_file(path)
        finally:
            for path in paths:
                path.unlink(missing_ok=True)

    def cancel(self, connection: Connection, job_id: str) -> None:
        """Ask the provider to stop; already ended jobs are no error.

        Raises:
            JobOutcomeUnknown: the provider could not be asked now.
        """
        self._calls.cancel(connection, f"/batches/{safe_id(job_id)}/cancel")

    def _upload(self, connection: Connection, file: Path, client_ref: str) -> str:
        """Upload the input; whatever goes wrong here, no job exists yet."""
        try:
            reply = self._calls.client.upload(
                connection.base_url + "/files",
                file,
                headers=self._calls.headers(connection),
                fields=self.upload_fields,
                filename=f"{client_ref}.jsonl",
                deadline_seconds=job_calls.TRANSFER_SECONDS,
            )
        except OutboundError as error:
            raise job_calls.refused(FailureKind.UNREACHABLE) from error
        if not reply.ok:
            raise job_calls.refusal(reply)
        file_id = id_in(job_calls.object_in(reply))
        if file_id is None:
            raise job_calls.refused(FailureKind.OVERLOADED)
        return file_id

    def _page(self, connection: Connection, path: str) -> dict[str, Any]:
        page, _ = self._calls.asked(connection, path)
        if not isinstance(page.get("data"), list):
            raise JobOutcomeUnknown("the list of jobs is no list")
        return page


def bearer_headers(connection: Connection) -> dict[str, str]:
    """Return the headers of every call."""
    return {
        "Authorization": f"Bearer {connection.api_key}",
        "Accept": "application/json",
    }
