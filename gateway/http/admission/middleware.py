"""Admission: rejects GraphQL requests that cannot begin soon, before their body is read. A rejection must be cheap."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.http.admission.fair_queue import AdmissionQueue
from gateway.http.auth import Client, ClientIdentifier
from gateway.http.errors import OverloadedError, RequestError, UnavailableError
from gateway.http.rate_limit.limiter import RateLimiter
from gateway.http.rejection import reject_request
from gateway.http.request_state import get_state
from gateway.storage.errors import StorageUnavailableError

GRAPHQL_PATH = "/graphql"


class AdmissionMiddleware:
    """Identifies the client of a GraphQL request, and rejects the request if it is over a limit or cannot begin soon.

    Operators and channels are always admitted: health checks, webhooks, and tokens of the kind ADMIN.
    """

    def __init__(self, app: ASGIApp, identifier: ClientIdentifier, queue: AdmissionQueue, limiter: RateLimiter) -> None:
        self._app = app
        self._identifier = identifier
        self._queue = queue
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != GRAPHQL_PATH:
            await self._app(scope, receive, send)
            return
        rejection = await self._find_rejection(scope)
        if rejection is None:
            await self._app(scope, receive, send)
        else:
            await reject_request(scope, send, rejection)

    async def _find_rejection(self, scope: Scope) -> RequestError | None:
        """Identify the client. Returns why the request is rejected, or None."""
        try:
            client = get_state(scope).client = await self._identifier.identify(scope)
        except StorageUnavailableError:
            return UnavailableError()
        return None if client.is_admin else self._check(client)

    def _check(self, client: Client) -> RequestError | None:
        return self._limiter.check_exhausted(client) or (
            None if self._queue.can_admit(client.key) else OverloadedError()
        )
