"""Which addresses an operator may give a provider."""

import socket
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from batchrouter.kit.errors import InvalidRequest

# An operator's own server stands in the operator's own network.
OWN_SERVERS: Final = frozenset({"compatible"})


class BaseUrlRefused(InvalidRequest):
    """Keys and prompts must not be sent there."""


def accepted_base_url(provider: str, text: str, *, in_development: bool) -> str:
    """Return the address without a slash at its end. Asks the name server.

    Args:
        provider: its key in the catalog; some may stand in a private network.
        text: as the operator gave it.
        in_development: plain HTTP is taken.

    Raises:
        BaseUrlRefused: not HTTPS, not a bare address, or in a private network.
    """
    parts = _split(text)
    allowed = {"https", "http"} if in_development else {"https"}
    if parts.scheme not in allowed:
        raise _refused("The base URL must start with https://.")
    if provider not in OWN_SERVERS:
        _refuse_private(_addresses(parts))
    return text.rstrip("/")


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        has_port = parts.port != 0
    except ValueError:
        raise _refused("The base URL is not a URL.") from None
    if not (parts.hostname and has_port and text.isascii() and text.isprintable()):
        raise _refused("The base URL is not a URL.")
    if "@" in parts.netloc or "?" in text or "#" in text or " " in text:
        raise _refused("The base URL holds no user, query or fragment.")
    return parts


def _addresses(parts: SplitResult) -> list[str]:
    try:
        found = socket.getaddrinfo(
            parts.hostname, parts.port or 443, type=socket.SOCK_STREAM
        )
    except (OSError, UnicodeError):
        raise _refused("The base URL's host has no address.") from None
    return [str(entry[4][0]) for entry in found]


def _refuse_private(addresses: Iterable[str]) -> None:
    for text in addresses:
        # A zone such as %eth0 is local anyhow.
        address = ip_address(text.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None)
        if not (mapped or address).is_global or address.is_multicast:
            raise _refused("The base URL is in a private network.")


def _refused(message: str) -> BaseUrlRefused:
    return BaseUrlRefused(message, param="base_url")
