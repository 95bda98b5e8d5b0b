"""Requests to a channel over HTTP, and the budgets that they are paid from.

`Context.http` gives a client that keeps every promise of the gateway: it pays before it asks, repeats what may be
repeated, reads no more than a plugin can swallow, follows no redirect, and says what went wrong in the family's words.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NoReturn, Protocol

from gateway.sdk.errors import ContractError

Query = Mapping[str, str | Sequence[str]]
"""What stands behind the question mark: a name's values, one after the other."""

Authorize = Callable[[], Awaitable[Mapping[str, str]]]
"""Gives the headers that prove who asks, for each request anew."""

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Budget:
    """A leaky bucket, as channels limit their callers: so much at once, and so much again every second.

    A bucket of requests is one of points in which a request costs 1. Every process of the gateway pays from the same
    bucket, and a restart does not fill it.
    """

    capacity: float
    per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked.

    Attributes:
        path: behind the client's address; begins with a slash.
        json: becomes the body, where `body` is None.
        budget: the name of the budget that pays; None: it is free.
        cost: what every try costs.
        repeatable: asking twice is as asking once, so a try that failed may be repeated, and a lost answer leaves
            nothing unknown. None: as the method says (GET, HEAD, PUT and DELETE are).
        tries: how often a repeatable request is sent at most; each try is paid for.
        most: bytes of the answer; a longer one is a `ContractError`.
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
    """What came back. `headers`: names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON; numbers with a point are `Decimal`.

        Raises:
            ContractError: it is not JSON, holds NaN, or is nested too deep.
        """
        try:
            return json.loads(self.body, parse_float=Decimal, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            kind = self.headers.get("content-type", "no content type")[:60]
            raise ContractError(f"the answer with status {self.status} ({kind}) is not JSON") from error


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


class Http(Protocol):
    """A client for one address, with one way of proving who asks."""

    async def send(self, request: Request) -> Answer:
        """The answer: one of success, or a refusal that only the plugin can understand (400 to 499).

        Raises:
            UnavailableError: nothing was reached, or a repeatable request failed there.
            RateLimitedError: 429, or the budget cannot pay within the time that the call has.
            AuthError: 401 or 403.
            OutcomeUnknownError: a request that is not repeatable was sent, and no answer came.
            ContractError: a redirect, or an answer that is too long.
        """
