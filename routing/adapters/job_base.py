"""What most job adapters do alike: jobs and files at paths of their own ids."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from batchrouter.kit.outbound import ControlClient
from routing.adapters import openai_lines
from routing.adapters.job_calls import JobCalls, safe_id
from routing.contracts import Answer, Connection, JobState


class JobsAtPaths:
    """Jobs that are asked for at ``<jobs_path>/<id>`` and stopped below that.

    Attributes:
        jobs_path: below the connection's base URL.

    Args:
        client: makes the calls.
    """

    jobs_path: ClassVar[str] = "/batches"

    def __init__(self, client: ControlClient) -> None:
        self._calls = JobCalls(client, self.headers_of)

    @staticmethod
    def headers_of(connection: Connection) -> Mapping[str, str]:
        """Return the headers of every call."""
        return bearer_headers(connection)

    def cancel(self, connection: Connection, job_id: str) -> None:
        """Ask the provider to stop; already ended jobs are no error.

        Raises:
            JobOutcomeUnknown: the provider could not be asked now.
        """
        self._calls.cancel(connection, f"{self.jobs_path}/{safe_id(job_id)}/cancel")


class JobsOfFiles(JobsAtPaths):
    """Jobs whose results are files of OpenAI's lines."""

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


def bearer_headers(connection: Connection) -> dict[str, str]:
    """Return the headers of every call."""
    return {
        "Authorization": f"Bearer {connection.api_key}",
        "Accept": "application/json",
    }
