"""OpenAI's Batch API: many items as one job, from files on disk to files on disk.

Sources: openai/openai-openapi f85dbe2 and its June 2025 revision for the line objects,
read 2026-11-22. The create call honours no idempotency key, so our reference rides in
the job's metadata and :meth:`OpenAIJobs.find` looks for it there.
"""

from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final

import orjson

from batchrouter.kit.outbound import (
    ControlClient,
    NotSent,
    OutboundError,
    OutcomeUnknown,
    Reply,
)
from routing.adapters import openai_lines, statuses
from routing.adapters.openai import body_of, path_of
from routing.adapters.openai_job_states import PROVIDER_ID, job_state
from routing.contracts import (
    Answer,
    Connection,
    ItemRequest,
    JobLimits,
    JobState,
    Operation,
)
from routing.failures import Failure, FailureKind, JobOutcomeUnknown, JobRefused

COMPLETION_WINDOW: Final = "24h"
CALL_SECONDS: Final = 30.0
UPLOAD_SECONDS: Final = 900.0
DOWNLOAD_SECONDS: Final = 900.0
DOWNLOAD_BYTES_MAX: Final = 4 * 1024**3
# The input is of no use after the window, and it holds the customer's prompts.
INPUT_FILE_SECONDS: Final = 3 * 24 * 3600
FIND_PAGES_MAX: Final = 20
FIND_PAGE_SIZE: Final = 100


