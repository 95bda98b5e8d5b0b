"""Ready responses: those of the response cache, if nothing has to be waited for (rule E3)."""

from __future__ import annotations

from typing import NamedTuple

from gateway.execution.caching.response_cache import CachedResponse
from gateway.execution.caller import Caller
from gateway.execution.compiler.compiled_operation import find_ready_response
from gateway.execution.persisted.resolver import DocumentResolver, KnownDocument
from gateway.execution.query_runtime import QueryRuntime
from gateway.execution.request import GraphQLRequest
from gateway.http.graphql.cache import EntityTagCache
from gateway.http.graphql.operation_policy import OperationPolicy
from gateway.http.request_state import RequestState


class ReadyResponse(NamedTuple):
    """A response, and the document of its request."""

    document: KnownDocument
    response: CachedResponse


class ReadyResponses:
    """The ready responses of one gateway.

    Attributes:
        tags: entity tags of responses to anonymous GET requests.
    """

    def __init__(self, gateway: QueryRuntime, resolver: DocumentResolver, policy: OperationPolicy) -> None:
        self.resolver = resolver
        self.tags = EntityTagCache()
        self._gateway = gateway
        self._policy = policy

    async def find(self, request: GraphQLRequest, state: RequestState, *, by_get: bool) -> CachedResponse | None:
        """Find the response to a request, after the same checks as before its execution. It needs no slot: nothing is
        computed.

        Raises:
            QueryError: as `OperationPolicy.check`.
        """
        found = self._look_up(request, state.client.caller, by_get)
        if found is None:
            return None
        self.resolver.record_use(found.document)
        await self._policy.check(state, request, found.document.document)
        return found.response

    def look_up_at_once(self, request: GraphQLRequest, caller: Caller, *, by_get: bool) -> ReadyResponse | None:
        """Find the response to a request, if it can be checked by `check_at_once`."""
        return self._look_up(request, caller, by_get) if self._policy.can_check_at_once else None

    def check_at_once(self, request: GraphQLRequest, state: RequestState, found: ReadyResponse) -> None:
        """Check the request as `find` does."""
        self.resolver.record_use(found.document)
        self._policy.check_at_once(state, request, found.document.document)

    def _look_up(self, request: GraphQLRequest, caller: Caller, by_get: bool) -> ReadyResponse | None:
        known = self.resolver.find_known(request, caller)
        if known is None or known.document.plans is None:
            return None
        ready = find_ready_response(self._gateway, known.document.plans, request, caller, by_get=by_get)
        return None if ready is None else ReadyResponse(known, ready)
