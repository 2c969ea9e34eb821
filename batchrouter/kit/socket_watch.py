"""The sockets and the timer that libcurl asks its caller to watch."""

import select
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

import pycurl

_IN: Final = select.POLLIN
_OUT: Final = select.POLLOUT
# libcurl's wishes (in, out, both) as poll's bits, which epoll shares.
_WANTED: Final = {
    pycurl.POLL_IN: _IN,
    pycurl.POLL_OUT: _OUT,
    pycurl.POLL_INOUT: _IN | _OUT,
}


class SocketWatch:
    """Watches sockets by epoll where there is one, else by poll.

    A socket that libcurl lets go of is mostly wanted again for the next call, so it is
    taken off only when the next waiting begins: half the system calls of doing it at
    once.
    """

    def __init__(self, poller: Any = None) -> None:
        self._poller: Any = poller or _best_poller()
        # epoll counts in seconds, poll in milliseconds.
        self._ticks = 1000 if isinstance(self._poller, type(select.poll())) else 1
        self._known: set[int] = set()
        self._parked: set[int] = set()
        self._due: float | None = None

    def socket_changed(self, wish: int, fd: int, _multi: Any, _data: Any) -> None:
        """Take libcurl's wish about a socket (M_SOCKETFUNCTION)."""
        if wish == pycurl.POLL_REMOVE:
            self._parked.add(fd)
            return
        self._parked.discard(fd)
        # A known number may be another socket by now: epoll forgot the closed one.
        if fd in self._known:
            with suppress(FileNotFoundError):
                self._poller.modify(fd, _WANTED[wish])
                return
        self._known.add(fd)
        try:
            self._poller.register(fd, _WANTED[wish])
        except FileExistsError:
            self._poller.modify(fd, _WANTED[wish])

    def timer_changed(self, milliseconds: int) -> None:
        """Take libcurl's wish to be called after a time, -1 for never (M_TIMER...)."""
        self._due = None if milliseconds < 0 else time.monotonic() + milliseconds / 1000

    def timer_rang(self) -> bool:
        """Tell, once, that libcurl's time is over."""
        if self._due is None or self._due > time.monotonic():
            return False
        self._due = None
        return True

    def wait(self, seconds: float) -> Iterable[tuple[int, int]]:
        """Wait for a socket, the timer or this time; yield (socket, libcurl's bits)."""
        self._take_off_parked()
        if self._due is not None:
            seconds = min(seconds, self._due - time.monotonic())
        for fd, bits in self._poller.poll(max(seconds, 0.0) * self._ticks):
            ready_in = pycurl.CSELECT_IN if bits & ~_OUT else 0
            ready_out = pycurl.CSELECT_OUT if bits & _OUT else 0
            yield fd, ready_in | ready_out

    def close(self) -> None:
        """Close the epoll instance; the sockets are libcurl's."""
        if hasattr(self._poller, "close"):
            self._poller.close()

    def _take_off_parked(self) -> None:
        for fd in self._parked:
            self._known.discard(fd)
            # Already gone where libcurl closed it.
            with suppress(OSError, KeyError):
                self._poller.unregister(fd)
        self._parked.clear()


def _best_poller() -> Any:
    return select.epoll() if hasattr(select, "epoll") else select.poll()
