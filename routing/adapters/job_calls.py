"""The calls of a job adapter, and what becomes of each when it goes wrong.

A call that makes a job and ends without a clear answer may have made it: that is
``JobOutcomeUnknown`` and the caller has to look. Every other call can be repeated.
"""

import re
from collections.abc import Callable, Iterator, Mapping
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
from routing.adapters import statuses
from routing.contracts import Connection
from routing.failures import Failure, FailureKind, JobOutcomeUnknown, JobRefused

Json = dict[str, Any]

CALL_SECONDS: Final = 30.0
TRANSFER_SECONDS: Final = 900.0
DOWNLOAD_BYTES_MAX: Final = 4 * 1024**3
LIST_PAGES_MAX: Final = 20
LIST_PAGE_SIZE: Final = 100
# A job that ended is no longer there to be stopped.
NOTHING_TO_CANCEL: Final = frozenset({400, 404, 405, 409})

# What may stand in a path or a file name.
PROVIDER_ID: Final = re.compile(r"\A[A-Za-z0-9_.-]{1,128}\Z")


class JobCalls:
    """Calls below a connection's base URL, and to no other host.

    Args:
        client: makes them.
        headers_of: the provider's own headers, its credential among them.
    """

    def __init__(
        self,
        client: ControlClient,
        headers_of: Callable[[Connection], Mapping[str, str]],
    ) -> None:
        self.client = client
        self._headers_of = headers_of

    def headers(self, connection: Connection) -> dict[str, str]:
        """Return the headers of every call."""
        return dict(self._headers_of(connection))

    def call(
        self,
        connection: Connection,
        method: str,
        path: str,
        payload: Json | None = None,
    ) -> Reply:
        """Make one small call.

        Raises:
            NotSent, OutcomeUnknown, ReplyTooLarge.
        """
        headers = self.headers(connection)
        if payload is not None:
            headers["Content-Type"] = "application/json"
        return self.client.call(
            method,
            connection.base_url + path,
            headers=headers,
            body=None if payload is None else orjson.dumps(payload),
            deadline_seconds=CALL_SECONDS,
        )

    def asked(self, connection: Connection, path: str) -> tuple[Json, Reply]:
        """Return the object that a GET answers with, and the reply it came in.

        Raises:
            JobOutcomeUnknown: the provider could not be asked now.
        """
        reply = self.answer_to(connection, path)
        value = object_in(reply)
        if not reply.ok or value is None:
            raise JobOutcomeUnknown(f"the question was answered {reply.status}")
        return value, reply

    def listed(
        self, connection: Connection, path: str, *, cursor: str = "after"
    ) -> Iterator[Json]:
        """Yield the newest 2,000 jobs of a list, the newest first.

        Args:
            connection: whose.
            path: of the list.
            cursor: the parameter that names the last job of the page before.

        Raises:
            JobOutcomeUnknown: the provider could not be asked now.
        """
        after = ""
        for _ in range(LIST_PAGES_MAX):
            page, _reply = self.asked(
                connection, f"{path}?limit={LIST_PAGE_SIZE}{after}"
            )
            data = page.get("data")
            if not isinstance(data, list):
                raise JobOutcomeUnknown("the list of jobs is no list")
            jobs = [job for job in data if isinstance(job, dict)]
            yield from jobs
            last = id_in(jobs[-1]) if jobs else None
            if last is None or page.get("has_more") is not True:
                return
            after = f"&{cursor}={last}"

    def answer_to(self, connection: Connection, path: str) -> Reply:
        """Return the answer to a GET, whatever it is.

        Raises:
            JobOutcomeUnknown: there was none.
        """
        try:
            return self.call(connection, "GET", path)
        except OutboundError as error:
            raise JobOutcomeUnknown("the provider could not be asked") from error

    def cancel(
        self, connection: Connection, path: str, payload: Json | None = None
    ) -> None:
        """POST to a job's own cancel path; already ended jobs are no error.

        Raises:
            JobOutcomeUnknown: the provider could not be asked now.
        """
        try:
            reply = self.call(connection, "POST", path, payload)
        except OutboundError as error:
            raise JobOutcomeUnknown("the cancel call gave no answer") from error
        if not reply.ok and reply.status not in NOTHING_TO_CANCEL:
            raise JobOutcomeUnknown(f"the cancel call answered {reply.status}")

    def download(self, connection: Connection, path: str, target: Path) -> Reply:
        """GET a result file, and return the reply that it came in.

        Raises:
            JobOutcomeUnknown: the file could not be fetched now.
        """
        url = connection.base_url + path
        return self.fetch(url, target, self.headers(connection))

    def fetch(self, url: str, target: Path, headers: Mapping[str, str]) -> Reply:
        """GET a file from an address that needs no key of ours, or has it in headers.

        Raises:
            JobOutcomeUnknown: the file could not be fetched now.
        """
        try:
            reply = self.client.download(
                url,
                target,
                headers=headers,
                deadline_seconds=TRANSFER_SECONDS,
                bytes_max=DOWNLOAD_BYTES_MAX,
            )
        except OutboundError as error:
            raise JobOutcomeUnknown("a result file could not be fetched") from error
        if reply.status != 200:
            raise JobOutcomeUnknown(f"a result file answered {reply.status}")
        return reply


