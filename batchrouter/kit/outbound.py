"""Control-plane HTTP: uploads, small JSON calls and downloads, with hard limits.

Every call has a total deadline: a watchdog shuts the socket down when it passes, so a
peer that drips one byte at a time cannot hold a worker. Replies have byte caps,
redirects are handed back unfollowed, the environment's proxies and .netrc are ignored,
and nothing is ever sent twice.
"""

import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from batchrouter.kit.inline_json import InlineLines
from batchrouter.kit.multipart import MultipartFile

CONNECT_SECONDS: Final = 10.0
REPLY_BYTES_MAX: Final = 8 * 1024 * 1024
DOWNLOAD_BYTES_PER_SECOND_MIN: Final = 1024
RATE_GRACE_SECONDS: Final = 10.0
_CHUNK_BYTES: Final = 64 * 1024


class OutboundError(Exception):
    """A call ended without a reply that can be used."""


class NotSent(OutboundError):
    """No byte of the request left: the other side certainly did nothing."""


class OutcomeUnknown(OutboundError):
    """The request left, in part at least, and no whole reply came back."""


class ReplyTooLarge(OutcomeUnknown):
    """The reply is longer than allowed."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of any status, redirects included.

    Attributes:
        headers: names are looked up without regard to case.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300


class ControlClient:
    """Control calls over kept-alive connections; safe to share between threads.

    Args:
        connect_seconds: for one address to accept the connection.
        rate_grace_seconds: a download may be slow for this long.
    """

    def __init__(
        self,
        *,
        connect_seconds: float = CONNECT_SECONDS,
        rate_grace_seconds: float = RATE_GRACE_SECONDS,
    ) -> None:
        self._connect_seconds = connect_seconds
        self._rate_grace_seconds = rate_grace_seconds
        self._session = _Session()
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        self._session.headers.clear()
        self._session.headers["User-Agent"] = "batchrouter"
        # Compressed replies are not asked for: a small one could unpack to anything.
        self._session.headers["Accept-Encoding"] = "identity"
        adapter = _WatchedAdapter(max_retries=0)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        deadline_seconds: float = 30.0,
        reply_bytes_max: int = REPLY_BYTES_MAX,
    ) -> Reply:
        """Send one request and read the whole reply.

        Raises:
            NotSent, OutcomeUnknown, ReplyTooLarge.
        """
        return self._send(method, url, headers, body, deadline_seconds, reply_bytes_max)

    def upload(
        self,
        url: str,
        file: Path,
        *,
        headers: Mapping[str, str],
        fields: Mapping[str, str],
        filename: str,
        deadline_seconds: float,
    ) -> Reply:
        """POST a multipart form whose part ``file`` is streamed from disk.

        Raises:
            NotSent, OutcomeUnknown, ReplyTooLarge.
            OSError: the file cannot be read.
        """
        with file.open("rb") as source:
            form = MultipartFile(source, fields, filename)
            sent_headers = {**headers, "Content-Type": form.content_type}
            return self._send("POST", url, sent_headers, form, deadline_seconds)

    def post_lines(
        self,
        url: str,
        file: Path,
        *,
        headers: Mapping[str, str],
        head: bytes,
        tail: bytes,
        deadline_seconds: float,
    ) -> Reply:
        """POST a file of JSON lines as one array between ``head`` and ``tail``.

        Raises:
            NotSent, OutcomeUnknown, ReplyTooLarge.
            OSError: the file cannot be read.
        """
        with file.open("rb") as source:
            body = InlineLines(source, head=head, tail=tail)
            sent_headers = {**headers, "Content-Type": "application/json"}
            return self._send("POST", url, sent_headers, body, deadline_seconds)

    def put_file(
        self,
        url: str,
        file: Path,
        *,
        headers: Mapping[str, str],
        deadline_seconds: float,
        method: str = "PUT",
    ) -> Reply:
        """Send a file's bytes as the whole body, streamed from disk.

        Raises:
            NotSent, OutcomeUnknown, ReplyTooLarge.
            OSError: the file cannot be read.
        """
        with file.open("rb") as source:
            return self._send(method, url, headers, source, deadline_seconds)

    def download(
        self,
        url: str,
        target: Path,
        *,
        headers: Mapping[str, str],
        deadline_seconds: float,
        bytes_max: int,
        bytes_per_second_min: int = DOWNLOAD_BYTES_PER_SECOND_MIN,
    ) -> Reply:
        """GET into a file; the body of a reply that is not 200 is returned instead.

        Returns:
            A reply with an empty body where the file was written.

        Raises:
            NotSent, OutcomeUnknown: also for a peer slower than the floor.
            ReplyTooLarge: more than ``bytes_max``.
            OSError: the target cannot be written.
        """
        with self._exchange("GET", url, headers, None, deadline_seconds) as (
            response,
            watch,
        ):
            if response.status_code != 200:
                return _whole(response)
            got = 0
            with target.open("wb") as sink:
                for part in _capped(response, bytes_max):
                    sink.write(part)
                    got += len(part)
                    if watch.elapsed_seconds > self._rate_grace_seconds:
                        watch.check_rate(got, bytes_per_second_min)
            return Reply(200, response.headers, b"")

    def close(self) -> None:
        """Close the kept connections."""
        self._session.close()

    def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: Any,
        deadline_seconds: float,
        reply_bytes_max: int = REPLY_BYTES_MAX,
    ) -> Reply:
        with self._exchange(method, url, headers, body, deadline_seconds) as (
            response,
            _,
        ):
            return _whole(response, reply_bytes_max)

    @contextmanager
    def _exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: Any,
        deadline_seconds: float,
    ) -> Iterator[tuple[requests.Response, "_Watch"]]:
        """Send, hand out the response, and turn every way to fail into ours."""
        watch = _Watch(deadline_seconds)
        _current.watch = watch
        try:
            watch.start()
            with self._session.request(
                method,
                url,
                headers=dict(headers),
                data=body,
                stream=True,
                allow_redirects=False,
                timeout=(
                    min(self._connect_seconds, deadline_seconds),
                    deadline_seconds,
                ),
            ) as response:
                if response.headers.get("Content-Encoding", "identity") != "identity":
                    raise OutcomeUnknown("the reply is compressed, unasked")
                yield response, watch
            if watch.expired:
                # A body without a stated length looks whole when its socket is shut.
                raise OutcomeUnknown("the deadline passed")
        except (requests.RequestException, HTTPError) as error:
            raise watch.explain(error) from error
        finally:
            watch.stop()
            _current.watch = None


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Name none: the library would read a redirect's whole body to prepare it."""
        return None


