"""Where a call on a customer's word may go: public addresses over HTTPS, nothing else.

An address is read once, by one strict grammar, and written anew for the client, so that
no two parsers can disagree about it. Its name is resolved once; every answer is judged,
and the call goes to the judged addresses. Sources of the networks: IANA's registries of
special-purpose IPv4 and IPv6 addresses, and the metadata services of AWS, Azure, Google
and Alibaba (all read 2026-11-29).
"""

import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final, Literal

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
# Returns the addresses of a host name; raises OSError where it has none.
Resolver = Callable[[str, int], Sequence[str]]

Reason = Literal["invalid_url", "port_refused", "host_refused"]

URL_LENGTH_MAX: Final = 2048
HOST_LENGTH_MAX: Final = 253  # RFC 1035, without the root's dot
PORT_MAX: Final = 65_535
PRIVILEGED_PORTS: Final = 1024

_URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>\[[0-9a-f:.]{2,45}\]|[0-9a-z.-]{1,253})"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<target>[/?][0-9a-z!$%&'()*+,./:;=?@\[\]_~-]*)?",
    re.IGNORECASE,
)
_LABEL = re.compile(r"[0-9a-z](?:[0-9a-z-]{0,61}[0-9a-z])?")
# What the C library takes for a number: 127.1, 0x7f.1, 017700000001.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")

# Names that are never public, whatever a resolver says of them.
_PRIVATE_NAMES: Final = (
    *("localhost", "local", "localdomain", "internal", "intranet", "private"),
    *("lan", "home", "corp", "arpa", "onion", "svc", "consul", "docker"),
)
# Services that listen above the privileged ports and take whatever is sent to them.
_REFUSED_PORTS: Final = frozenset(
    {
        *(1080, 1433, 1521, 1723, 2049, 2181, 2375, 2376, 2379, 2380, 3128, 3268, 3306),
        *(3389, 4222, 4369, 5060, 5061, 5432, 5433, 5672, 5900, 5984, 5985, 5986, 6000),
        *(6379, 6380, 6443, 6667, 7000, 7001, 7077, 8086, 8300, 8301, 8500, 8600, 9042),
        *(9092, 9160, 9200, 9300, 9418, 10000, 10250, 10255, 11211, 15672, 16379),
        *(26379, 27017, 27018, 28015, 50070),
    }
)
_NEVER_V4: Final = tuple(
    IPv4Network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24"),
        *("192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4"),
        "240.0.0.0/4",
        "168.63.129.16/32",  # Azure's wire server, on a public address
    )
)
# Of IPv6 only what is given out to the world, and of that not what hides IPv4 in it.
_PUBLIC_V6: Final = IPv6Network("2000::/3")
_NEVER_V6: Final = tuple(
    IPv6Network(text)
    for text in (
        *("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"),
    )
)
_ISATAP: Final = frozenset({0x0000_5EFE, 0x0200_5EFE})  # RFC 5214

LOOPBACK: Final[tuple[Network, ...]] = (
    IPv4Network("127.0.0.0/8"),
    IPv6Network("::1/128"),
)


class DestinationRefused(Exception):
    """It may not be called; :attr:`reason` says why, and nothing of what lies there.

    Attributes:
        reason: ``host_refused`` stands alike for a name without an address and for one
            with an address that is not public: else the reply would map our network.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Rules:
    """What may be called beyond public addresses over HTTPS.

    Attributes:
        allow_http: plain HTTP too, on port 80 as well.
        allowed: networks that may be called though they are not public.
        refused: networks that may not be called though they are public: our own.
    """

    allow_http: bool = False
    allowed: tuple[Network, ...] = ()
    refused: tuple[Network, ...] = ()


PUBLIC: Final = Rules()
# For a receiver on the developer's own machine.
DEVELOPMENT: Final = Rules(allow_http=True, allowed=LOOPBACK)


@dataclass(frozen=True, slots=True)
class Destination:
    """An address that was read and may be resolved.

    Attributes:
        host: lower case; a name, or an address without brackets.
        target: the path and query, as they stand in the request.
    """

    scheme: str
    host: str
    port: int
    target: str

    @property
    def url(self) -> str:
        """The address as the client is given it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.target}"


def networks(words: Sequence[str]) -> tuple[Network, ...]:
    """Read networks such as ``203.0.113.0/24``.

    Raises:
        ValueError: one is none.
    """
    return tuple(ip_network(word) for word in words)


