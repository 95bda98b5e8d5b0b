"""POST and GET /graphql (and HEAD, which is GET without the body), by the GraphQL-over-HTTP specification."""

from __future__ import annotations

import logging
from functools import partial

from graphql import GraphQLSchema, OperationType
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gateway.execution.answers import Answer, operation_type, refusal, run
from gateway.execution.asked import Asked
from gateway.execution.caller import ANONYMOUS, Caller
from gateway.execution.codes import Code
from gateway.execution.context import Context, Gateway
from gateway.execution.documents import Documents, Prepared
from gateway.execution.errors import QueryError
from gateway.execution.persisted import Persisted
from gateway.http.auth import Tokens
from gateway.http.caching import Caching, Wanted
from gateway.http.compression import encoding_for
from gateway.http.crossing import check_crossing
from gateway.http.guard import Guard
from gateway.http.negotiation import GRAPHQL, JSON, response_type, wants_page
from gateway.http.page import PAGE, POLICY
from gateway.http.request_ids import request_id
from gateway.http.requests import RequestError, read_parameters, read_request
from gateway.http.responses import Form, respond
from gateway.http.staying import LeftError

METHODS = "GET, HEAD, POST"
HEARD = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""Methods that are answered in our own way, if only to say which ones work."""

ASKING = {"query", "documentId", "extensions"}
"""Parameters of a GET that asks something."""

LONGEST_LINK = 2_000
"""Characters of the parameters of one that asks for the page."""

_log = logging.getLogger(__name__)


class Endpoint:
    """Answers GraphQL requests to one gateway."""

    def __init__(self, gateway: Gateway, schema: GraphQLSchema, guard: Guard) -> None:
        self._gateway = gateway
        self._schema = schema
        self._server = gateway.settings.server
        self._tokens = Tokens(gateway.settings.tokens)
        self._limits = gateway.settings.limits
        self._guard = guard
        self._caching = Caching()
        documents = Documents(schema, self._limits, suggests=self._server.is_open)
        self._persisted = Persisted(documents, gateway.registry, gateway.settings.documents)

    async def answer(self, request: Request) -> Response:
        """The response to one request."""
        accept = _joined(request, "accept")
        if self._is_for_page(request) and wants_page(accept):
            return HTMLResponse(PAGE, headers=POLICY)
        media_type = response_type(accept)
        encoding = encoding_for(_joined(request, "accept-encoding"))
        form = Form(media_type or JSON, encoding, self._server.draft_status_codes)
        try:
            if media_type is None:
                raise RequestError(Code.NOT_ACCEPTABLE, f"Only {GRAPHQL} and {JSON} can be answered.")
            return await self._answer(request, form)
        except QueryError as error:
            headers = error.headers if isinstance(error, RequestError) else None
            return await respond(refusal(error, request_id(request)), form, headers)

    def _is_for_page(self, request: Request) -> bool:
        if not self._server.shows_page or request.method not in ("GET", "HEAD"):
            return False
        return len(request.scope["query_string"]) <= LONGEST_LINK and not ASKING & set(request.query_params)

    async def _answer(self, request: Request, form: Form) -> Response:
        if request.method not in METHODS.split(", "):
            raise RequestError(Code.METHOD_NOT_ALLOWED, f"Only {METHODS}.", {"allow": METHODS})
        async with self._guard.charging(request):
            check_crossing(request, self._server.cors.origins)
            caller = self._tokens.caller(_authorization(request))
        if request.method != "POST":
            return await self._answer_get(request, form, caller)
        async with self._guard.charging(request):
            asked = await read_request(request, self._limits.body_bytes, self._server.batching)
        context = partial(Context, self._gateway, caller, request_id(request))
        if isinstance(asked, list):
            return await respond([await self._settled(one, context(), request) for one in asked], form)
        return await respond(await self._run(asked, context(), request), form)

    async def _answer_get(self, request: Request, form: Form, caller: Caller) -> Response:
        wanted = Wanted.by(request, form)
        if caller is ANONYMOUS and (known := self._caching.unchanged(wanted, self._gateway.now())) is not None:
            return known
        async with self._guard.charging(request):
            asked = read_parameters(request, self._limits.body_bytes)
        context = Context(self._gateway, caller, request_id(request), by_get=True)
        answer = await self._run(asked, context, request)
        if caller is ANONYMOUS:
            return await self._caching.respond(answer, wanted, context)
        return await respond(answer, form)

    async def _run(self, asked: Asked, context: Context, request: Request) -> Answer:
        async with self._guard.turn(request) as context.place:
            async with self._guard.charging(request):
                prepared = await self._persisted.resolve(asked, context.caller)
                if context.by_get:
                    _check_safe(prepared, asked.operation_name)
            await self._guard.check(request, asked, prepared, context.caller)
            kind = operation_type(prepared, asked.operation_name)
            context.stands_back = kind is OperationType.QUERY
            try:
                async with self._guard.watch(request, kind):
                    return await run(self._schema, prepared, context, asked.variables, asked.operation_name)
            finally:
                context.give_up()

    async def _settled(self, asked: Asked, context: Context, request: Request) -> Answer:
        """The answer to one of a batch, which the others do not depend on; unless nobody waits for any of them."""
        try:
            return await self._run(asked, context, request)
        except LeftError:
            raise
        except QueryError as error:
            return refusal(error, context.request_id)


def _joined(request: Request, name: str) -> str | None:
    return ", ".join(request.headers.getlist(name)) or None


def _check_safe(prepared: Prepared, name: str | None) -> None:
    """What comes with GET changes nothing."""
    if operation_type(prepared, name) not in (None, OperationType.QUERY):
        raise RequestError(Code.METHOD_NOT_ALLOWED, "Only queries can be sent with GET.", {"allow": "POST"})


def _authorization(request: Request) -> str | None:
    found = request.headers.getlist("authorization")
    if len(found) > 1:  # whoever stands in front of us may have believed the other one
        raise RequestError(Code.BAD_REQUEST, "Expected one Authorization header.")
    return found[0] if found else None


async def broken(request: Request, error: Exception) -> Response:
    """What a client gets when we fail; what failed stands in the log."""
    _log.error("request %s failed", request_id(request), exc_info=error)
    told = RequestError(Code.INTERNAL_SERVER_ERROR, "Something went wrong here. The request id tells us what.")
    return await respond(refusal(told, request_id(request)), _plain(request))


async def missing(request: Request, _error: Exception) -> Response:
    """There is nothing at this address."""
    told = RequestError(Code.NOT_FOUND, "There is nothing here; queries go to /graphql.")
    return await respond(refusal(told, request_id(request)), _plain(request))


async def misused(request: Request, error: Exception) -> Response:
    """What is at this address does not have this method."""
    told = RequestError(Code.METHOD_NOT_ALLOWED, "This method does not work here.")
    return await respond(refusal(told, request_id(request)), _plain(request), getattr(error, "headers", None))


def _plain(request: Request) -> Form:
    """As the client wants it, where that can be."""
    return Form(response_type(_joined(request, "accept")) or JSON)
