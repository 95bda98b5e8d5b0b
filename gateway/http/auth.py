"""Authentication: bearer tokens (RFC 6750), and the client that a request counts for.

A request is authenticated once, before it is admitted. Rate limits and the admission queue share capacity among
clients: an authenticated client is its token, any other is its network address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from starlette.types import Scope

from gateway.execution.caller import ANONYMOUS, Caller
from gateway.execution.error_codes import Code
from gateway.execution.login.errors import IssuerUnavailableError, LoginError, UnknownIssuerError
from gateway.execution.login.key_cache import RETRY_DELAY
from gateway.execution.login.registry import LoginRegistry
from gateway.execution.token_registry import TokenRegistry
from gateway.http.errors import RequestError
from gateway.http.rate_limit.client_address import AddressReader, find_network
from gateway.model.actors import CallerKind


@dataclass(frozen=True, slots=True)
class Client:
    """The client that a request counts for.

    Attributes:
        key: the name of its token, the identity of a shopper, or its network address.
        caller: the authenticated caller, else `ANONYMOUS`.
        network: the network of its address, /24 of IPv4 and /64 of IPv6.
        error: why its credentials are invalid. The endpoint raises it; until then the request counts for its address.
    """

    key: str
    caller: Caller = ANONYMOUS
    network: str = ""
    error: RequestError | None = None

    @property
    def is_known(self) -> bool:
        """Whether the limits of known clients apply: the retailer has given it a token. Anyone may be a shopper."""
        return self.caller.is_trusted

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

    def __init__(
        self,
        tokens: TokenRegistry,
        logins: LoginRegistry,
        trusted_proxies: Iterable[str],
        now: Callable[[], datetime],
    ) -> None:
        self._tokens = tokens
        self._logins = logins
        self._addresses = AddressReader(trusted_proxies)
        self._now = now

    async def identify(self, scope: Scope) -> Client:
        """Authenticate the request. Without valid credentials its client is its address."""
        address, network, credentials = self._read(scope)
        if not credentials:
            return _build_anonymous(address, network)
        try:
            token = parse_credentials(credentials)
            return self._accept(await self._find_caller(token), network)
        except RequestError as error:
            return Client(address, network=network, error=error)

    def identify_at_once(self, scope: Scope) -> Client | None:
        """Authenticate the request as `identify` does. None: it has no valid credentials, or that has to be read."""
        address, network, credentials = self._read(scope)
        if not credentials:
            return _build_anonymous(address, network)
        try:
            return self._accept(self._find_known(parse_credentials(credentials)), network)
        except RequestError:
            return None

    async def _find_caller(self, token: str) -> Caller | None:
        """Find the caller of a token. None: it is unknown.

        Raises:
            RequestError: it is the token of a shopper, and is not valid or cannot be verified.
        """
        if self._logins.is_login(token):
            try:
                return await self._logins.find_caller(token)
            except UnknownIssuerError:  # a token of the configuration may have any form
                pass
            except LoginError as error:
                raise _convert_login_error(error) from error
        return await self._tokens.find_caller(token)

    def _find_known(self, token: str) -> Caller | None:
        """Find the caller of a token. None: it is unknown, or something has to be read or verified for it."""
        shopper = self._logins.find_known(token) if self._logins.is_login(token) else None
        return shopper or self._tokens.find_known(token)

    def _read(self, scope: Scope) -> tuple[str, str, list[bytes]]:
        """Read the address of the client, its network, and its credentials."""
        address = self._addresses.read(scope)
        credentials = [value for name, value in scope["headers"] if name == b"authorization"]
        return address, find_network(address), credentials

    def _accept(self, caller: Caller | None, network: str) -> Client:
        """Return the client with this token.

        Raises:
            RequestError: the token is unknown or expired.
        """
        if caller is None:
            raise _build_token_error(Code.UNAUTHENTICATED, "The token is unknown, or of an unknown issuer.")
        is_login = caller.kind is CallerKind.SHOPPER  # checked already, with the leeway of its issuer
        if not is_login and caller.expires_at is not None and caller.expires_at <= self._now():
            raise _build_token_error(Code.TOKEN_EXPIRED, "The token has expired.")
        return Client(caller.principal, caller, network)


@lru_cache(4_096)
def _build_anonymous(address: str, network: str) -> Client:
    return Client(address, network=network)


def parse_credentials(headers: Sequence[bytes]) -> str:
    """Parse the Authorization headers of a request, and return the token.

    Raises:
        RequestError: there are several, or it is malformed.
    """
    if len(headers) > 1:  # a proxy in front of the gateway may have believed the other one
        raise RequestError(Code.BAD_REQUEST, "Expected one Authorization header.")
    return parse_bearer(headers[0].decode("latin-1"))


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


def _convert_login_error(error: LoginError) -> RequestError:
    if isinstance(error, IssuerUnavailableError):
        return RequestError(error.code, str(error), {"retry-after": f"{RETRY_DELAY.total_seconds():.0f}"})
    return _build_token_error(error.code, str(error))
