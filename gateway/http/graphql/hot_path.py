"""The hot path: requests that are answered from the response cache, from their bytes to those of the response.

It stands before the middleware and the framework, and passes on what it does not answer, as it has received it. Before
it answers, a request has passed the same checks as on the ordinary path, by the same functions: its id, host, format
and origin, its client, the credentials, rate and cost, and whether the gateway is overloaded. It waits for nothing but
the body, so no deadline can pass meanwhile.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.execution.caching.cache_lifetime import compute_shared_max_age
from gateway.execution.caller import ANONYMOUS
from gateway.execution.errors import QueryError
from gateway.execution.query_runtime import QueryRuntime
from gateway.execution.request import GraphQLRequest
from gateway.execution.response import build_cached_response
from gateway.http.admission.middleware import GRAPHQL_PATH, Admission
from gateway.http.cors import CorsHeaders
from gateway.http.error_handlers import handle_internal_error, handle_storage_outage
from gateway.http.graphql.cache import CacheRequest
from gateway.http.graphql.known_requests import KnownRequests, measure_known_requests
from gateway.http.graphql.ready_responses import ReadyResponses
from gateway.http.graphql.request_head import HeadReader, RequestHead
from gateway.http.request_parsing import parse_body, read_body, read_parameters
from gateway.http.request_state import RequestState, open_state
from gateway.http.responses import respond, respond_to_error
from gateway.storage.errors import StorageUnavailableError

MAX_BODY_BYTES = 20_000
"""Bytes of a body that is parsed here. The ordinary path parses longer ones."""


class ReplayedBody:
    """Receives the body of a request a second time, after it was read."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._body: bytes | None = None

    async def read(self, limit: int) -> bytes:
        """Read the body. Raises as `read_body`."""
        self._body = await read_body(self._receive, limit)
        return self._body

    async def receive(self) -> Message:
        """Receive the body, if it was read, and then what follows."""
        if self._body is None:
            return await self._receive()
        message = {"type": "http.request", "body": self._body, "more_body": False}
        self._body = None
        return message


class HotPath:
    """Answers requests from the response cache, and passes on all others.

    Attributes:
        answered: count of the requests that it has answered.
    """

    def __init__(
        self,
        app: ASGIApp,
        gateway: QueryRuntime,
        admission: Admission,
        ready: ReadyResponses,
        heads: HeadReader,
        cors: CorsHeaders | None,
    ) -> None:
        self._app = app
        self._gateway = gateway
        self._admission = admission
        self._ready = ready
        self._heads = heads
        self._cors = cors
        self._limit = gateway.settings.limits.body_bytes
        self._posted, self._gotten = KnownRequests(), KnownRequests()
        gateway.cache_sizes.add([measure_known_requests(self._posted, self._gotten)])
        self.answered = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != GRAPHQL_PATH:
            await self._app(scope, receive, send)
            return
        body = ReplayedBody(receive)
        response = await self._find_response(scope, body)
        if response is None:
            await self._app(scope, body.receive, send)
        else:
            self.answered += 1
            await response(scope, receive, send)

    async def _find_response(self, scope: Scope, body: ReplayedBody) -> Response | None:
        """Find the response with all its headers. None: the ordinary path responds."""
        head = self._heads.read(scope)
        if head is None:
            return None
        state = open_state(scope)
        if not await self._admission.admit_at_once(scope, state):
            return None
        response = await self._respond(scope, body, state, head)
        if response is not None:
            if self._cors is not None:
                self._cors.set(response.raw_headers, head.origin)
            response.raw_headers.append(state.id_header)
        return response

    async def _respond(
        self, scope: Scope, body: ReplayedBody, state: RequestState, head: RequestHead
    ) -> Response | None:
        try:
            if head.is_post:
                return await self._respond_to_post(body, state, head)
            return await self._respond_to_get(scope, state, head)
        except QueryError as error:
            return await respond_to_error(error, state, head.format)
        except StorageUnavailableError as error:
            return await handle_storage_outage(Request(scope), error)
        except Exception as error:  # noqa: BLE001 no handler of the framework is outside of this
            return await handle_internal_error(Request(scope), error)

    async def _respond_to_post(self, body: ReplayedBody, state: RequestState, head: RequestHead) -> Response | None:
        try:
            text = await body.read(self._limit)
        except QueryError:
            await self._ready.policy.charge(state)
            raise
        known = self._posted.find(text)
        request = known or _parse(text)
        ready = None if request is None else await self._ready.find(request, state, by_get=False)
        if request is None or ready is None:
            return None
        if known is None:
            self._posted.add(text, request)
        return await respond(build_cached_response(ready), head.format, state.headers)

    async def _respond_to_get(self, scope: Scope, state: RequestState, head: RequestHead) -> Response | None:
        now, text = self._gateway.now(), scope["query_string"]
        cache_request = CacheRequest.read_headers(scope, head.format) if state.client.caller is ANONYMOUS else None
        if cache_request is not None:
            not_modified = self._ready.tags.check_not_modified(cache_request, now)
            if not_modified is not None:
                return not_modified
        known = self._gotten.find(text)
        request = known or self._read_parameters(text)
        ready = None if request is None else await self._ready.find(request, state, by_get=True)
        if request is None or ready is None:
            return None
        if known is None:
            self._gotten.add(text, request)
        response = build_cached_response(ready)
        if cache_request is None:
            return await respond(response, head.format, state.headers)
        max_age = await compute_shared_max_age(self._gateway, ready.policy, now, None)
        return await self._ready.tags.respond(response, cache_request, state, max_age, now)

    def _read_parameters(self, text: bytes) -> GraphQLRequest | None:
        try:
            return read_parameters(text, self._limit)
        except QueryError:
            return None


def _parse(text: bytes) -> GraphQLRequest | None:
    """Parse a body, if it is a request and not a batch."""
    if len(text) > MAX_BODY_BYTES:
        return None
    try:
        request = parse_body(text, 0)
    except QueryError:
        return None
    return None if isinstance(request, list) else request
