"""Ready responses: those of the response cache, if nothing has to be waited for (rule E3)."""

from __future__ import annotations

from gateway.execution.caching.response_cache import CachedResponse
from gateway.execution.compiler.compiled_operation import find_ready_response
from gateway.execution.persisted.resolver import DocumentResolver
from gateway.execution.query_runtime import QueryRuntime
from gateway.execution.request import GraphQLRequest
from gateway.http.graphql.cache import EntityTagCache
from gateway.http.graphql.operation_policy import OperationPolicy
from gateway.http.request_state import RequestState


class ReadyResponses:
    """The ready responses of one gateway.

    Attributes:
        tags: entity tags of responses to anonymous GET requests.
        policy: by which requests are checked.
    """

    def __init__(self, gateway: QueryRuntime, resolver: DocumentResolver, policy: OperationPolicy) -> None:
        self.resolver = resolver
        self.tags = EntityTagCache()
        self._responses = gateway.responses
        self.policy = policy

    async def find(self, request: GraphQLRequest, state: RequestState, *, by_get: bool) -> CachedResponse | None:
        """Find the response to a request, after the same checks as before its execution: a slot would be most of the
        work.

        Raises:
            QueryError: as `OperationPolicy.check`.
        """
        if not self.policy.has_free_slot:
            return None
        caller = state.client.caller
        known = self.resolver.find_known(request, caller)
        if known is None or known.document.plans is None:
            return None
        ready = find_ready_response(known.document.plans, self._responses, request, caller, by_get=by_get)
        if ready is not None:
            self.resolver.record_use(known)
            await self.policy.check(state, request, known.document)
        return ready
