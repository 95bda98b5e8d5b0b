"""HTTP app of the sandbox: Login with Amazon, rate limits, and simulated faults."""

from __future__ import annotations

import asyncio
import copy
import functools
import json
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway_amazon_sandbox.errors import RejectedRequestError, make_invalid_input
from gateway_amazon_sandbox.feed_processing import SIGNATURE, FeedQueue
from gateway_amazon_sandbox.login import AccessTokens, LoginError
from gateway_amazon_sandbox.operations import Operations
from gateway_amazon_sandbox.parameters import parse_query
from gateway_amazon_sandbox.rate_limits import RateBucket, SandboxClock, build_buckets
from gateway_amazon_sandbox.state import Shape

Operation = Callable[..., Shape]
"""An operation: takes the query, the path parameters and, for a write, the body."""

ResponseOverride = Callable[[Shape], Any]
RATE_HEADER, REQUEST_ID_HEADER = "x-amzn-RateLimit-Limit", "x-amzn-RequestId"
UNRATED_STATUSES = (403, 413, 415, 429, 500, 503)
"""Statuses of responses that do not state the rate limit, as in Amazon's models."""

WRITES = ("patchListingsItem", "createFeed", "createFeedDocument")
GARBAGE = b"<!doctype html><html><body><h1>Service is being maintained</h1></body></html>"


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A received request and its response. `path`: as encoded in the request; `body`: None if there was none."""

    operation: str
    path: str
    query: Mapping[str, str]
    body: Any
    at: float
    status: int
    response: bytes


class HttpApp:
    """The HTTP app of the sandbox.

    Attributes:
        requests: The latest requests.
        lost_responses: Operations whose next response is lost, and whether they are executed all the same.
        response_overrides: Functions that replace the responses of operations; if they return None, the response
            stays; bytes are sent unchanged.
        fault: The active fault.
        slow_seconds: Delay of responses with the fault of that name.
    """

    def __init__(self, api: Operations, feeds: FeedQueue, times: SandboxClock) -> None:
        self.requests: deque[RecordedRequest] = deque(maxlen=20_000)
        self.lost_responses: dict[str, bool] = {}
        self.response_overrides: dict[str, ResponseOverride] = {}
        self.fault = "ok"
        self.slow_seconds = 3.0
        self.fault_cleared = asyncio.Event()
        self.tokens = AccessTokens(times)
        self._operations, self._feeds, self._times = api, feeds, times
        self._buckets: dict[str, RateBucket] = build_buckets(times.get_scaled_seconds)

    def build_app(self) -> ASGIApp:
        """Build the app with all routes."""
        listings, orders = "/listings/2021-08-01/items/{seller}", "/orders/2026-01-01/orders"
        api = self._operations
        routes = [
            Route("/auth/o2/token", self._issue_token, methods=["POST"]),
            Route(listings, self._serve_operation("searchListingsItems", api.search_listings)),
            Route(f"{listings}/{{sku:path}}", self._serve_operation("getListingsItem", api.get_listing)),
            Route(
                f"{listings}/{{sku:path}}",
                self._serve_operation("patchListingsItem", api.patch_listing),
                methods=["PATCH"],
            ),
            Route(
                "/fba/inventory/v1/summaries",
                self._serve_operation("getInventorySummaries", api.get_inventory_summaries),
            ),
            Route(orders, self._serve_operation("searchOrders", api.search_orders)),
            Route(f"{orders}/{{order:path}}", self._serve_operation("getOrder", api.get_order)),
        ]
        handlers: dict[Any, Any] = {HTTPException: reject_unknown_route}
        app = Starlette(routes=[*routes, *self._build_feed_routes()], exception_handlers=handlers)
        app.router.redirect_slashes = False
        return FaultMiddleware(app, self)

    def _build_feed_routes(self) -> list[Route]:
        feeds, base = self._feeds, "/feeds/2021-06-30"
        documents = self._serve_operation("createFeedDocument", feeds.create_document, 201)
        return [
            Route(f"{base}/documents", documents, methods=["POST"]),
            Route(f"{base}/documents/{{document}}", self._serve_operation("getFeedDocument", feeds.get_document)),
            Route(f"{base}/feeds", self._serve_operation("createFeed", feeds.create_feed, 202), methods=["POST"]),
            Route(f"{base}/feeds", self._serve_operation("getFeeds", feeds.get_feeds)),
            Route(f"{base}/feeds/{{feed}}", self._serve_operation("getFeed", feeds.get_feed)),
            Route("/documents/{document}", self._serve_document, methods=["PUT", "GET"]),
        ]

    async def _serve_document(self, request: Request) -> Response:
        """Serve the document store. It rejects access tokens: its URLs are presigned, for one type of content."""
        document = self._feeds.documents.get(request.path_params["document"])
        if document is None or request.url.query != SIGNATURE or "x-amz-access-token" in request.headers:
            return build_store_error(403, "SignatureDoesNotMatch")
        if request.method == "PUT":
            if request.headers.get("content-type") != document.content_type:
                return build_store_error(403, "SignatureDoesNotMatch")
            document.content = await request.body()
            return Response()
        if document.content is None:
            return build_store_error(404, "NoSuchKey")
        return Response(document.content, headers={"content-type": document.content_type})

    async def _issue_token(self, request: Request) -> Response:
        try:
            if self.fault == "auth":
                raise LoginError(400, "invalid_grant", "The token is not valid")
            body = self.tokens.issue_token(await request.body(), request.headers.get("content-type", ""))
        except LoginError as error:
            return build_response({"error": error.code, "error_description": str(error)}, error.status)
        return build_response(self.response_overrides.get("login", keep_response)(body))

    def _serve_operation(
        self, name: str, operation: Operation, success_status: int = 200
    ) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            lost = self.lost_responses.pop(name, None)
            if lost is False:
                return TruncatedResponse(b"the request was lost")
            body = await request.body()
            work = functools.partial(run_operation, operation, name, request, body)
            status, result = self._run_operation(name, work, request)
            response = build_response(
                result, success_status if status == 200 else status, TruncatedResponse if lost else Response
            )
            if status not in UNRATED_STATUSES:
                response.headers[RATE_HEADER] = f"{self._buckets[name].per_second * self._times.scale:g}"
            self._record(name, request, body, response)
            return response

        return serve

    def _record(self, name: str, request: Request, body: bytes, response: Response) -> None:
        path, query = request.scope["raw_path"].decode("latin-1"), dict(request.query_params)
        data = parse_json(body) if body else None
        self.requests.append(
            RecordedRequest(name, path, query, data, time.monotonic(), response.status_code, bytes(response.body))
        )

    def _run_operation(self, name: str, work: Callable[[], Shape], request: Request) -> tuple[int, Any]:
        try:
            if self.fault == "throttle" or not self._buckets[name].take():
                raise RejectedRequestError(429, "QuotaExceeded", "You exceeded your quota for the requested resource.")
            if self.fault == "error":
                raise RejectedRequestError(
                    500, "InternalFailure", "We encountered an internal error. Please try again."
                )
            self.tokens.check_token(None if self.fault == "auth" else request.headers.get("x-amz-access-token"))
            if (
                name in self.response_overrides
                and (override := self.response_overrides[name](self._get_true_response(work))) is not None
            ):
                return 200, override
            return 200, work()
        except RejectedRequestError as error:
            return error.status, build_errors(error)

    def _get_true_response(self, work: Callable[[], Shape]) -> Shape:
        try:
            return copy.deepcopy(work())
        except RejectedRequestError:
            return {}


def run_operation(operation: Operation, name: str, request: Request, body: bytes) -> Shape:
    """Run an operation with the query, the path and, of a write, the body of a request."""
    query = parse_query(name, request.query_params.multi_items())
    if name not in WRITES:
        return operation(query, dict(request.path_params))
    data = parse_json(body)
    if not isinstance(data, dict):
        raise make_invalid_input("the body must be a JSON object")
    return operation(query, dict(request.path_params), data)


def parse_json(body: bytes) -> Any:
    """Parse JSON; None if it is not valid."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