class _Watch:
    """The deadline of one call, and what is known of its progress."""

    def __init__(self, deadline_seconds: float) -> None:
        self.sent = False
        self.expired = False
        self._connection: HTTPConnection | None = None
        self._sock: socket.socket | None = None
        self._started = time.monotonic()
        self._lock = threading.Lock()
        self._stopped = False
        self._timer = threading.Timer(deadline_seconds, self._expire)
        self._timer.daemon = True

    @property
    def elapsed_seconds(self) -> float:
        return time.monotonic() - self._started

    def start(self) -> None:
        self._timer.start()

    def stop(self) -> None:
        self._timer.cancel()
        with self._lock:
            # The connection may serve another call from now on.
            self._stopped = True
            self._connection = self._sock = None

    def use(self, connection: HTTPConnection) -> None:
        """Remember whose socket to shut.

        The socket itself too: a connection forgets it once the peer has announced
        that the reply is the last one.
        """
        self._connection = connection
        self._sock = connection.sock

    def begin_sending(self) -> None:
        """Note that bytes leave from now on.

        Raises:
            TimeoutError: the deadline passed while connecting; nothing may leave.
        """
        if self.expired:
            raise TimeoutError("the deadline passed before the request was sent")
        self.sent = True

    def check_rate(self, got_bytes: int, bytes_per_second_min: int) -> None:
        if got_bytes < self.elapsed_seconds * bytes_per_second_min:
            raise OutcomeUnknown("the reply comes too slowly")

    def explain(self, error: Exception) -> OutboundError:
        """Return our error for the library's; its text may hold the URL, never ours."""
        what = "the deadline passed" if self.expired else type(error).__name__
        return OutcomeUnknown(what) if self.sent else NotSent(what)

    def _expire(self) -> None:
        with self._lock:
            if self._stopped:
                return
            self.expired = True
            sock = self._sock
            if sock is None and self._connection is not None:
                sock = self._connection.sock
            if sock is not None:
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)


class _Current(threading.local):
    watch: _Watch | None = None


_current = _Current()


class _WatchedConnection(HTTPConnection):
    """Tells the present call when it connects and when its first byte leaves."""

    def connect(self) -> None:
        if _current.watch is not None:
            _current.watch.use(self)
        super().connect()

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        if _current.watch is not None:
            _current.watch.use(self)
            _current.watch.begin_sending()
        super().send(data)


class _WatchedTLSConnection(_WatchedConnection, HTTPSConnection):
    """The same, inside TLS."""


class _WatchedPool(HTTPConnectionPool):
    ConnectionCls = _WatchedConnection


class _WatchedTLSPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTLSConnection


class _WatchedAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": _WatchedPool,
            "https": _WatchedTLSPool,
        }


def _whole(response: requests.Response, bytes_max: int = REPLY_BYTES_MAX) -> Reply:
    """Read the whole reply.

    Raises:
        ReplyTooLarge: the body is longer than ``bytes_max``.
    """
    body = b"".join(_capped(response, bytes_max))
    return Reply(response.status_code, response.headers, body)


def _capped(response: requests.Response, bytes_max: int) -> Iterable[bytes]:
    """Yield the body as it arrives.

    Raises:
        ReplyTooLarge: the body is longer than ``bytes_max``.
    """
    got = 0
    while part := response.raw.read1(_CHUNK_BYTES, decode_content=False):
        got += len(part)
        if got > bytes_max:
            raise ReplyTooLarge(f"the reply is longer than {bytes_max} bytes")
        yield part
