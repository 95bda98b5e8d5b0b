"""Authentication: bearer tokens (RFC 6750), and the client that a request counts for.

A request is authenticated once, before it is admitted. Rate limits and the admission queue share capacity among
clients: an authenticated client is its token, any other is its network address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from starlette.types import Scope

from gateway.execution.caller import ANONYMOUS, Caller
from gateway.execution.error_codes import Code
from gateway.execution.token_registry import TokenRegistry
from gateway.http.errors import RequestError
from gateway.http.rate_limit.client_address import AddressReader, find_network
from gateway.model.actors import CallerKind


@dataclass(frozen=True, slots=True)
class Client:
    """The client that a request counts for.

    Attributes:
        key: the name of its token, or its network address.
        caller: the authenticated caller, else `ANONYMOUS`.
        network: the network of its address, /24 of IPv4 and /64 of IPv6.
        error: why its credentials are invalid. The endpoint raises it; until then the request counts for its address.
    """

    key: str
    caller: Caller = ANONYMOUS
    network: str = ""
    error: RequestError | None = None

    @property
    def is_authenticated(self) -> bool:
        """Whether the request has a valid token."""
        return self.caller is not ANONYMOUS

    @property
    def is_admin(self) -> bool:
        """Whether the token is of the kind ADMIN, which has no limits."""
        return self.caller.kind is CallerKind.ADMIN

    def require_valid_credentials(self) -> None:
        """Check the credentials.

        Raises:
            RequestError: the request has a token that is unknown, expired or malformed, or more than one.
        """
        if self.error is not None:
            raise self.error


UNIDENTIFIED = Client("")
"""Client of a request on a path that does not identify clients."""


class ClientIdentifier:
    """Identifies the client of a request. `trusted_proxies`: networks whose `X-Forwarded-For` is believed."""

    def __init__(self, tokens: TokenRegistry, trusted_proxies: Iterable[str], now: Callable[[], datetime]) -> None:
        self._tokens = tokens
        self._addresses = AddressReader(trusted_proxies)
        self._now = now

    async def identify(self, scope: Scope) -> Client:
        """Authenticate the request. Without valid credentials its client is its address."""
        address = self._addresses.read(scope)
        network = find_network(address)
        credentials = [value for name, value in scope["headers"] if name == b"authorization"]
        if not credentials:
            return _build_anonymous(address, network)
        try:
            if len(credentials) > 1:  # a proxy in front of the gateway may have believed the other one
                raise RequestError(Code.BAD_REQUEST, "Expected one Authorization header.")
            caller = await self._authenticate(credentials[0].decode("latin-1"))
        except RequestError as error:
            return Client(address, network=network, error=error)
        return Client(caller.principal, caller, network)

    async def _authenticate(self, header: str) -> Caller:
        """Return the caller of this Authorization header.

        Raises:
            RequestError: the header is malformed, or the token is unknown or expired.
        """
        caller = await self._tokens.find_caller(parse_bearer(header))
        if caller is None:
            raise _build_token_error(Code.UNAUTHENTICATED, "The token is unknown.")
        if caller.expires_at is not None and caller.expires_at <= self._now():
            raise _build_token_error(Code.TOKEN_EXPIRED, "The token has expired.")
        return caller


@lru_cache(4_096)
def _build_anonymous(address: str, network: str) -> Client:
    return Client(address, network=network)


def parse_bearer(header: str) -> str:
    """Parse an Authorization header, and return the token.

    Raises:
        RequestError: the header is malformed.
    """
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        message = "Expected the header Authorization to be Bearer, a space, and the token."
        raise RequestError(Code.UNAUTHENTICATED, message, {"www-authenticate": "Bearer"})
    return token.strip()


def _build_token_error(code: Code, message: str) -> RequestError:
    return RequestError(code, message, {"www-authenticate": 'Bearer error="invalid_token"'})
