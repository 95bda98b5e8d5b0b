"""HTTP requests to a channel, and the rate budgets that limit them.

The client of `Context.http` acquires tokens of the budget before each request, retries where that is safe, limits
the size of responses, does not follow redirects, and raises the errors of `gateway.sdk.errors`.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NoReturn, Protocol

from gateway.sdk.errors import ContractError

Query = Mapping[str, str | Sequence[str]]
"""Query parameters: a value, or several values, by name."""

Authorize = Callable[[], Awaitable[Mapping[str, str]]]
"""Returns the authentication headers; called before each request."""

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Budget:
    """A leaky bucket, as channels limit their clients.

    All processes of the gateway share a bucket, and a restart does not refill it. A limit on requests is a limit on
    tokens with a cost of 1 per request.

    Attributes:
        capacity: Maximum number of tokens.
        per_second: Tokens that are added per second.
    """

    capacity: float
    per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request.

    Attributes:
        method: HTTP method, in upper case.
        path: Path behind the base URL, with a leading slash.
        query: Query parameters.
        headers: Additional headers.
        body: The body; None: `json`, if given.
        json: A value that is sent as JSON if `body` is None.
        budget: Name of the rate budget; None: none.
        cost: Tokens per attempt.
        repeatable: Whether repeating the request has no further effect, so that failed attempts are retried and a lost
            response leaves no unknown result. None: depends on the method (GET, HEAD, PUT and DELETE are repeatable).
        tries: Maximum number of attempts of a repeatable request; each attempt costs tokens.
        most: Maximum size of the response in bytes; a longer one is a `ContractError`.
    """

    method: str
    path: str
    query: Query = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    json: Any = None
    budget: str | None = None
    cost: float = 1
    repeatable: bool | None = None
    tries: int = 3
    most: int = 10 * MEGABYTE


@dataclass(frozen=True, slots=True)
class Answer:
    """A response.

    Attributes:
        status: HTTP status code.
        headers: Headers by lower-case name.
        body: The body.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Parse the body as JSON; numbers with a decimal point are `Decimal`.

        Raises:
            ContractError: The body is not JSON, contains NaN, or is nested too deeply.
        """
        try:
            return json.loads(self.body, parse_float=Decimal, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            kind = self.headers.get("content-type", "no content type")[:60]
            raise ContractError(f"the response with status {self.status} ({kind}) is not JSON") from error


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


class Http(Protocol):
    """An HTTP client for one base URL with one way to authenticate."""

    async def send(self, request: Request) -> Answer:
        """Send a request and return the response: a success, or a client error for the plugin to handle (400 to 499).

        Raises:
            UnavailableError: The channel could not be reached, or a repeatable request failed.
            RateLimitedError: Status 429, or the budget has no tokens within the deadline of the call.
            AuthError: Status 401 or 403.
            OutcomeUnknownError: A request that is not repeatable was sent, and no response was received.
            ContractError: The response is a redirect or too long.
        """