class OpenAIJobs:
    """Run many items as one OpenAI batch.

    Args:
        client: makes the calls.
    """

    limits = JobLimits(
        requests_max=50_000,
        bytes_max=200_000_000,
        source="https://developers.openai.com/api/docs/guides/batch, 2026-11-22",
    )

    def __init__(self, client: ControlClient) -> None:
        self._client = client

    def encode_line(self, item: ItemRequest) -> bytes:
        """Return one line of the input file, with its newline."""
        line = {
            "custom_id": item.ref,
            "method": "POST",
            "url": "/v1" + path_of(item.operation),
            "body": body_of(item),
        }
        return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)

    def submit(
        self,
        connection: Connection,
        input_file: Path,
        *,
        operation: Operation,
        client_ref: str,
    ) -> str:
        """Upload the file, create the job, return the provider's job id.

        Raises:
            JobRefused: the provider said no before taking the job.
            JobOutcomeUnknown: the job may or may not exist; call :meth:`find`.
        """
        file_id = self._upload(connection, input_file, client_ref)
        payload = {
            "input_file_id": file_id,
            "endpoint": "/v1" + path_of(operation),
            "completion_window": COMPLETION_WINDOW,
            "metadata": {"client_ref": client_ref},
        }
        try:
            reply = self._call(connection, "POST", "/batches", payload)
        except NotSent as error:
            raise _refused(FailureKind.UNREACHABLE) from error
        except OutcomeUnknown as error:
            raise JobOutcomeUnknown("the create call gave no answer") from error
        if reply.status >= 500 or reply.status == 408:
            # A server that failed inside may have taken the job first.
            raise JobOutcomeUnknown(f"the create call answered {reply.status}")
        if not reply.ok:
            raise _refusal(reply)
        job_id = _id_in(_object(reply))
        if job_id is None:
            raise JobOutcomeUnknown("the create call's answer names no job")
        return job_id

    def find(self, connection: Connection, client_ref: str) -> str | None:
        """Return the id of the job that carries our reference, if there is one.

        Looks through the newest 2,000 jobs.

        Raises:
            JobOutcomeUnknown: the provider could not be asked now.
        """
        path = f"/batches?limit={FIND_PAGE_SIZE}"
        after = ""
        for _ in range(FIND_PAGES_MAX):
            page = self._asked(connection, path + after)
            jobs = page.get("data")
            jobs = [job for job in jobs if isinstance(job, dict)] if jobs else []
            for job in jobs:
                metadata = job.get("metadata")
                tag = metadata.get("client_ref") if isinstance(metadata, dict) else None
                if tag == client_ref and (found := _id_in(job)) is not None:
                    return found
            last = _id_in(jobs[-1]) if jobs else None
            if last is None or page.get("has_more") is not True:
                return None
            after = f"&after={last}"
        return None

    def poll(self, connection: Connection, job_id: str) -> JobState:
        """Return the job's state; a status that we do not know counts as running.

        Raises:
            JobOutcomeUnknown: the provider could not be asked now.
        """
        try:
            reply = self._call(connection, "GET", f"/batches/{_safe(job_id)}")
        except OutboundError as error:
            raise JobOutcomeUnknown("the provider could not be asked") from error
        job = _object(reply)
        if not reply.ok or job is None:
            raise JobOutcomeUnknown(f"the poll answered {reply.status}")
        return job_state(job, seen_at=_date_of(reply))

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
                path = scratch_dir / f"{_safe(file_id)}.jsonl"
                paths.append(path)
                self._download(connection, file_id, path)
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
        path = f"/batches/{_safe(job_id)}/cancel"
        try:
            reply = self._call(connection, "POST", path)
        except OutboundError as error:
            raise JobOutcomeUnknown("the cancel call gave no answer") from error
        if not reply.ok and reply.status not in {400, 404, 409}:
            raise JobOutcomeUnknown(f"the cancel call answered {reply.status}")

    def _upload(self, connection: Connection, file: Path, client_ref: str) -> str:
        """Upload the input; whatever goes wrong here, no job exists yet."""
        fields = {
            "purpose": "batch",
            "expires_after[anchor]": "created_at",
            "expires_after[seconds]": str(INPUT_FILE_SECONDS),
        }
        try:
            reply = self._client.upload(
                connection.base_url + "/files",
                file,
                headers=_headers(connection),
                fields=fields,
                filename=f"{client_ref}.jsonl",
                deadline_seconds=UPLOAD_SECONDS,
            )
        except OutboundError as error:
            raise _refused(FailureKind.UNREACHABLE) from error
        if not reply.ok:
            raise _refusal(reply)
        file_id = _id_in(_object(reply))
        if file_id is None:
            raise _refused(FailureKind.OVERLOADED)
        return file_id

    def _download(self, connection: Connection, file_id: str, target: Path) -> None:
        try:
            reply = self._client.download(
                f"{connection.base_url}/files/{_safe(file_id)}/content",
                target,
                headers=_headers(connection),
                deadline_seconds=DOWNLOAD_SECONDS,
                bytes_max=DOWNLOAD_BYTES_MAX,
            )
        except OutboundError as error:
            raise JobOutcomeUnknown("a result file could not be fetched") from error
        if reply.status != 200:
            raise JobOutcomeUnknown(f"a result file answered {reply.status}")

    def _asked(self, connection: Connection, path: str) -> dict[str, Any]:
        try:
            reply = self._call(connection, "GET", path)
        except OutboundError as error:
            raise JobOutcomeUnknown("the provider could not be asked") from error
        page = _object(reply)
        if not reply.ok or page is None or not isinstance(page.get("data"), list):
            raise JobOutcomeUnknown(f"the list of jobs answered {reply.status}")
        return page

    def _call(
        self,
        connection: Connection,
        method: str,
        path: str,
        payload: dict[str, Any] | None = None,
    ) -> Reply:
        headers = _headers(connection)
        if payload is not None:
            headers["Content-Type"] = "application/json"
        return self._client.call(
            method,
            connection.base_url + path,
            headers=headers,
            body=None if payload is None else orjson.dumps(payload),
            deadline_seconds=CALL_SECONDS,
        )


def _headers(connection: Connection) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {connection.api_key}",
        "Accept": "application/json",
    }


def _object(reply: Reply) -> dict[str, Any] | None:
    try:
        value = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _id_in(value: dict[str, Any] | None) -> str | None:
    found = value.get("id") if value is not None else None
    return found if isinstance(found, str) and PROVIDER_ID.match(found) else None


def _safe(name: str) -> str:
    """Return an id that may stand in a path, of the provider's or our own file."""
    if PROVIDER_ID.match(name) is None or name in {".", ".."}:
        raise JobOutcomeUnknown("the provider's id is not of the documented form")
    return name


def _date_of(reply: Reply) -> datetime | None:
    try:
        return parsedate_to_datetime(reply.headers["Date"])
    except (KeyError, ValueError):
        return None


def _refused(kind: FailureKind) -> JobRefused:
    failure = Failure(kind)
    return JobRefused(failure, failure.rule.message)


def _refusal(reply: Reply) -> JobRefused:
    failure = statuses.failure_of(reply.status, reply.headers, reply.body)
    return JobRefused(failure, failure.rule.message)
