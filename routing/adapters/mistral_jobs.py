"""Mistral's batch jobs: OpenAI's files and result lines, and a job of another shape.

The model and the endpoint are the job's; a line has neither method nor address. Our
reference rides in the metadata. Results can be downloaded for a day.

Sources: platform-docs-public 222f4ba and mistralai 3.7.0 with the requests recorded
from it, read 2026-11-22.
"""

from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from routing.adapters import job_calls
from routing.adapters.job_calls import (
    LIST_PAGE_SIZE,
    LIST_PAGES_MAX,
    id_in,
    safe_id,
)
from routing.adapters.mistral import body_of
from routing.adapters.mistral_job_states import job_state
from routing.adapters.openai_compatible import path_of
from routing.adapters.openai_jobs import OpenAIJobs
from routing.contracts import (
    AskOthers,
    Connection,
    Fence,
    ItemRequest,
    JobLimits,
    JobOrder,
    JobState,
)
from routing.failures import JobOutcomeUnknown

JOBS: Final = "/batch/jobs"
TIMEOUT_HOURS: Final = 24


class MistralJobs(OpenAIJobs):
    """Run many items as one Mistral batch job."""

    jobs_path = JOBS
    limits = JobLimits(
        # The stricter of two pages.
        requests_max=100_000,
        bytes_max=512_000_000,
        source="https://docs.mistral.ai/resources/known-limitations, 2026-11-22",
    )
    upload_fields = MappingProxyType({"visibility": "workspace", "purpose": "batch"})

    def encode_line(self, item: ItemRequest, connection: Connection) -> bytes:
        """Return one line of the input file, with its newline."""
        body = body_of(item)
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
        """Upload the file, create the job, return the provider's job id.

        Raises:
            JobRefused: the provider said no before taking the job.
            JobOutcomeUnknown: the job may or may not exist; call :meth:`find`.
        """
        file_id = self._upload(connection, input_file, order.client_ref)
        payload = {
            "endpoint": "/v1" + path_of(order.operation),
            "input_files": [file_id],
            "model": order.provider_model,
            "metadata": {"client_ref": order.client_ref},
            "timeout_hours": TIMEOUT_HOURS,
        }
        fence()
        job = job_calls.created(
            lambda: self._calls.call(connection, "POST", JOBS, payload)
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
        for page in range(LIST_PAGES_MAX):
            asked = {"page": page, "page_size": LIST_PAGE_SIZE, "order_by": "-created"}
            found, _ = self._calls.asked(connection, f"{JOBS}?{urlencode(asked)}")
            jobs = found.get("data") or []
            if not isinstance(jobs, list):
                raise JobOutcomeUnknown("the list of jobs is no list")
            for job in jobs:
                if _tag_of(job) == order.client_ref and (job_id := id_in(job)):
                    return job_id
            if len(jobs) < LIST_PAGE_SIZE:
                return None
        return None

    def poll(self, connection: Connection, job_id: str) -> JobState:
        """Return the job's state; a status that we do not know counts as running.

        Raises:
            JobOutcomeUnknown: the provider could not be asked now.
        """
        job, reply = self._calls.asked(connection, f"{JOBS}/{safe_id(job_id)}")
        return job_state(job, seen_at=job_calls.date_of(reply))


def _tag_of(job: Any) -> Any:
    metadata = job.get("metadata") if isinstance(job, dict) else None
    return metadata.get("client_ref") if isinstance(metadata, dict) else None
