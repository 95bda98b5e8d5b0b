"""Request state: what the gateway knows about one HTTP request besides the request itself.

It holds the request id, which is in the response header `X-Request-ID`, in every error, and in the log; the client,
which is authenticated once; and the response headers about cost and rate limits.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.execution.request_id import bind_request_id
from gateway.http.auth import UNIDENTIFIED, Client

REQUEST_ID_HEADER = b"x-request-id"
_SAFE_ID = re.compile(rb"[A-Za-z0-9_-]{8,64}")


@dataclass(slots=True)
class RequestState:
    """State of one HTTP request.

    Attributes:
        request_id: the client's own id if it is safe, else a random one.
        client: the client that sends the request. It is identified on the path `/graphql` only.
        was_tried: whether the hot path has seen the request.
        cost_headers: response headers about the operation's cost.
        rate_limit_headers: response headers about this client's rate limit. They must not be in a shared cache.
    """

    request_id: str
    client: Client = UNIDENTIFIED
    was_tried: bool = False
    cost_headers: dict[str, str] = field(default_factory=dict)
    rate_limit_headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def id_header(self) -> tuple[bytes, bytes]:
        """The response header with the request id."""
        return REQUEST_ID_HEADER, self.request_id.encode()

    @property
    def headers(self) -> dict[str, str]:
        """Response headers of a response that is for this client only."""
        return {**self.cost_headers, **self.rate_limit_headers}

    def add_cost_header(self, cost: int, limit: int) -> None:
        """Report the cost of the operation and the limit of one operation."""
        self.cost_headers["graphql-cost"] = f"{cost};max={limit}"

    def add_retry_after(self, seconds: int | None) -> None:
        """Report after how many seconds a refused attempt may be repeated."""
        if seconds is not None:
            self.cost_headers["retry-after"] = str(seconds)


class RequestStateMiddleware:
    """Creates the state of every request, and sets the request id on every response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = open_state(scope)
        header = state.id_header
        bind_request_id(state.request_id)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), header]}
            await send(message)

        await self._app(scope, receive, send_with_id)


def open_state(scope: Scope) -> RequestState:
    """Return the state of the request with this ASGI scope, which is created at the first call."""
    states = scope.setdefault("state", {})
    state: RequestState | None = states.get("request")
    if state is None:
        state = states["request"] = RequestState(_choose_id(scope["headers"]).decode())
    return state


def _choose_id(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    ids = [value for name, value in headers if name == REQUEST_ID_HEADER]
    if len(ids) == 1 and _SAFE_ID.fullmatch(ids[0]):
        return ids[0]
    return b"%016x" % random.getrandbits(64)


def get_state(scope: Scope) -> RequestState:
    """Return the state of the request with this ASGI scope."""
    state: RequestState = scope["state"]["request"]
    return state
