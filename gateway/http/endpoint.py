"""POST and GET /graphql, by the GraphQL-over-HTTP specification."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import orjson
from graphql import GraphQLSchema, OperationType
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gateway.execution.answers import Answer, operation_type, refusal, run
from gateway.execution.asked import Asked
from gateway.execution.codes import Code
from gateway.execution.context import Context, Gateway
from gateway.execution.documents import Documents, Prepared
from gateway.execution.errors import QueryError
from gateway.http.auth import Tokens
from gateway.http.negotiation import GRAPHQL, JSON, response_type, wants_page
from gateway.http.page import PAGE, POLICY
from gateway.http.request_ids import request_id
from gateway.http.requests import RequestError, read_request

METHODS = "GET, POST"
HEARD = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""Methods that are answered in our own way, if only to say which ones work."""

_log = logging.getLogger(__name__)


class Endpoint:
    """Answers GraphQL requests to one gateway."""

    def __init__(self, gateway: Gateway, schema: GraphQLSchema) -> None:
        self._gateway = gateway
        self._schema = schema
        self._server = gateway.settings.server
        self._tokens = Tokens(gateway.settings.tokens)
        self._documents = Documents(schema, self._server.max_tokens)

    async def answer(self, request: Request) -> Response:
        """The response to one request."""
        accept = ", ".join(request.headers.getlist("accept")) or None
        if self._is_for_page(request) and wants_page(accept):
            return HTMLResponse(PAGE, headers=POLICY)
        media_type = response_type(accept)
        try:
            if media_type is None:
                raise RequestError(Code.NOT_ACCEPTABLE, f"Only {GRAPHQL} and {JSON} can be answered.")
            return _response(await self._answer(request), media_type)
        except QueryError as error:
            headers = error.headers if isinstance(error, RequestError) else {}
            return _response(refusal(error, request_id(request)), media_type or JSON, headers)

    def _is_for_page(self, request: Request) -> bool:
        return self._server.graphiql and request.method == "GET" and not request.query_params

    async def _answer(self, request: Request) -> Answer:
        if request.method not in METHODS.split(", "):
            raise RequestError(Code.METHOD_NOT_ALLOWED, "Only GET and POST.", {"allow": METHODS})
        caller = self._tokens.caller(_authorization(request))
        asked = await read_request(request, self._server.max_body_bytes)
        context = Context(self._gateway, caller, request_id(request), by_get=request.method == "GET")
        return await self._run(asked, context)

    async def _run(self, asked: Asked, context: Context) -> Answer:
        prepared = await self._documents.resolve(asked, context.caller)
        if context.by_get:
            _check_safe(prepared, asked.operation_name)
        return await run(self._schema, prepared, context, asked.variables, asked.operation_name)


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
    return _response(refusal(told, request_id(request)), JSON)


async def missing(request: Request, _error: Exception) -> Response:
    """There is nothing at this address."""
    told = RequestError(Code.NOT_FOUND, "There is nothing here; queries go to /graphql.")
    return _response(refusal(told, request_id(request)), JSON)


def _response(answer: Answer, media_type: str, headers: Mapping[str, str] | None = None) -> Response:
    always = {"content-type": f"{media_type}; charset=utf-8", "vary": "Accept, Authorization", **(headers or {})}
    return Response(orjson.dumps(answer.body), _status(answer, media_type), always)


def _status(answer: Answer, media_type: str) -> int:
    if answer.refused is None or (media_type == JSON and answer.refused.value.lenient):
        return 200
    return answer.refused.status
