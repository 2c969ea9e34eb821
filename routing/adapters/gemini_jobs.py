"""Gemini's batches: many items as one job, inline where they are few, else by file.

The create call honours no idempotency key, so our reference is the job's display name
and :meth:`GeminiJobs.find` looks for it there. Inline results come inside the job, so
only small jobs are sent that way.

Sources: providers.md 1.3 and google-genai 3.4.0 with the requests recorded from it,
read 2026-11-22.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

import orjson

from batchrouter.kit.outbound import OutboundError, Reply
from routing.adapters import gemini_lines, gemini_requests, job_calls, result_lines
from routing.adapters.gemini import headers_of, model_path, version_of
from routing.adapters.gemini_job_states import BATCHES, FILES, job_state
from routing.adapters.job_base import JobsAtPaths
from routing.adapters.job_calls import safe_id
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
)
from routing.failures import FailureKind, JobOutcomeUnknown
from routing.queueing import QueueLimits

Json = dict[str, Any]

LINES_TYPE: Final = "application/jsonl"
FIND_PAGES_MAX: Final = 20
FIND_PAGE_SIZE: Final = 100
# What is asked inline is answered inline, in one reply: 100 of the longest answers fit.
INLINE_ITEMS_MAX: Final = 100
INLINE_BYTES_MAX: Final = 1_000_000
JOB_REPLY_BYTES_MAX: Final = 64 * 1024 * 1024


class GeminiJobs(JobsAtPaths):
    """Run many items as one Gemini batch."""

    headers_of = staticmethod(headers_of)

    operations = EVERY_OPERATION
    limits = JobLimits(
        # No number of requests is published; this one is ours.
        requests_max=50_000,
        bytes_max=2_000_000_000,
        queue=QueueLimits(jobs_max=100),
        source="https://ai.google.dev/gemini-api/docs/batch-api, 2026-11-22",
    )

    def encode_line(self, item: ItemRequest, connection: Connection) -> bytes:
        """Return one line of the input file, with its newline.

        An item of several texts to embed is as many lines.
        """
        if item.operation == "embeddings":
            requests = gemini_requests.embedding_requests(item)
        else:
            requests = [gemini_requests.content_body(item)]
        keys = gemini_lines.keys_of(item.ref, len(requests))
        return b"".join(
            orjson.dumps(
                {"key": key, "request": request}, option=orjson.OPT_APPEND_NEWLINE
            )
            for key, request in zip(keys, requests, strict=True)
        )

    def submit(
        self,
        connection: Connection,
        input_file: Path,
        order: JobOrder,
        *,
        fence: Fence,
    ) -> str:
        """Create the job, after the upload of a file that is not small.

        Raises:
            JobRefused: the provider said no before taking the job.
            JobOutcomeUnknown: the job may or may not exist; call :meth:`find`.
        """
        if _is_small(input_file, order):
            source = _inline(input_file)
        else:
            source = {"fileName": self._upload(connection, input_file, order)}
        payload = {"batch": {"inputConfig": source, "displayName": order.client_ref}}
        embeds = order.operation == "embeddings"
        verb = "asyncBatchEmbedContent" if embeds else "batchGenerateContent"
        path = model_path(connection, order.provider_model, verb)
        fence()
        job = job_calls.created(
            lambda: self._calls.call(connection, "POST", path, payload)
        )
        found = _id_of(job)
        if found is None:
            raise JobOutcomeUnknown("the create call's answer names no job")
        return found

    def find(
        self, connection: Connection, order: JobOrder, *, others: AskOthers
    ) -> str | None:
        """Return the id of the job that carries our reference, if there is one.

        Looks through the newest 2,000 jobs.

        Raises:
            JobOutcomeUnknown: the provider could not be asked now.
        """
        path = f"/{version_of(connection)}/batches?pageSize={FIND_PAGE_SIZE}"
        after = ""
        for _ in range(FIND_PAGES_MAX):
            page, _reply = self._calls.asked(connection, path + after)
            jobs = page.get("operations", [])
            if not isinstance(jobs, list):
                raise JobOutcomeUnknown("the list of jobs is no list")
            for job in jobs:
                if _tag_of(job) == order.client_ref and (found := _id_of(job)):
                    return found
            token = page.get("nextPageToken")
            if not isinstance(token, str) or not token:
                return None
            after = f"&pageToken={quote(token, safe='')}"
        return None

    def poll(self, connection: Connection, job_id: str) -> JobState:
        """Return the job's state; a state that we do not know counts as running.

        Raises:
            JobOutcomeUnknown: the provider could not be asked now.
        """
        job, reply = self._job(connection, job_id)
        return job_state(job, seen_at=job_calls.date_of(reply))

    def results(
        self, connection: Connection, job: JobState, scratch_dir: Path
    ) -> Iterator[tuple[str, Answer]]:
        """Fetch the rows and yield (our ref, answer) for each whole one.

        Raises:
            JobOutcomeUnknown: the rows could not be fetched now.
        """
        for name in job.result_files:
            if name.startswith(BATCHES):
                found, _ = self._job(connection, name.removeprefix(BATCHES))
                yield from gemini_lines.read_inlined(found)
            else:
                yield from self._file_rows(connection, name, scratch_dir)

    def cancel(self, connection: Connection, job_id: str) -> None:
        """Ask the provider to stop; already ended jobs are no error.

        Raises:
            JobOutcomeUnknown: the provider could not be asked now.
        """
        path = f"/{version_of(connection)}/{BATCHES}{safe_id(job_id)}:cancel"
        self._calls.cancel(connection, path)

    def _job(self, connection: Connection, job_id: str) -> tuple[Json, Reply]:
        """Return the job, which may hold all of its results."""
        path = f"/{version_of(connection)}/{BATCHES}{safe_id(job_id)}"
        try:
            reply = self._calls.client.call(
                "GET",
                connection.base_url + path,
                headers=self._calls.headers(connection),
                deadline_seconds=job_calls.CALL_SECONDS,
                reply_bytes_max=JOB_REPLY_BYTES_MAX,
            )
        except OutboundError as error:
            raise JobOutcomeUnknown("the provider could not be asked") from error
        job = job_calls.object_in(reply)
        if not reply.ok or job is None:
            raise JobOutcomeUnknown(f"the question was answered {reply.status}")
        return job, reply

    def _file_rows(
        self, connection: Connection, name: str, scratch_dir: Path
    ) -> Iterator[tuple[str, Answer]]:
        file_id = safe_id(name.removeprefix(FILES))
        path = scratch_dir / f"{file_id}.jsonl"
        url = f"/{version_of(connection)}/{FILES}{file_id}:download?alt=media"
        try:
            self._calls.download(connection, url, path)
            yield from gemini_lines.read_rows(result_lines.whole_lines(path))
        finally:
            path.unlink(missing_ok=True)

    def _upload(self, connection: Connection, file: Path, order: JobOrder) -> str:
        """Upload the input; whatever goes wrong here, no job exists yet."""
        try:
            target = self._upload_url(connection, file, order)
            reply = self._calls.client.put_file(
                target,
                file,
                headers={
                    "X-Goog-Upload-Command": "upload, finalize",
                    "X-Goog-Upload-Offset": "0",
                },
                deadline_seconds=job_calls.TRANSFER_SECONDS,
                method="POST",
            )
        except OutboundError as error:
            raise job_calls.refused(FailureKind.UNREACHABLE) from error
        if not reply.ok:
            raise job_calls.refusal(reply)
        made = (job_calls.object_in(reply) or {}).get("file")
        name = made.get("name") if isinstance(made, dict) else None
        if not isinstance(name, str) or not name.startswith(FILES):
            raise job_calls.refused(FailureKind.OVERLOADED)
        return name

    def _upload_url(self, connection: Connection, file: Path, order: JobOrder) -> str:
        """Announce a file and return where its bytes go: at the same host."""
        size = file.stat().st_size
        headers = {
            **self._calls.headers(connection),
            "Content-Type": "application/json",
            "X-Goog-Upload-Protocol": "resumable",
            "X-Goog-Upload-Command": "start",
            "X-Goog-Upload-Header-Content-Length": f"{size}",
            "X-Goog-Upload-Header-Content-Type": LINES_TYPE,
        }
        about = {"display_name": order.client_ref, "mime_type": LINES_TYPE}
        reply = self._calls.client.call(
            "POST",
            f"{connection.base_url}/upload/{version_of(connection)}/files",
            headers=headers,
            body=orjson.dumps({"file": {**about, "size_bytes": size}}),
            deadline_seconds=job_calls.CALL_SECONDS,
        )
        if not reply.ok:
            raise job_calls.refusal(reply)
        target = reply.headers.get("X-Goog-Upload-Url", "")
        if urlsplit(target)[:2] != urlsplit(connection.base_url)[:2]:
            raise job_calls.refused(FailureKind.OVERLOADED)
        return target


def _is_small(file: Path, order: JobOrder) -> bool:
    return (
        order.item_count <= INLINE_ITEMS_MAX and file.stat().st_size <= INLINE_BYTES_MAX
    )


def _inline(file: Path) -> Json:
    """Return the lines as inline requests, whose key is metadata."""
    lines = [orjson.loads(line) for line in file.read_bytes().splitlines()]
    requests = [
        {"request": line["request"], "metadata": {"key": line["key"]}} for line in lines
    ]
    return {"requests": {"requests": requests}}


def _tag_of(job: Any) -> Any:
    metadata = job.get("metadata") if isinstance(job, dict) else None
    return metadata.get("displayName") if isinstance(metadata, dict) else None


def _id_of(job: Json) -> str | None:
    """Return the id in a job's name, where it may stand in a path."""
    name = job.get("name")
    if not isinstance(name, str) or not name.startswith(BATCHES):
        return None
    found = name.removeprefix(BATCHES)
    return found if job_calls.PROVIDER_ID.match(found) else None
