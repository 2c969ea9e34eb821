"""Fireworks' batch inference: a dataset in, a job over it, a dataset out.

The caller names datasets and jobs, and a name is given once. Ours come from the order's
reference: a create call that is made twice makes one job, and
:meth:`FireworksJobs.find` asks for that name alone. The model is the job's, not the
line's.

The connection's option ``account_id`` says whose jobs they are. A dataset is brought in
one call, which takes 150 MB. Results are fetched from signed addresses, without the
key.

Sources: fireworks-ai 1.2.28 and providers.md 1.7, both read 2026-11-22. No page names
the verb that stops a job; the one of Fireworks' other jobs is tried first, and a job
whose verb is not known is deleted, so that it costs no more.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson

from batchrouter.kit.outbound import (
    OutboundError,
    Reply,
)
from routing.adapters import job_calls, openai_lines
from routing.adapters.job_base import JobsAtPaths
from routing.adapters.job_calls import safe_id
from routing.adapters.openai_compatible import body_of
from routing.adapters.openai_job_states import MESSAGE_MAX
from routing.adapters.transfers import transfer_url
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
from routing.failures import FailureKind, JobOutcomeUnknown

Json = dict[str, Any]

SANDBOX_ACCOUNT: Final = "sandbox"
_DIRECT_PATH: Final = "/inference/v1"
_NO_SUCH_VERB: Final = frozenset({404, 405, 501})

_STATES: Final[dict[str, tuple[JobPhase, str | None]]] = {
    **dict.fromkeys(
        ("CREATING", "CREATING_INPUT_DATASET", "VALIDATING", "PENDING", "IDLE"),
        ("submitted", None),
    ),
    "WRITING_RESULTS": ("collecting", None),
    "CANCELLING": ("canceling", None),
    "COMPLETED": ("ended", "ok"),
    "EARLY_STOPPED": ("ended", "ok"),
    "FAILED": ("ended", "failed"),
    "DELETING": ("ended", "failed"),
    "DELETING_CLEANING_UP": ("ended", "failed"),
    "EXPIRED": ("ended", "expired"),
    "CANCELLED": ("ended", "canceled"),
}


class FireworksJobs(JobsAtPaths):
    """Run many items as one batch inference job."""

    operations: tuple[Operation, ...] = ("responses", "vision")
    limits = JobLimits(
        requests_max=50_000,
        bytes_max=150_000_000,
        source="https://github.com/fw-ai-external/python-sdk, datasets.upload,"
        " 2026-11-22; no number of requests is published",
    )

    def encode_line(self, item: ItemRequest, connection: Connection) -> bytes:
        """Return one line of the dataset, with its newline."""
        body = body_of(item, "fireworks")
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
        """Bring the dataset, create the job under our name, return that name.

        Raises:
            JobRefused: the provider said no before taking the job.
            JobOutcomeUnknown: the job may or may not exist; call :meth:`find`.
        """
        account = account_of(connection)
        if account is None:
            raise job_calls.refused(FailureKind.CREDENTIAL)
        name = name_of(order)
        self._bring(_below(connection, account), input_file, order)
        payload = {
            "displayName": order.client_ref,
            "model": order.provider_model,
            "inputDatasetId": f"accounts/{account}/datasets/{name}-in",
            "outputDatasetId": f"{name}-out",
        }
        path = f"/batchInferenceJobs?batchInferenceJobId={name}"
        fence()
        job_calls.created(
            lambda: _taken_as_made(
                self._calls.call(_below(connection, account), "POST", path, payload)
            )
        )
        return name

    def find(
        self, connection: Connection, order: JobOrder, *, others: AskOthers
    ) -> str | None:
        """Return our name for the job, if there is a job by it.

        Raises:
            JobOutcomeUnknown: the provider could not be asked now.
        """
        name = name_of(order)
        reply = self._job(connection, name)
        if reply.status == 404:
            return None
        if not reply.ok:
            raise JobOutcomeUnknown(f"the question was answered {reply.status}")
        return name

    def poll(self, connection: Connection, job_id: str) -> JobState:
        """Return the job's state; a state that we do not know counts as running.

        A job that is gone was deleted when it was told to stop.

        Raises:
            JobOutcomeUnknown: the provider could not be asked now.
        """
        reply = self._job(connection, job_id)
        output = f"{job_id}-out"
        if reply.status == 404:
            return JobState("ended", "canceled", 0, 0, 0, (output,))
        job = job_calls.object_in(reply)
        if not reply.ok or job is None:
            raise JobOutcomeUnknown(f"the question was answered {reply.status}")
        return job_state(job, output=output)

    def results(
        self, connection: Connection, job: JobState, scratch_dir: Path
    ) -> Iterator[tuple[str, Answer]]:
        """Download the output dataset and yield (our ref, answer) for each whole line.

        Raises:
            JobOutcomeUnknown: a file could not be fetched now.
        """
        for dataset in job.result_files:
            for place, url in enumerate(self._addresses(connection, dataset)):
                path = scratch_dir / f"{safe_id(dataset)}-{place}.jsonl"
                try:
                    self._calls.fetch(url, path, {})
                    yield from openai_lines.read_file(path)
                finally:
                    path.unlink(missing_ok=True)

    def cancel(self, connection: Connection, job_id: str) -> None:
        """Ask the provider to stop; already ended jobs are no error.

        Raises:
            JobOutcomeUnknown: the provider could not be asked now.
        """
        below = self._home(connection)
        path = f"/batchInferenceJobs/{safe_id(job_id)}"
        try:
            reply = self._calls.call(below, "POST", f"{path}:cancel", {})
            if reply.status in _NO_SUCH_VERB:
                reply = self._calls.call(below, "DELETE", path)
        except OutboundError as error:
            raise JobOutcomeUnknown("the cancel call gave no answer") from error
        if not reply.ok and reply.status not in job_calls.NOTHING_TO_CANCEL:
            raise JobOutcomeUnknown(f"the cancel call answered {reply.status}")

    def _bring(self, below: Connection, file: Path, order: JobOrder) -> None:
        """Make and fill the input dataset; whatever goes wrong, no job exists yet."""
        name = f"{name_of(order)}-in"
        dataset = {
            "datasetId": name,
            "dataset": {
                "displayName": order.client_ref,
                "exampleCount": str(order.item_count),
                "format": "CHAT",
                "userUploaded": {},
            },
        }
        try:
            reply = _taken_as_made(
                self._calls.call(below, "POST", "/datasets", dataset)
            )
            if reply.ok:
                reply = self._calls.client.upload(
                    f"{below.base_url}/datasets/{name}:upload",
                    file,
                    headers=self._calls.headers(below),
                    fields={},
                    filename=f"{order.client_ref}.jsonl",
                    deadline_seconds=job_calls.TRANSFER_SECONDS,
                )
        except OutboundError as error:
            raise job_calls.refused(FailureKind.UNREACHABLE) from error
        if not reply.ok:
            raise job_calls.refusal(reply)

    def _job(self, connection: Connection, job_id: str) -> Reply:
        path = f"/batchInferenceJobs/{safe_id(job_id)}"
        return self._calls.answer_to(self._home(connection), path)

    def _addresses(self, connection: Connection, dataset: str) -> list[str]:
        """Return where the dataset's files are; a dataset that is not there has none.

        Raises:
            JobOutcomeUnknown: the provider gave no addresses that may be used.
        """
        path = f"/datasets/{safe_id(dataset)}:getDownloadEndpoint"
        reply = self._calls.answer_to(self._home(connection), path)
        if reply.status == 404:
            return []
        found = (job_calls.object_in(reply) or {}).get("filenameToSignedUrls")
        if not reply.ok or not isinstance(found, dict):
            raise JobOutcomeUnknown("the dataset has no addresses")
        urls = [transfer_url(connection, url) for url in found.values()]
        allowed = [url for url in urls if url is not None]
        if len(allowed) < len(urls):
            raise JobOutcomeUnknown("a dataset's address is not one to call")
        return allowed

    def _home(self, connection: Connection) -> Connection:
        account = account_of(connection)
        if account is None:
            raise JobOutcomeUnknown("no account is set")
        return _below(connection, account)


def account_of(connection: Connection) -> str | None:
    """Return whose jobs a connection makes; None where nobody said."""
    named = connection.options.get("account_id")
    return named or (SANDBOX_ACCOUNT if connection.is_sandbox else None)


def name_of(order: JobOrder) -> str:
    """Return the name of an order's job: small letters, digits and hyphens."""
    return "br-" + order.client_ref.lower().replace("_", "-")


