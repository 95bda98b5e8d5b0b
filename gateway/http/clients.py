"""Whose request it is: of a known token, or of an address. What is shared out fairly is shared out among these."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import Scope

from gateway.execution.caller import ANONYMOUS, Caller, CallerKind
from gateway.http.auth import Tokens
from gateway.http.requests import RequestError

SITE = 64
"""Bits of an IPv6 address that one household or office has to itself."""

MOST_HOPS = 20

LONGEST = 60
"""Characters of an address, with its zone."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who is served or refused as one. `key`: her token's name, or her address."""

    key: str
    caller: Caller = ANONYMOUS

    @property
    def is_known(self) -> bool:
        return self.caller is not ANONYMOUS

    @property
    def is_admin(self) -> bool:
        return self.caller.kind is CallerKind.ADMIN


class Clients:
    """Tells clients apart. `trusted`: networks of proxies that are believed when they say for whom they ask."""

    def __init__(self, tokens: Tokens, trusted: Iterable[str]) -> None:
        self._tokens = tokens
        self._trusted = [ip_network(one) for one in trusted]

    def of(self, scope: Scope) -> Client:
        """Whose request this is. A token that is not known makes nobody of anyone."""
        headers = scope["headers"]
        sent = [value for name, value in headers if name == b"authorization"]
        if len(sent) == 1:
            try:
                caller = self._tokens.caller(sent[0].decode("latin-1"))
                return Client(caller.principal, caller)
            except RequestError:
                pass  # it is refused later, in words; until then it is a request of its address
        return Client(self._address(scope, headers))

    def _address(self, scope: Scope, headers: Sequence[tuple[bytes, bytes]]) -> str:
        peer = scope.get("client")
        address = str(peer[0]) if peer else ""
        if self._trusted and self._is_trusted(address):
            address = self._forwarded(address, headers)
        return _site(address)

    def _forwarded(self, address: str, headers: Sequence[tuple[bytes, bytes]]) -> str:
        """The last address on the way that is none of a trusted proxy."""
        told = b",".join(value for name, value in headers if name == b"x-forwarded-for").decode("latin-1")
        for hop in reversed(told.split(",")[-MOST_HOPS:]):
            if _parsed(hop.strip()) is None:
                break
            address = hop.strip()
            if not self._is_trusted(address):
                break
        return address

    def _is_trusted(self, address: str) -> bool:
        found = _parsed(address)
        return found is not None and any(found in network for network in self._trusted)


def _site(address: str) -> str:
    found = _parsed(address)
    if not isinstance(found, IPv6Address):
        return address if found is None else str(found)
    return str(IPv6Network((int(found), SITE), strict=False))


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """The address; None: it is none."""
    return _read(text) if len(text) <= LONGEST else None


@lru_cache(4_096)
def _read(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
