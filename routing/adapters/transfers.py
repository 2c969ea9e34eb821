"""Addresses that a provider hands out for one transfer of a file.

Together and Fireworks keep files at a store of their own and name a signed address for
each transfer. The key is never sent there, and no such address may lead into our own
network: it has to be https at a named host, or at the provider's own address.
"""

import ipaddress
from typing import Any
from urllib.parse import SplitResult, urlsplit

from routing.contracts import Connection


def transfer_url(connection: Connection, url: Any) -> str | None:
    """Return the address where it may be used, else None."""
    if not isinstance(url, str) or not url.isascii() or not url.isprintable():
        return None
    try:
        there, home = urlsplit(url), urlsplit(connection.base_url)
        is_home = _origin(there) == _origin(home)
    except ValueError:
        return None
    if there.username is not None or not there.hostname:
        return None
    if is_home:
        return url
    return url if there.scheme == "https" and _is_named(there.hostname) else None


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port


def _is_named(host: str) -> bool:
    """Tell a public name from an address or a name of the local network."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        last = host.rstrip(".").rpartition(".")
        # A last part of digits is an address in an old notation.
        return bool(last[0]) and not last[2][:1].isdigit() and last[2] not in _LOCAL
    return False


_LOCAL = frozenset({"localhost", "local", "internal", "lan", "home", "arpa"})