async def reject_unknown_route(request: Request, error: Exception) -> Response:
    """Reject a request to a route or with a method that the API does not have."""
    return build_response(build_errors(make_invalid_input("the API has no such operation")), 400)


def build_errors(error: RejectedRequestError) -> Shape:
    """Build the body of an error response."""
    return {"errors": [{"code": error.code, "message": error.message, "details": error.details}]}


def build_store_error(status: int, code: str) -> Response:
    """Build an error response of the document store."""
    return Response(f"<Error><Code>{code}</Code></Error>", status, media_type="application/xml")


def keep_response(response: Shape) -> Shape:
    """Return the response unchanged."""
    return response


class TruncatedResponse(Response):
    """A response that ends in the middle."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await super().__call__(scope, receive, _truncate(send))


def build_response(content: Any, status: int = 200, response_type: type[Response] = Response) -> Response:
    """Build a JSON response; bytes are sent unchanged."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return response_type(body, status, media_type="application/json")


class FaultMiddleware:
    """Applies the active fault to all requests, and numbers the responses."""

    def __init__(self, app: ASGIApp, http_app: HttpApp) -> None:
        self._app, self._http_app = app, http_app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        http_app = self._http_app
        if http_app.fault == "hang":
            await http_app.fault_cleared.wait()
        if http_app.fault == "slow":
            await asyncio.sleep(http_app.slow_seconds)
        if http_app.fault == "garbage":
            await Response(GARBAGE, media_type="text/html")(scope, receive, send)
        elif http_app.fault == "half":
            await self._app(scope, receive, _truncate(send))
        else:
            await self._app(scope, receive, _add_request_id(send))


def _add_request_id(send: Send) -> Send:
    async def send_numbered(message: Any) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)[REQUEST_ID_HEADER] = str(uuid.uuid4())
        await send(message)

    return send_numbered


def _truncate(send: Send) -> Send:
    """Announce the whole response, send the first half of it, and stop."""

    async def send_half(message: Any) -> None:
        if message["type"] == "http.response.body":
            body = message.get("body", b"")
            message = {**message, "body": body[: len(body) // 2], "more_body": True}
        await send(message)

    return send_half
