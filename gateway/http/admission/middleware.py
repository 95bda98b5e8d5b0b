"""Admission: rejects GraphQL requests that cannot begin soon, before their body is read. A rejection must be cheap."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.http.admission.fair_queue import AdmissionQueue
from gateway.http.auth import UNIDENTIFIED, Client, ClientIdentifier
from gateway.http.errors import OverloadedError, RequestError, UnavailableError
from gateway.http.rate_limit.limiter import RateLimiter
from gateway.http.rejection import reject_request
from gateway.http.request_state import RequestState, get_state
from gateway.storage.errors import StorageUnavailableError

GRAPHQL_PATH = "/graphql"


class Admission:
    """Identifies the clients of GraphQL requests, and decides which requests are rejected.

    Operators and channels are always admitted: health checks, webhooks, and tokens of the kind ADMIN.
    """

    def __init__(self, identifier: ClientIdentifier, queue: AdmissionQueue, limiter: RateLimiter) -> None:
        self._identifier = identifier
        self._queue = queue
        self._limiter = limiter

    async def find_rejection(self, scope: Scope) -> RequestError | None:
        """Identify the client. Returns why the request is rejected, or None."""
        state = get_state(scope)
        try:
            client = await self._identify(scope, state)
        except StorageUnavailableError:
            return UnavailableError()
        if client.is_admin:
            return None
        return self._limiter.check_exhausted(client) or (
            None if self._queue.can_admit(client.key) else OverloadedError()
        )

    @property
    def is_free(self) -> bool:
        """Whether a request that arrives now waits for no other."""
        return self._queue.is_free

    def admit_at_once(self, scope: Scope, state: RequestState) -> bool:
        """Identify the client. Returns whether it has valid credentials, and its quota is not used up.

        The queue is not asked: to send a response that is ready is cheaper than a rejection, and must not wait for what
        others compute.
        """
        client = self._identifier.identify_at_once(scope)
        if client is None:
            return False
        state.client = client
        return client.is_admin or self._limiter.check_exhausted(client) is None

    async def _identify(self, scope: Scope, state: RequestState) -> Client:
        """Identify the client, once for each request."""
        if state.client is UNIDENTIFIED:
            state.client = await self._identifier.identify(scope)
        return state.client


class AdmissionMiddleware:
    """Rejects requests that are over a limit or cannot begin soon."""

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self._app = app
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != GRAPHQL_PATH:
            await self._app(scope, receive, send)
            return
        rejection = await self._admission.find_rejection(scope)
        if rejection is None:
            await self._app(scope, receive, send)
        else:
            await reject_request(scope, send, rejection)
