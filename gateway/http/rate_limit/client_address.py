"""Network address of a client, behind trusted proxies too."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import Scope

IPV6_PREFIX = 64
"""Bits of an IPv6 address that belong to one household or office."""

IPV4_PREFIX = 24
"""Bits of an IPv4 address that belong to one network: a client can change the rest at will."""

MAX_HOPS = 20

MAX_ADDRESS_LENGTH, MAX_CACHED_CHAIN = 60, 200
"""Characters of an address, with its zone; and of a chain of addresses that is cached."""


class AddressReader:
    """Reads the address of clients. `trusted_proxies`: networks whose `X-Forwarded-For` is believed."""

    def __init__(self, trusted_proxies: Iterable[str]) -> None:
        self._trusted = [ip_network(network) for network in trusted_proxies]
        self._find_cached = lru_cache(4_096)(self._find)

    def read(self, scope: Scope) -> str:
        """Return the address of the client: an IPv4 address, or the network of an IPv6 address."""
        peer = scope.get("client")
        address = str(peer[0]) if peer else ""
        if not self._trusted:
            return self._find_cached(address, b"")
        chain = b",".join([value for name, value in scope["headers"] if name == b"x-forwarded-for"])
        return (self._find if len(chain) > MAX_CACHED_CHAIN else self._find_cached)(address, chain)

    def _find(self, address: str, chain: bytes) -> str:
        if self._is_trusted(address):
            address = self._read_forwarded(address, chain.decode("latin-1"))
        return _normalize(address)

    def _read_forwarded(self, address: str, chain: str) -> str:
        """Return the last address of the chain that does not belong to a trusted proxy."""
        for hop in reversed(chain.split(",")[-MAX_HOPS:]):
            if _parse(hop.strip()) is None:
                break
            address = hop.strip()
            if not self._is_trusted(address):
                break
        return address

    def _is_trusted(self, address: str) -> bool:
        if not self._trusted:
            return False
        parsed = _parse(address)
        return parsed is not None and any(parsed in network for network in self._trusted)


@lru_cache(4_096)
def find_network(address: str) -> str:
    """Return the network of a client's address, as `AddressReader` reads it: /24 of IPv4, /64 of IPv6."""
    parsed = _parse(address)
    return str(IPv4Network((int(parsed), IPV4_PREFIX), strict=False)) if isinstance(parsed, IPv4Address) else address


def _normalize(address: str) -> str:
    parsed = _parse(address)
    if not isinstance(parsed, IPv6Address):
        return address if parsed is None else str(parsed)
    return str(IPv6Network((int(parsed), IPV6_PREFIX), strict=False))


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    return _parse_cached(text) if len(text) <= MAX_ADDRESS_LENGTH else None


@lru_cache(4_096)
def _parse_cached(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
