"""GraphQL endpoint: GET, HEAD and POST /graphql by the GraphQL-over-HTTP specification.

The path of a request, after the middleware has identified and admitted its client: negotiate the response's format,
parse the request (`request_parsing`), wait for a slot, resolve the document, check limits (`operation_policy`), execute
the operation (`executor`), build the response (`responses`).
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from graphql import GraphQLSchema, OperationType
from starlette.requests import Request
from starlette.responses import Response

from gateway.execution.caching.cache_lifetime import compute_shared_max_age
from gateway.execution.caller import ANONYMOUS
from gateway.execution.context import Context
from gateway.execution.error_codes import Code
from gateway.execution.errors import QueryError
from gateway.execution.executor import build_error_response, execute_operation, get_operation_type
from gateway.execution.query_runtime import QueryRuntime
from gateway.execution.request import GraphQLRequest
from gateway.execution.response import GraphQLResponse, build_cached_response
from gateway.http.errors import ClientDisconnectedError, RequestError
from gateway.http.graphql.cache import CacheRequest
from gateway.http.graphql.csrf import check_csrf
from gateway.http.graphql.operation_policy import OperationPolicy
from gateway.http.graphql.playground import Playground
from gateway.http.graphql.ready_responses import ReadyResponses
from gateway.http.origins import AllowedOrigins
from gateway.http.request_parsing import read_parameters, read_request
from gateway.http.request_state import RequestState, get_state
from gateway.http.responses import (
    GRAPHQL,
    JSON,
    HttpResponse,
    ResponseFormat,
    choose_encoding,
    choose_media_type,
    is_page_request,
    join_header,
    respond,
    respond_to_error,
)

METHODS = ("GET", "HEAD", "POST")

HANDLED_METHODS = (*METHODS, "PUT", "PATCH", "DELETE", "OPTIONS")
"""Methods that the endpoint responds to. Those that are not allowed get a GraphQL error."""

QUERY_PARAMETERS = {"query", "documentId", "extensions"}
"""A GET with one of these parameters is a GraphQL request."""

MAX_PAGE_QUERY = 2_000
"""Bytes of the query string of a request for the playground."""


class GraphQLEndpoint:
    """The GraphQL endpoint of one gateway."""

    def __init__(
        self,
        gateway: QueryRuntime,
        schema: GraphQLSchema,
        policy: OperationPolicy,
        ready: ReadyResponses,
        page: Playground | None,
        origins: AllowedOrigins,
    ) -> None:
        self._gateway = gateway
        self._schema = schema
        self._server = gateway.settings.server
        self._page = page
        self._origins = origins
        self._limits = gateway.settings.limits
        self._policy = policy
        self._ready = ready
        self._cache = ready.tags
        self._resolver = ready.resolver

    async def handle(self, request: Request) -> Response:
        """Respond to one HTTP request."""
        accept, state = join_header(request, "accept"), get_state(request.scope)
        if self._page and self._is_page_candidate(request) and is_page_request(accept):
            return self._page.respond()
        media_type = choose_media_type(accept)
        encoding = choose_encoding(join_header(request, "accept-encoding"))
        response_format = ResponseFormat(media_type or JSON, encoding, self._server.draft_status_codes)
        try:
            if media_type is None:
                raise RequestError(Code.NOT_ACCEPTABLE, f"Available media types: {GRAPHQL} and {JSON}.")
            return await self._handle_method(request, state, response_format)
        except QueryError as error:
            return await respond_to_error(error, state, response_format)

    def _is_page_candidate(self, request: Request) -> bool:
        if request.method not in ("GET", "HEAD"):
            return False
        is_short = len(request.scope["query_string"]) <= MAX_PAGE_QUERY
        return is_short and not QUERY_PARAMETERS & set(request.query_params)

    async def _handle_method(
        self, request: Request, state: RequestState, response_format: ResponseFormat
    ) -> HttpResponse:
        if request.method == "POST":
            return await self._handle_post(request, state, response_format)
        if request.method in METHODS:
            return await self._handle_get(request, state, response_format)
        methods = ", ".join(METHODS)
        raise RequestError(Code.METHOD_NOT_ALLOWED, f"Allowed methods: {methods}.", {"allow": methods})

    async def _handle_post(
        self, request: Request, state: RequestState, response_format: ResponseFormat
    ) -> HttpResponse:
        async with self._policy.charge_on_error(state):
            state.client.require_valid_credentials()
            body = await read_request(request, self._limits.body_bytes, self._server.batching)
        client = state.client
        new_context = partial(
            Context,
            self._gateway,
            client.caller,
            state.request_id,
            client_key=client.key,
            network=client.network,
            used_once=set(),
        )
        if isinstance(body, list):
            responses = [await self._execute_batched(item, new_context(), request, state) for item in body]
            return await respond(responses, response_format, state.headers)
        response = await self._execute(body, new_context(), request, state)
        return await respond(response, response_format, state.headers)

    async def _handle_get(self, request: Request, state: RequestState, response_format: ResponseFormat) -> HttpResponse:
        async with self._policy.charge_on_error(state):
            check_csrf(request, self._origins)
            state.client.require_valid_credentials()
        caller, cache_request = state.client.caller, CacheRequest.read_headers(request.scope, response_format)
        if caller is ANONYMOUS:
            not_modified = self._cache.check_not_modified(cache_request, self._gateway.now())
            if not_modified is not None:
                return not_modified
        async with self._policy.charge_on_error(state):
            graphql_request = read_parameters(request.scope["query_string"], self._limits.body_bytes)
        client = state.client
        context = Context(
            self._gateway, caller, state.request_id, by_get=True, client_key=client.key, network=client.network
        )
        response = await self._execute(graphql_request, context, request, state)
        if caller is ANONYMOUS:
            max_age = await _compute_max_age(response, context)
            return await self._cache.respond(response, cache_request, state, max_age, context.now)
        return await respond(response, response_format, state.headers)

    async def _execute(
        self, graphql_request: GraphQLRequest, context: Context, request: Request, state: RequestState
    ) -> GraphQLResponse:
        ready = await self._ready.find(graphql_request, state, by_get=context.by_get)
        if ready is not None:
            context.cache_policy = ready.policy
            return build_cached_response(ready)
        async with self._policy.acquire_slot(state.client, request.receive) as slot:
            context.slot = slot
            async with self._policy.charge_on_error(state):
                document = await self._resolver.resolve(graphql_request, context.caller)
                kind = get_operation_type(document, graphql_request.operation_name)
                if context.by_get:
                    _check_is_query(kind)
            await self._policy.check(state, graphql_request, document)
            context.document_policy = document.policy
            context.can_yield = kind is OperationType.QUERY
            try:
                async with self._policy.limit_execution(kind, request.receive, document.policy, context.write_permit):
                    return await execute_operation(self._schema, document, context, graphql_request)
            finally:
                state.add_retry_after(context.retry_after)
                context.close()

    async def _execute_batched(
        self, graphql_request: GraphQLRequest, context: Context, request: Request, state: RequestState
    ) -> GraphQLResponse:
        """Execute one request of a batch. Its error leaves the others alone, unless the client has disconnected."""
        try:
            return await self._execute(graphql_request, context, request, state)
        except ClientDisconnectedError:
            raise
        except QueryError as error:
            return build_error_response(error, state.request_id)


async def _compute_max_age(response: GraphQLResponse, context: Context) -> timedelta | None:
    """Compute how long shared caches may store a response; None: not at all."""
    if "errors" in response.body:
        return None
    policy, document = context.cache_policy, context.document_policy
    return await compute_shared_max_age(context.gateway, policy, context.now, document)


def _check_is_query(kind: OperationType | None) -> None:
    if kind not in (None, OperationType.QUERY):
        raise RequestError(Code.METHOD_NOT_ALLOWED, "Only queries can be sent with GET. Use POST.", {"allow": "POST"})
