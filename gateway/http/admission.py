"""Before anything is read of a request: whether it can be served soon. Refusing is cheap, or it would not help."""

from __future__ import annotations

import orjson
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.execution.answers import refusal
from gateway.execution.codes import Code
from gateway.http.clients import Client, Clients
from gateway.http.gate import Gate, OverloadedError
from gateway.http.negotiation import JSON, response_type
from gateway.http.rates import Rates, Standing
from gateway.http.requests import RequestError

GUARDED = "/graphql"
CLIENT = "gateway.client"
TOLD = "gateway.told"
"""Where a request's client, and the headers that its answer has besides, stand in its scope."""


class Admission:
    """In front of the application: knows the client, and refuses what could not begin soon.

    What operators and channels need goes through whatever happens: health, webhooks, and tokens of the kind ADMIN.
    """

    def __init__(self, app: ASGIApp, clients: Clients, gate: Gate, rates: Rates) -> None:
        self._app = app
        self._clients = clients
        self._gate = gate
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != GUARDED:
            await self._app(scope, receive, send)
            return
        client = scope[CLIENT] = self._clients.of(scope)
        refused = None if client.is_admin else self._refused(client)
        if refused is not None:
            await _refuse(scope, send, refused)
        else:
            await self._app(scope, receive, _telling(scope, send))

    def _refused(self, client: Client) -> RequestError | None:
        return self._rates.spent(client) or (None if self._gate.admits(client.key) else overloaded())


def overloaded() -> RequestError:
    """What is said to whom there is no time for."""
    again = {"retry-after": str(OverloadedError.retry_after)}
    return RequestError(Code.OVERLOADED, "Too much is asked of this gateway at the moment. Try again soon.", again)


def client_of(request: Request) -> Client:
    """Whose request this is."""
    client: Client = request.scope[CLIENT]
    return client


def tell_cost(request: Request, cost: int, most: int) -> None:
    """Have the answer say what the operation costs, and may."""
    request.scope.setdefault(TOLD, []).append((b"graphql-cost", b"%d;max=%d" % (cost, most)))


def tell_standing(request: Request, standing: Standing | None) -> None:
    """Have the answer say what the client has left, if caches do not share it."""
    if standing is not None:
        request.scope.setdefault(TOLD, []).extend(standing.headers)


def _telling(scope: Scope, send: Send) -> Send:
    async def tell(message: Message) -> None:
        told = scope.get(TOLD)
        if told and message["type"] == "http.response.start":
            headers = [*message.get("headers", ())]
            shared = _is_shared(headers)
            also = {name: value for name, value in told if not (shared and name.startswith(b"ratelimit"))}
            message = {**message, "headers": [*headers, *also.items()]}
        await send(message)

    return tell


def _is_shared(headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether others may get this answer from a cache: it tells nothing about one client."""
    return any(name == b"cache-control" and b"public" in value for name, value in headers)


async def _refuse(scope: Scope, send: Send, error: RequestError) -> None:
    body = orjson.dumps(refusal(error, scope["state"]["request_id"]).body)
    accept = b", ".join(value for name, value in scope["headers"] if name == b"accept").decode("latin-1")
    media_type = response_type(accept or None) or JSON  # clients look for a code in no other JSON than they asked for
    headers = [
        (b"content-type", f"{media_type}; charset=utf-8".encode()),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        *((name.encode(), value.encode()) for name, value in error.headers.items()),
    ]
    await send({"type": "http.response.start", "status": error.code.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
