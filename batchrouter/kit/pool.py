"""Many HTTP calls at once from one thread: libcurl's multi interface.

One loop serves a whole window of calls, so a call costs tens of microseconds instead
of the milliseconds of a thread per call (docs/decisions/0005). Written as plain
synchronous code: submit, wait, take what is done.

Two promises that callers build on:

- Every submitted call is reported exactly once, by :meth:`HttpPool.wait` or by
  :meth:`HttpPool.cancel_all`.
- One submit sends the request at most once. libcurl by itself repeats a POST when a
  reused connection dies before the first byte of an answer; a body that it cannot
  rewind stops it from doing that.
"""

import io
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Literal, NamedTuple, Protocol, Self

import certifi
import pycurl

from batchrouter.kit.reply_headers import ReplyHeaders
from batchrouter.kit.socket_watch import SocketWatch

BODY_BYTES_MAX: Final = 16 * 1024 * 1024
# libcurl itself stops at 300 KiB of headers; an honest reply has 2.
HEADER_BYTES_MAX: Final = 64 * 1024
CONNECT_TIMEOUT_MS: Final = 10_000

Fault = Literal["not_sent", "no_answer", "timed_out", "too_large"]


class Sendable(Protocol):
    """One request, ready to send."""

    @property
    def method(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def headers(self) -> tuple[tuple[str, str], ...]: ...
    @property
    def body(self) -> bytes: ...


class PoolFull(RuntimeError):
    """More calls were submitted than the pool may keep in flight."""


class Completed(NamedTuple):
    """What became of one call.

    Attributes:
        token: what the caller gave to :meth:`HttpPool.submit`.
        status: of the reply; 0 where there is a fault.
        fault: ``not_sent`` the request certainly never left; ``no_answer`` it may
            have arrived, and the connection broke; ``timed_out`` it may have arrived,
            and the total deadline passed; ``too_large`` the reply was cut off.
        elapsed_ms: from the start of the call to its end.
    """

    token: object
    status: int
    headers: Mapping[str, str]
    body: bytes
    fault: Fault | None
    elapsed_ms: int


_NO_HEADERS: Final = ReplyHeaders(b"")
_NO_BODY: Final = io.BytesIO()


class Pin(NamedTuple):
    """Where a call goes, whatever a name server says by then.

    Attributes:
        host: as it stands in the URL.
        addresses: judged by the caller; tried in this order.
    """

    host: str
    port: int
    addresses: Sequence[str]


class _Call:
    """A reusable easy handle and what arrives on it."""

    __slots__ = (
        "chunks",
        "curl",
        "is_pinned",
        "lines",
        "method",
        "source",
        "timeout_ms",
        "token",
        "url",
    )

    def __init__(
        self,
        body_bytes_max: int,
        ca_file: str,
        may_connect: Callable[[str], bool] | None,
    ) -> None:
        self.chunks: list[bytes] = []
        self.lines: list[bytes] = []
        self.token: object = None
        self.source = _NO_BODY
        self.url = ""
        self.method = ""
        self.timeout_ms = 0
        self.is_pinned = False
        self.curl: Any = pycurl.Curl()
        _set_fixed_options(self.curl, body_bytes_max, ca_file)
        if may_connect is not None:
            self.curl.setopt(pycurl.OPENSOCKETFUNCTION, _guarded(may_connect))
        # The lists' own append: no Python frame per chunk or header line.
        self.curl.setopt(pycurl.WRITEFUNCTION, self.chunks.append)
        self.curl.setopt(pycurl.HEADERFUNCTION, self.lines.append)

    def load(
        self, token: object, request: Sendable, timeout_ms: int, pin: Pin | None
    ) -> None:
        """Point the handle at the request; only what changed is set again."""
        curl = self.curl
        self.token = token
        if pin is not None or self.is_pinned:
            curl.setopt(pycurl.RESOLVE, [] if pin is None else [_pin_line(pin)])
            self.is_pinned = pin is not None
        if request.url != self.url:
            curl.setopt(pycurl.URL, request.url)
            self.url = request.url
        if timeout_ms != self.timeout_ms:
            curl.setopt(pycurl.TIMEOUT_MS, timeout_ms)
            curl.setopt(pycurl.CONNECTTIMEOUT_MS, min(timeout_ms, CONNECT_TIMEOUT_MS))
            self.timeout_ms = timeout_ms
        if request.method != self.method:
            _set_method(curl, request.method)
            self.method = request.method
        curl.setopt(pycurl.HTTPHEADER, _header_lines(request.headers))
        if request.method != "GET":
            # Not POSTFIELDS: those libcurl can rewind, and so send twice.
            self.source = io.BytesIO(request.body)
            curl.setopt(pycurl.READFUNCTION, self.source.read)
            curl.setopt(pycurl.POSTFIELDSIZE_LARGE, len(request.body))

    def clear(self) -> None:
        self.chunks.clear()
        self.lines.clear()
        self.source = _NO_BODY
        self.token = None


class HttpPool:
    """A bounded window of HTTP calls, each with a total deadline.

    Not for use from two threads, and to be made after a fork. Redirects are not
    followed, proxies of the environment are not used, certificates are verified
    against certifi's authorities, and HTTP/2 is spoken where TLS offers it.

    Args:
        max_in_flight: calls at once; :meth:`submit` refuses more.
        body_bytes_max: a longer reply ends as ``too_large``.
        ca_file: authorities to trust instead of certifi's.
        may_connect: judges each address at the very moment a socket is made for it;
            a call that has no other address ends as ``not_sent``.
    """

    def __init__(
        self,
        *,
        max_in_flight: int,
        body_bytes_max: int = BODY_BYTES_MAX,
        ca_file: str | None = None,
        may_connect: Callable[[str], bool] | None = None,
    ) -> None:
        self._max_in_flight = max_in_flight
        self._body_bytes_max = body_bytes_max
        self._may_connect = may_connect
        self._ca_file = ca_file or certifi.where()
        self._watch = SocketWatch()
        self._multi: Any = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch.socket_changed)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._watch.timer_changed)
        self._multi.setopt(pycurl.M_MAXCONNECTS, max_in_flight)
        self._multi.setopt(pycurl.M_MAX_TOTAL_CONNECTIONS, max_in_flight)
        self._multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_MULTIPLEX)
        self._idle: list[_Call] = []
        self._running: dict[Any, _Call] = {}

    @property
    def in_flight(self) -> int:
        """Calls that were submitted and are not yet reported."""
        return len(self._running)

    @property
    def has_room(self) -> bool:
        """Whether one more call may be submitted."""
        return len(self._running) < self._max_in_flight

    def submit(
        self,
        token: object,
        request: Sendable,
        timeout_ms: int,
        *,
        pin: Pin | None = None,
    ) -> None:
        """Start a call; it moves while :meth:`wait` runs.

        Args:
            token: comes back with the result.
            request: what to send.
            timeout_ms: for everything, from name resolution to the last byte.
            pin: the addresses of the URL's host; None lets libcurl resolve it.

        Raises:
            PoolFull: ``max_in_flight`` calls are under way.
            ValueError: a header holds a line break, or the time is not positive.
        """
        if not self.has_room:
            raise PoolFull(f"{self._max_in_flight} calls are in flight")
        if timeout_ms <= 0:
            raise ValueError("timeout_ms must be positive")
        call = self._idle.pop() if self._idle else self._new_call()
        try:
            call.load(token, request, timeout_ms, pin)
        except (pycurl.error, ValueError):
            call.curl.close()
            raise
        self._multi.add_handle(call.curl)
        self._running[call.curl] = call

    def wait(self, timeout_seconds: float) -> list[Completed]:
        """Move all calls on until one is done or the time is over.

        Returns:
            Every call that is done by then; empty after ``timeout_seconds`` without
            one, and at once where nothing is in flight.
        """
        until = time.monotonic() + timeout_seconds
        while True:
            self._move(until)
            done = self._reap()
            if done or not self._running or time.monotonic() >= until:
                return done

    def cancel_all(self) -> list[object]:
        """Drop every call in flight and return their tokens.

        A dropped call may have reached the provider: its outcome is unknown.
        """
        calls = list(self._running.values())
        tokens = [call.token for call in calls]
        for call in calls:
            self._release(call)
        return tokens

    def close(self) -> None:
        """Drop what is in flight and close every connection."""
        self.cancel_all()
        for call in self._idle:
            call.curl.close()
        self._idle.clear()
        self._multi.close()
        self._watch.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _move(self, until: float) -> None:
        """Let libcurl act on its timer, or on the sockets that become ready."""
        multi = self._multi
        seconds = until - time.monotonic()
        if self._watch.timer_rang():
            multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
            seconds = 0.0  # that may have ended a call already
        if not self._running:
            return
        for fd, ready in self._watch.wait(seconds):
            multi.socket_action(fd, ready)

    def _new_call(self) -> _Call:
        return _Call(self._body_bytes_max, self._ca_file, self._may_connect)

    def _reap(self) -> list[Completed]:
        done: list[Completed] = []
        queued = 1
        while queued:
            queued, good, bad = self._multi.info_read()
            for curl in good:
                call = self._running[curl]
                done.append(_completed(call))
                self._release(call)
            for curl, code, message in bad:
                call = self._running[curl]
                done.append(_broken(call, code, message))
                self._release(call)
        return done

    def _release(self, call: _Call) -> None:
        self._multi.remove_handle(call.curl)
        del self._running[call.curl]
        call.clear()
        self._idle.append(call)


