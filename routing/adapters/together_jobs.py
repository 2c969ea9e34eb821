"""Together's batches: OpenAI's lines without method and URL, chat completions only.

The input goes where an answer of 302 says, by PUT and without the key. A batch carries
no tag, but it names its input file, and the file's name is ours: that is how
:meth:`TogetherJobs.find` knows it again.

Sources: together 3.1.1 and providers.md 1.6, both read 2026-11-22.
"""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import orjson

from batchrouter.kit.multipart import form_body
from batchrouter.kit.outbound import OutboundError, Reply
from routing.adapters import job_calls, openai_job_states
from routing.adapters.job_base import JobsOfFiles
from routing.adapters.job_calls import PROVIDER_ID, id_in, safe_id
from routing.adapters.openai_compatible import body_of, path_of
from routing.adapters.transfers import transfer_url
from routing.contracts import (
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
from routing.queueing import QueueLimits

Json = dict[str, Any]

FILE_ID_HEADER: Final = "X-Together-File-Id"
_SKEW: Final = timedelta(minutes=2)


class TogetherJobs(JobsOfFiles):
    """Run many items as one Together batch."""

    operations: tuple[Operation, ...] = ("responses", "vision")
    limits = JobLimits(
        requests_max=50_000,
        bytes_max=100_000_000,
        tokens_max=30_000_000_000,
        queue=QueueLimits(tokens_max=30_000_000_000),
        source="https://docs.together.ai/docs/inference/batch/overview, 2026-11-22",
    )

    def encode_line(self, item: ItemRequest, connection: Connection) -> bytes:
        """Return one line of the input file, with its newline."""
        line = {"custom_id": item.ref, "body": body_of(item, "together")}
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
            "input_file_id": file_id,
        }
        fence()
        made = job_calls.created(
            lambda: self._calls.call(connection, "POST", "/batches", payload)
        )
        job = made.get("job")
        return job_calls.named(job if isinstance(job, dict) else made)

    def find(
        self, connection: Connection, order: JobOrder, *, others: AskOthers
    ) -> str | None:
        """Return the id of the job whose input file bears our reference.

        Raises:
            JobOutcomeUnknown: the provider could not be asked now.
        """
        made_since = self._made_since(connection, order.sent_at - _SKEW)
        known = others().job_ids
        for job in made_since:
            job_id, file_id = id_in(job), id_in(job, key="input_file_id")
            if job_id is None or file_id is None or job_id in known:
                continue
            file, _ = self._calls.asked(connection, f"/files/{file_id}")
            if file.get("filename") == f"{order.client_ref}.jsonl":
                return job_id
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
        with file.open("rb") as source:
            checksum = hashlib.file_digest(source, "sha256").hexdigest()
        fields = {
            "purpose": "batch-api",
            "file_name": f"{client_ref}.jsonl",
            "file_type": "jsonl",
            "checksum": checksum,
        }
        try:
            reply = self._ask_for_room(connection, fields)
            if reply.status == 409:
                return self._known_file(reply)
            file_id, url = _room(connection, reply)
            put = self._calls.client.put_file(
                url, file, headers={}, deadline_seconds=job_calls.TRANSFER_SECONDS
            )
            if put.ok:
                put = self._calls.call(
                    connection, "POST", f"/files/{file_id}/preprocess"
                )
        except OutboundError as error:
            raise job_calls.refused(FailureKind.UNREACHABLE) from error
        if not put.ok:
            raise job_calls.refusal(put)
        return file_id

    def _ask_for_room(self, connection: Connection, fields: dict[str, str]) -> Reply:
        content_type, body = form_body(fields)
        headers = self._calls.headers(connection) | {"Content-Type": content_type}
        return self._calls.client.call(
            "POST",
            connection.base_url + "/files",
            headers=headers,
            body=body,
            deadline_seconds=job_calls.CALL_SECONDS,
        )

    def _known_file(self, reply: Reply) -> str:
        """Return the file with the same bytes, which an earlier call has brought."""
        file_id = id_in(job_calls.object_in(reply), key="file_id")
        if file_id is None:
            raise job_calls.refusal(reply)
        return file_id

    def _made_since(self, connection: Connection, since: datetime) -> list[Json]:
        reply = self._calls.answer_to(connection, "/batches")
        try:
            jobs = orjson.loads(reply.body) if reply.ok else None
        except orjson.JSONDecodeError:
            jobs = None
        if not isinstance(jobs, list):
            raise JobOutcomeUnknown("the list of jobs is no list")
        return [
            job for job in jobs if isinstance(job, dict) and _is_made_since(job, since)
        ]


def job_state(job: Json, *, seen_at: datetime | None) -> JobState:
    """Read a batch, whose words are OpenAI's in capitals; it counts no rows."""
    status, error = job.get("status"), job.get("error")
    state = openai_job_states.job_state(
        {
            "status": status.lower() if isinstance(status, str) else None,
            "output_file_id": job.get("output_file_id"),
            "error_file_id": job.get("error_file_id"),
            "errors": {"data": [{"message": error}]},
        },
        seen_at=seen_at,
    )
    if state.ended_as == "ok" and not state.result_files and _lags(job, seen_at):
        return replace(state, phase="collecting", ended_as=None)
    return state


def _lags(job: Json, seen_at: datetime | None) -> bool:
    """Tell whether the files of a completed batch may yet appear."""
    ended_at = _moment(job.get("completed_at"))
    if seen_at is None or ended_at is None:
        return True
    lag = timedelta(seconds=openai_job_states.FILE_LAG_SECONDS)
    return seen_at - ended_at < lag


def _room(connection: Connection, reply: Reply) -> tuple[str, str]:
    """Return the id of the file to come and the address to bring it to."""
    if reply.status != 302:
        raise job_calls.refusal(reply)
    file_id = reply.headers.get(FILE_ID_HEADER, "")
    url = transfer_url(connection, reply.headers.get("Location"))
    if url is None or PROVIDER_ID.match(file_id) is None:
        raise job_calls.refused(FailureKind.OVERLOADED)
    return file_id, url


def _is_made_since(job: Json, since: datetime) -> bool:
    made_at = _moment(job.get("created_at"))
    return made_at is None or made_at >= since


def _moment(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
