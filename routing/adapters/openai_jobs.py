"""OpenAI's Batch API: many items as one job, from files on disk to files on disk.

Sources: openai/openai-openapi f85dbe2 and its June 2025 revision for the line objects,
read 2026-11-22. The create call honours no idempotency key, so our reference rides in
the job's metadata and :meth:`OpenAIJobs.find` looks for it there.
"""

from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import orjson

from batchrouter.kit.outbound import OutboundError
from routing.adapters import job_calls
from routing.adapters.job_base import JobsOfFiles
from routing.adapters.job_calls import id_in, safe_id
from routing.adapters.openai import body_of, path_of
from routing.adapters.openai_job_states import job_state
from routing.contracts import (
    EVERY_OPERATION,
    AskOthers,
    Connection,
    Fence,
    ItemRequest,
    JobLimits,
    JobOrder,
    JobState,
    Operation,
)
from routing.failures import FailureKind

COMPLETION_WINDOW: Final = "24h"
# The input is of no use after the window, and it holds the customer's prompts.
INPUT_FILE_SECONDS: Final = 3 * 24 * 3600


class OpenAIJobs(JobsOfFiles):
    """Run many items as one OpenAI batch.

    Attributes:
        upload_fields: of the form that brings the input file.
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
        for job in self._calls.listed(connection, "/batches"):
            metadata = job.get("metadata")
            tag = metadata.get("client_ref") if isinstance(metadata, dict) else None
            if tag == order.client_ref and (found := id_in(job)) is not None:
                return found
        return None

    def poll(self, connection: Connection, job_id: str) -> JobState:
        """Return the job's state; a status that we do not know counts as running.

        Raises:
            JobOutcomeUnknown: the provider could not be asked now.
        """
        job, reply = self._calls.asked(connection, f"/batches/{safe_id(job_id)}")
        return job_state(job, seen_at=job_calls.date_of(reply))

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
