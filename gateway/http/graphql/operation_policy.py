"""Operation policy: slot, rate limit, cost, introspection and deadline of every operation."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

from graphql import OperationType
from starlette.types import Receive

from gateway.execution.caller import SCHEMA_SCOPE
from gateway.execution.context import ExecutionSlot, UnlimitedSlot
from gateway.execution.document_cache import PreparedDocument, compute_cost
from gateway.execution.errors import IntrospectionError, QueryError
from gateway.execution.limits import check_cost, check_variables
from gateway.execution.query_runtime import QueryRuntime
from gateway.execution.request import GraphQLRequest
from gateway.execution.write_permit import WritePermit
from gateway.http.admission.disconnect import cancel_before_write, cancel_on_disconnect
from gateway.http.admission.fair_queue import AdmissionQueue
from gateway.http.admission.slot import RequestSlot
from gateway.http.auth import Client
from gateway.http.rate_limit.limiter import RateLimiter, RateLimitStatus
from gateway.http.request_state import RequestState
from gateway.model.documents import DocumentPolicy


class OperationPolicy:
    """The policy of one gateway."""

    def __init__(self, gateway: QueryRuntime, queue: AdmissionQueue, limiter: RateLimiter) -> None:
        self._limits = gateway.settings.limits
        self._deadline = gateway.settings.limits.deadline.total_seconds()
        self._is_open = gateway.settings.server.exposes_schema
        self._queue = queue
        self._limiter = limiter

    @asynccontextmanager
    async def acquire_slot(self, client: Client, receive: Receive) -> AsyncIterator[ExecutionSlot]:
        """Wait for a slot, and hold it inside the `with` statement.

        Raises:
            RequestError: no slot is free soon, or the client disconnects while it waits.
        """
        if client.is_admin:
            yield UnlimitedSlot()
            return
        slot = RequestSlot(self._queue, client.key)
        async with nullcontext() if self._queue.is_free else cancel_on_disconnect(receive):
            await slot.begin()
        try:
            yield slot
        finally:
            slot.end()

    @asynccontextmanager
    async def charge_on_error(self, state: RequestState) -> AsyncIterator[None]:
        """Charge a request that is rejected inside the `with` statement: to examine it is work, too.

        Raises:
            RateLimitedError: the client's quota does not suffice.
        """
        try:
            yield
        except QueryError:
            await self.charge(state)
            raise

    async def charge(self, state: RequestState, cost: int = 0) -> None:
        """Charge a request whose operation has this cost.

        Raises:
            RateLimitedError: the client's quota does not suffice.
        """
        _report(state, await self._limiter.charge(state.client, cost))

    async def check(self, state: RequestState, request: GraphQLRequest, document: PreparedDocument) -> None:
        """Charge the operation, and check that it may be executed.

        Raises:
            QueryError: the operation exceeds a limit, or the client's quota, or is not allowed for the caller.
        """
        async with self.charge_on_error(state):
            cost = compute_cost(document, request)
        limit = self._get_cost_limit(state.client)
        await self.charge(state, _limit_charge(cost, limit))
        self._accept(state, request, document, cost, limit)

    @property
    def can_check_at_once(self) -> bool:
        """Whether nothing has to be waited for in order to charge an operation."""
        return self._limiter.is_local

    def check_at_once(self, state: RequestState, request: GraphQLRequest, document: PreparedDocument) -> None:
        """Charge the operation in this process, and check it as `check` does."""
        cost, limit = compute_cost(document, request), self._get_cost_limit(state.client)
        _report(state, self._limiter.charge_locally(state.client, _limit_charge(cost, limit)))
        self._accept(state, request, document, cost, limit)

    def _accept(
        self, state: RequestState, request: GraphQLRequest, document: PreparedDocument, cost: int, limit: int
    ) -> None:
        check_variables(request.variables, self._limits)
        if document.has_introspection and not (self._is_open or state.client.caller.has_scope(SCHEMA_SCOPE)):
            raise IntrospectionError
        if document.costs:
            state.add_cost_header(cost, limit)
        check_cost(cost, limit)

    def _get_cost_limit(self, client: Client) -> int:
        """Never more than the quota of a minute: the client could not wait until the operation fits."""
        allowance = self._limits.known if client.is_known else self._limits.anonymous
        return min(allowance.cost, self._limiter.get_max_cost(client))

    def limit_execution(
        self, kind: OperationType | None, receive: Receive, policy: DocumentPolicy | None, permit: WritePermit
    ) -> AbstractAsyncContextManager[None]:
        """Cancel an operation when its client disconnects, and at its deadline: a mutation until it begins to write.

        Args:
            policy: of the document, whose deadline precedes that of the configuration.
        """
        deadline = (None if policy is None else policy.deadline_seconds) or self._deadline
        if kind is OperationType.MUTATION:
            return cancel_before_write(receive, deadline, permit)
        return cancel_on_disconnect(receive, deadline)


def _limit_charge(cost: int, limit: int) -> int:
    """An operation that is too dear is not executed: it costs as much as any request."""
    return cost if cost <= limit else 0


def _report(state: RequestState, status: RateLimitStatus | None) -> None:
    if status is not None:
        state.rate_limit_headers = status.headers