def _set_fixed_options(curl: Any, body_bytes_max: int, ca_file: str) -> None:
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.TCP_NODELAY, 1)
    curl.setopt(pycurl.TCP_KEEPALIVE, 1)
    curl.setopt(pycurl.FOLLOWLOCATION, 0)
    curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
    curl.setopt(pycurl.PROXY, "")
    curl.setopt(pycurl.NOPROXY, "*")
    curl.setopt(pycurl.CAINFO, ca_file)
    curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
    # Wait for the first connection's handshake: it may carry all calls (HTTP/2).
    curl.setopt(pycurl.PIPEWAIT, 1)
    curl.setopt(pycurl.MAXFILESIZE_LARGE, body_bytes_max)
    curl.setopt(pycurl.USERAGENT, "batchrouter")


def _guarded(may_connect: Callable[[str], bool]) -> Callable[[int, Any], Any]:
    """Return libcurl's way to make a socket, for addresses that pass the judge only."""

    def make(_purpose: int, to: Any) -> Any:
        family, kind, protocol, address = to
        if not isinstance(address, tuple) or not may_connect(address[0]):
            return pycurl.SOCKET_BAD
        return socket.socket(family, kind, protocol)

    return make


def _pin_line(pin: Pin) -> str:
    shown = [f"[{each}]" if ":" in each else each for each in pin.addresses]
    return f"{pin.host}:{pin.port}:{','.join(shown)}"