def created(send: Callable[[], Reply]) -> Json:
    """Send the request that makes a job, once, and return the job.

    Raises:
        JobRefused: the provider said no before taking the job.
        JobOutcomeUnknown: the job may or may not exist.
    """
    try:
        reply = send()
    except NotSent as error:
        raise refused(FailureKind.UNREACHABLE) from error
    except OutcomeUnknown as error:
        raise JobOutcomeUnknown("the create call gave no answer") from error
    if (reply.status >= 500 and reply.status != 529) or reply.status == 408:
        # A server that failed inside may have taken the job first; 529 is how
        # Anthropic turns away at the door.
        raise JobOutcomeUnknown(f"the create call answered {reply.status}")
    if not reply.ok:
        raise refusal(reply)
    job = object_in(reply)
    if job is None:
        raise JobOutcomeUnknown("the create call's answer is no job")
    return job


def named(job: Json, *, key: str = "id") -> str:
    """Return the id of a job that was just made.

    Raises:
        JobOutcomeUnknown: it names none.
    """
    found = id_in(job, key=key)
    if found is None:
        raise JobOutcomeUnknown("the create call's answer names no job")
    return found


def object_in(reply: Reply) -> Json | None:
    """Return the JSON object of a reply, or None."""
    try:
        value = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def id_in(value: Json | None, *, key: str = "id") -> str | None:
    """Return a provider's id where it may stand in a path, else None."""
    found = value.get(key) if value is not None else None
    return found if isinstance(found, str) and PROVIDER_ID.match(found) else None


def safe_id(name: str) -> str:
    """Return an id that may stand in a path, of the provider's or our own file.

    Raises:
        JobOutcomeUnknown: it may not.
    """
    if PROVIDER_ID.match(name) is None or name in {".", ".."}:
        raise JobOutcomeUnknown("the provider's id is not of the documented form")
    return name


def date_of(reply: Reply) -> datetime | None:
    """Return the provider's clock at its reply, where it told."""
    try:
        return parsedate_to_datetime(reply.headers["Date"])
    except (KeyError, ValueError):
        return None


def refused(kind: FailureKind) -> JobRefused:
    """Return the refusal for a job that was certainly not made."""
    failure = Failure(kind)
    return JobRefused(failure, failure.rule.message)


def refusal(reply: Reply) -> JobRefused:
    """Return the refusal that a reply stands for."""
    if statuses.error_words(object_in(reply)) & statuses.QUEUE_WORDS:
        return refused(FailureKind.QUEUE_FULL)
    failure = statuses.failure_of(reply.status, reply.headers, reply.body)
    return JobRefused(failure, failure.rule.message)
