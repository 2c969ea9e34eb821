"""Who asked for a letter, as far as the limits tell clients apart."""

from ipaddress import IPv6Address, ip_address, ip_network

# One subscriber has at least a /64 of IPv6: RFC 6177.
_IPV6_PREFIX = 64


def client_of(ip: str | None) -> str:
    """Return the IPv4 address or the IPv6 /64; all that is unreadable is one client."""
    if not ip:
        return ""
    try:
        address = ip_address(ip)
    except ValueError:
        return "unreadable"
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((int(address), _IPV6_PREFIX), strict=False))
