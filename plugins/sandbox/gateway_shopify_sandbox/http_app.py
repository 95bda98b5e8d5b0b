"""HTTP app of the sandbox, with its faults."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gateway_shopify_sandbox.api import Answer, Api, find_operation
from gateway_shopify_sandbox.customers.customer_accounts import CustomerLogins
from gateway_shopify_sandbox.oauth import AppAuthorization
from gateway_shopify_sandbox.state import API_VERSION

SLOW_SECONDS = 3.0
"""Delay of a response with the fault of that name, in seconds."""

ResponseOverride = Callable[[str, Answer], Any]
"""Replaces a response: takes the name of the operation and the response, returns other data or bytes."""


@dataclass(slots=True)
class HttpBehavior:
    """Behavior of the sandbox: its fault, and overrides by a test.

    Attributes:
        operations: The executed operations, in order.
        lost_responses: Operations whose next response is lost, and whether they are executed all the same.
        open_requests: Number of requests without a response yet.
        rejected_requests: Number of the next requests that are rejected as too many a second, before they are executed.
    """

    fault: str = "ok"
    response_override: ResponseOverride | None = None
    operations: list[str] = field(default_factory=list)
    lost_responses: dict[str, bool] = field(default_factory=dict)
    open_requests: int = 0
    rejected_requests: int = 0
    fault_changed: asyncio.Event = field(default_factory=asyncio.Event)

    def set_fault(self, mode: str) -> None:
        """Set the fault and release all requests that wait."""
        self.fault = mode
        self.fault_changed.set()
        self.fault_changed = asyncio.Event()


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """A GraphQL request. `name`: of the operation to run; None: the only one."""

    query: str
    name: str | None
    variables: Mapping[str, Any]


class TruncatedResponse(Response):
    """A response that ends in the middle."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        body = bytes(self.body)
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        raise ConnectionResetError("the sandbox closes the connection in the middle of a response")


def build_app(api: Api, app: AppAuthorization, behavior: HttpBehavior, logins: CustomerLogins) -> Starlette:
    """Build the app with its routes."""

    async def serve(request: Request) -> Response:
        behavior.open_requests += 1
        try:
            response = await _serve_request(api, app.token, behavior, request)
        finally:
            behavior.open_requests -= 1
        response.headers["x-shopify-api-version"] = API_VERSION
        response.headers["x-request-id"] = str(uuid.uuid4())
        return response

    async def refuse(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        return _build_error(HTTPStatus(status).phrase, status)

    async def authorize(request: Request) -> Response:
        return app.authorize(request.query_params)

    async def grant(request: Request) -> Response:
        return app.grant(await request.body())

    routes = [
        Route(f"/admin/api/{API_VERSION}/graphql.json", serve, methods=["POST"]),
        logins.build_route(),
        Route("/admin/oauth/authorize", authorize),
        Route("/admin/oauth/access_token", grant, methods=["POST"]),
    ]
    return Starlette(routes=routes, exception_handlers={404: refuse, 405: refuse})


async def _serve_request(api: Api, token: str, behavior: HttpBehavior, request: Request) -> Response:
    if behavior.fault == "hang":
        await behavior.fault_changed.wait()
    if behavior.fault == "slow":
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(behavior.fault_changed.wait(), SLOW_SECONDS)
    given_token = request.headers.get("x-shopify-access-token", "")
    if behavior.fault == "auth" or not hmac.compare_digest(given_token.encode(), token.encode()):
        return _build_error("[API] Invalid API key or access token (unrecognized login or wrong password)", 401)
    if behavior.fault == "error":
        return _build_error("Internal Server Error", 500)
    if behavior.fault == "garbage":
        return HTMLResponse("<!doctype html><title>Something went wrong</title>")
    if behavior.rejected_requests:
        behavior.rejected_requests -= 1
        return JSONResponse({"errors": "Exceeded the number of requests per second"}, 429, {"retry-after": "1"})
    api.is_drained = behavior.fault == "throttle"
    parsed = _parse_request(await request.body())
    return parsed if isinstance(parsed, Response) else _run_operation(api, behavior, parsed)


def _build_error(errors: object, status: int) -> Response:
    return JSONResponse({"errors": errors}, status)


def _parse_request(body: bytes) -> GraphQLRequest | Response:
    """Parse the body of a request, or return the error response for it."""
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        return _build_error("Bad Request", 400)
    query, name, variables = given.get("query"), given.get("operationName"), given.get("variables")
    if not isinstance(query, str) or not query.strip():
        return _build_error({"query": "Required parameter missing or invalid"}, 400)
    if not isinstance(name, str | None) or not isinstance(variables, dict | None):
        return _build_error({"variables": "Required parameter missing or invalid"}, 400)
    return GraphQLRequest(query, name or None, variables or {})


def _run_operation(api: Api, behavior: HttpBehavior, request: GraphQLRequest) -> Response:
    name = _get_operation_name(request)
    lost = behavior.lost_responses.pop(name, None)
    if lost is False:
        return TruncatedResponse(b"the request was lost")
    answer: Any = api.execute(request.query, request.name, request.variables)
    behavior.operations.append(name)
    if behavior.response_override is not None:
        answer = behavior.response_override(name, answer)
    content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    response_type = TruncatedResponse if lost or behavior.fault == "half" else Response
    return response_type(content, media_type="application/json")


def _get_operation_name(request: GraphQLRequest) -> str:
    operation = find_operation(request.query, request.name)
    return request.name or (operation.name.value if operation is not None and operation.name is not None else "")