def job_state(job: Json, *, output: str) -> JobState:
    """Read a batch inference job.

    Args:
        job: as the provider sent it.
        output: the dataset that holds its results once it has ended.
    """
    state = job.get("state")
    word = state.removeprefix("JOB_STATE_") if isinstance(state, str) else ""
    phase, ended_as = _STATES.get(word, ("running", None))
    progress = job.get("jobProgress")
    counts = progress if isinstance(progress, dict) else {}
    return JobState(
        phase=phase,
        ended_as=ended_as,
        total=_count(counts.get("totalInputRequests")),
        completed=_count(counts.get("successfullyProcessedRequests")),
        failed=_count(counts.get("failedRequests")),
        result_files=(output,) if phase == "ended" else (),
        message=_message(job.get("status")),
    )


def _below(connection: Connection, account: str) -> Connection:
    """Return the connection to the account's resources, beside the direct calls."""
    root = connection.base_url.removesuffix(_DIRECT_PATH)
    return Connection(
        connection.provider,
        f"{root}/v1/accounts/{safe_id(account)}",
        connection.api_key,
        is_sandbox=connection.is_sandbox,
        options=connection.options,
    )


def _taken_as_made(reply: Reply) -> Reply:
    """Read "exists already" as done: nobody else uses our names."""
    if reply.status != 409:
        return reply
    return Reply(200, reply.headers, b"{}")


def _message(status: Any) -> str | None:
    text = status.get("message") if isinstance(status, dict) else None
    if not isinstance(text, str):
        return None
    return "".join(c if c.isprintable() else " " for c in text)[:MESSAGE_MAX] or None


def _count(value: Any) -> int:
    return value if type(value) is int and 0 <= value < 2**53 else 0
