"""The hot path: requests that are answered from the response cache, from their bytes to those of the response.

It runs before the middleware and the framework, and passes on unchanged what it does not answer. Before it answers, a
request has passed the same checks as on the ordinary path, by the same functions: its id, host, format and origin, its
client, the credentials, rate and cost. It waits for nothing, so no deadline can pass and no client disconnect
meanwhile: `Connection` asks it before there is a task for the request. It takes no slot, however many requests run and
wait: to send a response that is ready is cheaper than to reject a request. While no slot is free, it parses nothing.
"""

from __future__ import annotations

import asyncio
import logging

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.execution.caching.cache_lifetime import compute_max_age_at_once
from gateway.execution.caller import ANONYMOUS
from gateway.execution.errors import QueryError
from gateway.execution.query_runtime import QueryRuntime
from gateway.execution.request import GraphQLRequest
from gateway.execution.response import build_cached_response
from gateway.http import request_parsing
from gateway.http.admission.middleware import GRAPHQL_PATH, Admission
from gateway.http.cors import CorsHeaders
from gateway.http.graphql.cache import CacheRequest
from gateway.http.graphql.known_requests import KnownRequests, measure_known_requests
from gateway.http.graphql.ready_responses import ReadyResponse, ReadyResponses
from gateway.http.graphql.request_head import HeadReader, RequestHead
from gateway.http.request_parsing import parse_body, read_parameters
from gateway.http.request_state import RequestState, open_state
from gateway.http.responses import can_respond_at_once, respond_at_once, respond_to_error_at_once

MAX_BODY_BYTES = 20_000
"""Bytes of a body that is parsed here. The ordinary path parses longer ones."""

_log = logging.getLogger(__name__)


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
        """Handle a request of any server. Not every server asks `answer_at_once` itself."""
        if scope["type"] != "http" or scope["path"] != GRAPHQL_PATH or _has_been_tried(scope):
            await self._app(scope, receive, send)
            return
        received: list[Message] = []
        body = None if self._heads.read(scope) is None else await _receive_body(receive, received)
        response = None if body is None else self.answer_at_once(scope, body)
        if response is None:
            await self._app(scope, _replay(received, receive), send)
        else:
            await response(scope, receive, send)

    def answer_at_once(self, scope: Scope, body: bytes) -> Response | None:
        """Return the response to a request with this body, with all its headers. None: the ordinary path responds."""
        try:
            return self._answer(scope, body)
        except Exception as error:  # noqa: BLE001 the ordinary path meets it again, or does not
            _log.error("the hot path failed", exc_info=error)
            return None

    def _answer(self, scope: Scope, body: bytes) -> Response | None:
        head = self._heads.read(scope) if scope["path"] == GRAPHQL_PATH else None
        if head is None:
            return None
        state = open_state(scope)
        state.was_tried = True
        if not self._admission.admit_at_once(scope, state):
            return None
        response = self._respond(scope, body, state, head)
        if response is not None:
            self.answered += 1
            if self._cors is not None:
                self._cors.set(response.raw_headers, head.origin)
            response.raw_headers.append(state.id_header)
        return response

    def _respond(self, scope: Scope, body: bytes, state: RequestState, head: RequestHead) -> Response | None:
        try:
            if head.is_post:
                return self._respond_to_post(body, state, head)
            return self._respond_to_get(scope, state, head)
        except QueryError as error:
            return respond_to_error_at_once(error, state, head.format)

    def _respond_to_post(self, body: bytes, state: RequestState, head: RequestHead) -> Response | None:
        request = self._posted.find(body)
        known = request is not None
        request = request or self._parse(body)
        found = None if request is None else self._look_up(request, state, head)
        if request is None or found is None:
            return None
        self._ready.check_at_once(request, state, found)
        if not known:
            self._posted.add(body, request)
        return respond_at_once(build_cached_response(found.response), head.format, state.headers)

    def _respond_to_get(self, scope: Scope, state: RequestState, head: RequestHead) -> Response | None:
        if state.client.caller is not ANONYMOUS:
            return self._respond_to_authorized_get(scope["query_string"], state, head)
        now, cache_request = self._gateway.now(), CacheRequest.read_headers(scope, head.format)
        not_modified = self._ready.tags.check_not_modified(cache_request, now)
        if not_modified is not None:
            return not_modified
        request = self._read_parameters(scope["query_string"])
        found = None if request is None else self._look_up(request, state, head)
        max_age = None if found is None else compute_max_age_at_once(self._gateway, found.response.policy, now)
        if request is None or found is None or max_age is None:
            return None
        self._ready.check_at_once(request, state, found)
        self._gotten.add(scope["query_string"], request)
        response = build_cached_response(found.response)
        return self._ready.tags.respond_at_once(response, cache_request, state, max_age, now)

    def _respond_to_authorized_get(self, text: bytes, state: RequestState, head: RequestHead) -> Response | None:
        request = self._read_parameters(text)
        found = None if request is None else self._look_up(request, state, head)
        if request is None or found is None:
            return None
        self._ready.check_at_once(request, state, found)
        self._gotten.add(text, request)
        return respond_at_once(build_cached_response(found.response), head.format, state.headers)

    def _look_up(self, request: GraphQLRequest, state: RequestState, head: RequestHead) -> ReadyResponse | None:
        """Find the response to a request, if nothing remains to be done for it but the checks."""
        found = self._ready.look_up_at_once(request, state.client.caller, by_get=not head.is_post)
        return found if found is not None and can_respond_at_once(found.response, head.format) else None

    def _read_parameters(self, text: bytes) -> GraphQLRequest | None:
        known = self._gotten.find(text)
        if known is not None or not self._admission.is_free:
            return known
        try:
            return read_parameters(text, self._limit)
        except QueryError:
            return None

    def _parse(self, text: bytes) -> GraphQLRequest | None:
        """Parse a body, if it is a request and not a batch, and the gateway has time for it."""
        if len(text) > min(MAX_BODY_BYTES, self._limit) or not self._admission.is_free:
            return None
        try:
            request = parse_body(text, 0)
        except QueryError:
            return None
        return None if isinstance(request, list) else request


def _has_been_tried(scope: Scope) -> bool:
    state: RequestState | None = scope.get("state", {}).get("request")
    return state is not None and state.was_tried


async def _receive_body(receive: Receive, received: list[Message]) -> bytes | None:
    """Receive the body of a request. None: it is long, slow or incomplete, and the ordinary path handles it.

    Args:
        received: gets all messages, for the ordinary path.
    """
    body, is_open = b"", True
    try:
        async with asyncio.timeout(request_parsing.BODY_TIMEOUT):
            while is_open and len(body) <= MAX_BODY_BYTES:
                received.append(message := await receive())
                body, is_open = body + message.get("body", b""), message.get("more_body", False)
    except TimeoutError:
        return None
    return None if is_open or received[-1]["type"] != "http.request" else body


def _replay(messages: list[Message], receive: Receive) -> Receive:
    """Build what receives these messages, and then what follows."""

    async def receive_again() -> Message:
        return messages.pop(0) if messages else await receive()

    return receive_again
