import select
import socket
import time
from collections.abc import Iterator
from typing import Any

import pycurl
import pytest

from batchrouter.kit.socket_watch import SocketWatch


@pytest.fixture(params=["epoll", "poll"])
def watch(request: pytest.FixtureRequest) -> Iterator[SocketWatch]:
    poller: Any = getattr(select, request.param, None)
    if poller is None:
        pytest.skip(f"this system has no {request.param}")
    made = SocketWatch(poller())
    yield made
    made.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


Pair = tuple[socket.socket, socket.socket]


def wish(watch: SocketWatch, what: int, sock: socket.socket) -> None:
    watch.socket_changed(what, sock.fileno(), None, None)


def test_readiness_is_told_in_libcurls_bits(watch: SocketWatch, pair: Pair) -> None:
    ours, theirs = pair
    wish(watch, pycurl.POLL_IN, ours)
    assert list(watch.wait(0)) == []

    theirs.send(b"x")
    assert list(watch.wait(1)) == [(ours.fileno(), pycurl.CSELECT_IN)]
    wish(watch, pycurl.POLL_INOUT, ours)
    both = pycurl.CSELECT_IN | pycurl.CSELECT_OUT
    assert list(watch.wait(1)) == [(ours.fileno(), both)]


def test_a_hang_up_is_told(watch: SocketWatch, pair: Pair) -> None:
    ours, theirs = pair
    wish(watch, pycurl.POLL_IN, ours)
    theirs.close()

    assert list(watch.wait(1)) == [(ours.fileno(), pycurl.CSELECT_IN)]


def test_a_socket_that_was_let_go_is_not_watched(
    watch: SocketWatch, pair: Pair
) -> None:
    ours, theirs = pair
    wish(watch, pycurl.POLL_IN, ours)
    wish(watch, pycurl.POLL_REMOVE, ours)
    theirs.send(b"x")

    assert list(watch.wait(0)) == []


def test_a_socket_wanted_again_at_once_stays_watched(
    watch: SocketWatch, pair: Pair
) -> None:
    ours, theirs = pair
    wish(watch, pycurl.POLL_IN, ours)
    wish(watch, pycurl.POLL_REMOVE, ours)
    wish(watch, pycurl.POLL_IN, ours)
    theirs.send(b"x")

    assert list(watch.wait(1)) == [(ours.fileno(), pycurl.CSELECT_IN)]


def test_a_new_socket_under_an_old_number_is_watched(watch: SocketWatch) -> None:
    first, _other = socket.socketpair()
    number = first.fileno()
    wish(watch, pycurl.POLL_IN, first)
    wish(watch, pycurl.POLL_REMOVE, first)
    first.close()
    _other.close()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert number in {ours.fileno(), theirs.fileno()}
        watched, sender = (ours, theirs) if ours.fileno() == number else (theirs, ours)
        wish(watch, pycurl.POLL_IN, watched)
        sender.send(b"x")

        assert list(watch.wait(1)) == [(number, pycurl.CSELECT_IN)]


def test_the_timer_rings_once_and_ends_a_wait(watch: SocketWatch) -> None:
    watch.timer_changed(50)
    assert not watch.timer_rang()
    started = time.monotonic()
    assert list(watch.wait(100)) == []

    assert 0.03 < time.monotonic() - started < 50
    time.sleep(0.05)
    assert watch.timer_rang()
    assert not watch.timer_rang()


def test_a_timer_may_be_withdrawn(watch: SocketWatch) -> None:
    watch.timer_changed(0)
    watch.timer_changed(-1)

    assert not watch.timer_rang()
