"""Public addresses: resolves a host once, and says which addresses belong to the public internet (rule N4)."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence

GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
TUNNELS = (ipaddress.IPv6Network("2002::/16"), ipaddress.IPv6Network("2001::/32"))
"""Networks whose addresses contain an IPv4 address that a router may connect to."""

TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
"""Network of a host that has an IPv4 address only, in a network without IPv4 (RFC 6052)."""

PLATFORM_ADDRESSES = frozenset({ipaddress.IPv4Address("168.63.129.16")})
"""Public addresses at which a cloud serves its machines: they see more there than others."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a host, or raises OSError."""


async def resolve_host(host: str, port: int) -> Sequence[str]:
    """Resolve a host.

    Raises:
        OSError: it has no address.
    """
    entries = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in entries]


def is_public_address(text: str) -> bool:
    """Return whether an address belongs to the public internet: it is not that of a private network, of this machine,
    of a link, of a carrier's network or of a group, and does not contain such a one.
    """
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        if address in TRANSLATED:
            return is_public_address(str(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)))
        return address.is_global and address in GLOBAL_UNICAST and not any(address in tunnel for tunnel in TUNNELS)
    return address.is_global and not address.is_multicast and address not in PLATFORM_ADDRESSES
