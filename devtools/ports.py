"""Find ports on this machine."""

import socket
import time
from collections.abc import Callable, Mapping

from devtools.say import Trouble

HOST = "127.0.0.1"


def is_free(port: int) -> bool:
    """Tell whether a server could listen on ``port``."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def any_free() -> int:
    """Return a port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def choose(name: str, default: int, env: Mapping[str, str]) -> int:
    """Return the port the variable asks for, else the default, else any free one.

    Raises:
        Trouble: the port that was asked for is taken or no port.
    """
    wanted = env.get(name)
    if not wanted:
        return default if is_free(default) else any_free()
    if not wanted.isdigit() or not 0 < int(wanted) < 65536:
        raise Trouble(f"{name}={wanted} is no port; say a number from 1 to 65535.")
    if not is_free(int(wanted)):
        raise Trouble(f"Port {wanted} is taken; choose another {name} or unset it.")
    return int(wanted)


def wait_open(port: int, *, seconds: float, still_there: Callable[[], None]) -> None:
    """Wait until something listens; ``still_there`` raises when it never will."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        still_there()
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.05)
    raise Trouble(f"Nothing listens on port {port} after {seconds:.0f} seconds.")
