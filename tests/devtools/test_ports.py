import socket

import pytest

from devtools import ports
from devtools.say import Trouble


def _taken() -> socket.socket:
    server = socket.socket()
    server.bind((ports.HOST, 0))
    server.listen()
    return server


def test_the_default_is_used_when_it_is_free() -> None:
    free = ports.any_free()
    assert ports.choose("PORT", free, {}) == free


def test_another_port_is_found_when_the_default_is_taken() -> None:
    with _taken() as server:
        taken = server.getsockname()[1]
        assert ports.choose("PORT", taken, {}) != taken


def test_a_port_that_was_asked_for_is_never_swapped() -> None:
    with _taken() as server:
        taken = server.getsockname()[1]
        with pytest.raises(Trouble, match=f"Port {taken} is taken"):
            ports.choose("PORT", 8000, {"PORT": str(taken)})


@pytest.mark.parametrize("value", ["web", "0", "65536", "-1"])
def test_what_is_no_port_is_refused(value: str) -> None:
    with pytest.raises(Trouble, match="is no port"):
        ports.choose("PORT", 8000, {"PORT": value})