def _set_method(curl: Any, method: str) -> None:
    if method == "GET":
        curl.setopt(pycurl.HTTPGET, 1)
        curl.unsetopt(pycurl.CUSTOMREQUEST)
    else:
        curl.setopt(pycurl.POST, 1)
        if method == "POST":
            curl.unsetopt(pycurl.CUSTOMREQUEST)
        else:
            curl.setopt(pycurl.CUSTOMREQUEST, method)


def _header_lines(headers: tuple[tuple[str, str], ...]) -> list[str]:
    lines = [f"{name}: {value}" for name, value in headers]
    together = "".join(lines)
    if "\n" in together or "\r" in together:
        raise ValueError("a header must not hold a line break")
    lines.append("Expect:")  # no pause for "100 Continue" before larger bodies
    return lines


def _completed(call: _Call) -> Completed:
    curl = call.curl
    head = b"".join(call.lines)
    elapsed_ms = int(curl.getinfo(pycurl.TOTAL_TIME) * 1000)
    if len(head) > HEADER_BYTES_MAX:
        return Completed(call.token, 0, _NO_HEADERS, b"", "too_large", elapsed_ms)
    chunks = call.chunks
    body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
    status = curl.getinfo(pycurl.RESPONSE_CODE)
    return Completed(call.token, status, ReplyHeaders(head), body, None, elapsed_ms)


def _broken(call: _Call, code: int, message: str) -> Completed:
    curl = call.curl
    elapsed_ms = int(curl.getinfo(pycurl.TOTAL_TIME) * 1000)
    # No header was written and no byte of the body was fetched for writing.
    never_sent = curl.getinfo(pycurl.REQUEST_SIZE) == 0 and call.source.tell() == 0
    return Completed(
        call.token,
        0,
        _NO_HEADERS,
        b"",
        _fault(code, message, never_sent=never_sent),
        elapsed_ms,
    )


def _fault(code: int, message: str, *, never_sent: bool) -> Fault:
    if never_sent:
        return "not_sent"
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return "timed_out"
    if code == pycurl.E_FILESIZE_EXCEEDED or "Too large response headers" in message:
        return "too_large"
    return "no_answer"
