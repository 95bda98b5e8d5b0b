"""What every operation passes before it is run, and what ends it: its turn, its limits, its cost, its client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

from graphql import OperationType
from starlette.requests import Request

from gateway.execution.asked import Asked
from gateway.execution.caller import SEES_SCHEMA, Caller
from gateway.execution.context import Alone, Gateway, Place
from gateway.execution.documents import Prepared, cost_of
from gateway.execution.errors import IntrospectionError, QueryError
from gateway.execution.limits import check_cost, check_variables
from gateway.http.admission import client_of, overloaded, tell_cost, tell_standing
from gateway.http.clients import Client
from gateway.http.gate import Gate, OverloadedError
from gateway.http.rates import Rates
from gateway.http.staying import staying
from gateway.http.turn import Turn


class Guard:
    """Guards one gateway."""

    def __init__(self, gateway: Gateway, gate: Gate, rates: Rates) -> None:
        self._limits = gateway.settings.limits
        self._is_open = gateway.settings.server.is_open
        self._gate = gate
        self._rates = rates

    @asynccontextmanager
    async def turn(self, request: Request) -> AsyncIterator[Place]:
        """An operation's turn to be worked on; gives its place.

        Raises:
            RequestError: there is none soon, or the client has left before it came.
        """
        client = client_of(request)
        if client.is_admin:
            yield Alone()
            return
        place = Turn(self._gate, client.key)
        try:
            async with nullcontext() if self._gate.is_free else staying(request.receive):
                await place.begin()
        except OverloadedError as error:
            raise overloaded() from error
        try:
            yield place
        finally:
            place.end()

    @asynccontextmanager
    async def charging(self, request: Request) -> AsyncIterator[None]:
        """What is refused inside is counted all the same: looking at it is some work, too.

        Raises:
            RateLimitedError: this client has too little left.
        """
        try:
            yield
        except QueryError:
            await self.charge(request)
            raise

    async def charge(self, request: Request, cost: int = 0) -> None:
        """Count what a request costs, if only that it was looked at.

        Raises:
            RateLimitedError: this client has too little left.
        """
        tell_standing(request, await self._rates.charge(client_of(request), cost))

    async def check(self, request: Request, asked: Asked, prepared: Prepared, caller: Caller) -> None:
        """Count what the operation costs, and check that it may be run.

        Raises:
            QueryError: it may not, or costs too much, for one operation or for this client.
        """
        client, cost = client_of(request), cost_of(prepared, asked)
        most = self._most(client)
        await self.charge(request, cost if cost <= most else 0)
        check_variables(asked.variables, self._limits)
        if prepared.introspects and not (self._is_open or caller.may(SEES_SCHEMA)):
            raise IntrospectionError
        if prepared.prices:
            tell_cost(request, cost, most)
        check_cost(cost, most)

    def _most(self, client: Client) -> int:
        """What one operation may cost: never more than all of a minute, or waiting would be no help."""
        allowance = self._limits.known if client.is_known else self._limits.anonymous
        return min(allowance.cost, self._rates.largest(client))

    def watch(self, request: Request, kind: OperationType | None) -> AbstractAsyncContextManager[None]:
        """A query is given up when its client leaves, or after its deadline. A mutation is carried through."""
        if kind is OperationType.MUTATION:
            return nullcontext()
        return staying(request.receive, self._limits.deadline.total_seconds())