def read_destination(url: str, rules: Rules = PUBLIC) -> Destination:
    """Read an address; nothing is resolved.

    Raises:
        DestinationRefused: it is not of the plain form ``https://host[:port]/path``, or
            its port or literal address is refused.
    """
    found = _URL.fullmatch(url) if len(url) <= URL_LENGTH_MAX else None
    if found is None:
        raise DestinationRefused(
            "invalid_url",
            f"Give a URL of at most {URL_LENGTH_MAX} ASCII characters, without user, "
            "fragment or backslash; a name of other letters in its xn-- form.",
        )
    scheme = found["scheme"].lower()
    if scheme == "http" and not rules.allow_http:
        raise DestinationRefused("invalid_url", "The URL must begin with https://.")
    host = _read_host(found["host"].lower(), rules)
    port = int(found["port"] or (443 if scheme == "https" else 80))
    if port > PORT_MAX:
        raise DestinationRefused("invalid_url", "The URL's port is no number of one.")
    _check_port(port, rules)
    target = found["target"] or "/"
    if target.startswith("?"):
        target = f"/{target}"
    return Destination(scheme, host, port, target)


def is_callable(address: str, rules: Rules) -> bool:
    """Tell whether a literal address may be called."""
    try:
        judged = ip_address(address)
    except ValueError:
        return False
    if _is_in(judged, rules.refused):
        return False
    return _is_in(judged, rules.allowed) or _is_public(judged)


def callable_addresses(
    destination: Destination, rules: Rules, resolve: Resolver
) -> tuple[str, ...]:
    """Resolve the host, once, and return its addresses; all of them may be called.

    Raises:
        DestinationRefused: it has none, or one of them may not be called.
    """
    try:
        literal = ip_address(destination.host)
    except ValueError:
        answers = _resolved(destination, resolve)
    else:
        answers = (str(literal),)
    if not answers or not all(is_callable(answer, rules) for answer in answers):
        raise _host_refused()
    return answers


def system_resolver(host: str, port: int) -> Sequence[str]:
    """Ask the system for the addresses of a name.

    Raises:
        OSError: it has none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[4][0]) for address in found]


def _resolved(destination: Destination, resolve: Resolver) -> tuple[str, ...]:
    try:
        answers = resolve(destination.host, destination.port)
    except (OSError, UnicodeError):
        raise _host_refused() from None
    return tuple(dict.fromkeys(answers))


def _read_host(host: str, rules: Rules) -> str:
    if host.startswith("["):
        return _literal(host[1:-1], rules, version=6)
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _literal(host, rules, version=4)
    if len(host) > HOST_LENGTH_MAX or not all(map(_LABEL.fullmatch, labels)):
        raise DestinationRefused("invalid_url", "The URL's host is not a name.")
    is_local = bool(rules.allowed) and host == "localhost"
    if not is_local and (len(labels) == 1 or labels[-1] in _PRIVATE_NAMES):
        raise _host_refused()
    return host


def _literal(text: str, rules: Rules, *, version: int) -> str:
    """Return an address in its one canonical form; other spellings are refused."""
    try:
        address = ip_address(text)
    except ValueError:
        raise DestinationRefused(
            "invalid_url", "The URL's host is not an address."
        ) from None
    if address.version != version:
        raise DestinationRefused("invalid_url", "The URL's host is not an address.")
    if not is_callable(str(address), rules):
        raise _host_refused()
    return str(address)


def _check_port(port: int, rules: Rules) -> None:
    usual = {443, 80} if rules.allow_http else {443}
    if port in usual or (port >= PRIVILEGED_PORTS and port not in _REFUSED_PORTS):
        return
    raise DestinationRefused(
        "port_refused",
        "The URL's port must be 443, or one from 1024 on that no other kind of "
        "service is known by.",
    )


def _host_refused() -> DestinationRefused:
    return DestinationRefused(
        "host_refused", "The URL's host has no public address that we may call."
    )


def _is_in(address: Address, found: Sequence[Network]) -> bool:
    return any(address.version == net.version and address in net for net in found)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not _is_in(address, _NEVER_V4)
    if address.scope_id is not None or address not in _PUBLIC_V6:
        return False
    interface_id = int(address) >> 32 & 0xFFFF_FFFF
    return not _is_in(address, _NEVER_V6) and interface_id not in _ISATAP
