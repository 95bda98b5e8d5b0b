"""POST and GET /graphql, by the GraphQL-over-HTTP specification."""

from __future__ import annotations

import orjson
from graphql import GraphQLSchema, OperationType
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gateway.execution.answers import INTERNAL, Answer, operation_type, refusal, run
from gateway.execution.context import Context, Gateway
from gateway.execution.documents import Documents
from gateway.http.auth import Tokens
from gateway.http.negotiation import GRAPHQL, JSON, response_type, wants_page
from gateway.http.page import PAGE, POLICY
from gateway.http.requests import RequestError, read_request

METHODS = "GET, POST"
HEARD = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""Methods that are answered in our own way, if only to say which ones work."""


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
        if media_type is None:
            message = f"Only {GRAPHQL} and {JSON} can be answered."
            return _response(refusal(message, "NOT_ACCEPTABLE"), 406, JSON)
        try:
            answer = await self._answer(request)
        except RequestError as error:
            return _response(refusal(str(error), error.code), error.status, media_type, error.headers)
        return _response(answer, 200 if answer.ran or media_type == JSON else 400, media_type)

    def _is_for_page(self, request: Request) -> bool:
        return self._server.graphiql and request.method == "GET" and "query" not in request.query_params

    async def _answer(self, request: Request) -> Answer:
        if request.method not in METHODS.split(", "):
            raise RequestError(405, "Only GET and POST.", headers={"allow": METHODS})
        caller = self._tokens.caller(_authorization(request))
        asked = await read_request(request, self._server.max_body_bytes)
        prepared = self._documents.prepare(asked.query)
        kind = operation_type(prepared, asked.operation_name)
        if request.method == "GET" and kind not in (None, OperationType.QUERY):
            raise RequestError(405, "Only queries can be sent with GET.", headers={"allow": "POST"})
        context = Context(self._gateway, caller, by_get=request.method == "GET")
        return await run(self._schema, prepared, context, asked.variables, asked.operation_name)


def _authorization(request: Request) -> str | None:
    found = request.headers.getlist("authorization")
    if len(found) > 1:  # whoever stands in front of us may have believed the other one
        raise RequestError(400, "Expected one Authorization header.")
    return found[0] if found else None


async def broken(_request: Request, _error: Exception) -> Response:
    """What a client gets when we fail; what failed stands in the server's log."""
    return _response(refusal("Something went wrong here.", INTERNAL), 500, JSON)


async def missing(_request: Request, _error: Exception) -> Response:
    """There is nothing at this address."""
    return _response(refusal("There is nothing here; queries go to /graphql.", "NOT_FOUND"), 404, JSON)


def _response(answer: Answer, status: int, media_type: str, headers: dict[str, str] | None = None) -> Response:
    always = {"content-type": f"{media_type}; charset=utf-8", "vary": "Accept, Authorization", **(headers or {})}
    return Response(orjson.dumps(answer.body), status, always)
