"""What stands before every operation: Login with Amazon, the rates, and what is to go wrong."""

from __future__ import annotations

import asyncio
import copy
import json
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway_amazon.sandbox.account import Shape
from gateway_amazon.sandbox.api import Api, RefusalError
from gateway_amazon.sandbox.limits import ACCESS_LASTS, Bucket, Times, buckets

Operation = Callable[[Mapping[str, str], Mapping[str, str]], Shape]
Twist = Callable[[Shape], Any]
CLIENT_ID, CLIENT_SECRET, REFRESH = "amzn1.application-oa2-client.sandbox", "sandbox-client-secret", "Atzr|sandbox"
GARBAGE = b"<!doctype html><html><body><h1>Service is being maintained</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came in, and what was answered. `path`: as it was written."""

    operation: str
    path: str
    query: Mapping[str, str]
    at: float
    status: int
    answer: bytes


class Door:
    """The sandbox's HTTP side.

    Attributes:
        asked: the last requests.
        twists: by operation what an answer is turned into: a lie, or bytes that are sent as they are; None: the truth.
        mode: how it is broken.
        slow: seconds that an answer takes in the mode of that name.
    """

    def __init__(self, api: Api, times: Times) -> None:
        self.asked: deque[Asked] = deque(maxlen=20_000)
        self.twists: dict[str, Twist] = {}
        self.mode = "ok"
        self.slow = 3.0
        self.mended = asyncio.Event()
        self.refresh_token = REFRESH
        self._api, self._times = api, times
        self._buckets: dict[str, Bucket] = buckets(times.fast)
        self._access: dict[str, float] = {}

    def app(self) -> ASGIApp:
        """All routes."""
        listings, orders = "/listings/2021-08-01/items/{seller}", "/orders/2026-01-01/orders"
        api = self._api
        routes = [
            Route("/auth/o2/token", self._login, methods=["POST"]),
            Route(listings, self._operation("searchListingsItems", api.search_listings)),
            Route(f"{listings}/{{sku:path}}", self._operation("getListingsItem", api.get_listing)),
            Route("/fba/inventory/v1/summaries", self._operation("getInventorySummaries", api.fba_stock)),
            Route(orders, self._operation("searchOrders", api.search_orders)),
            Route(f"{orders}/{{order:path}}", self._operation("getOrder", api.get_order)),
        ]
        return Faulty(Starlette(routes=routes), self)

    def expire(self) -> None:
        """No access token is good any more."""
        self._access.clear()

    async def _login(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return answered({"error": "invalid_client", "error_description": "Client authentication failed"}, 401)
        if form.get("grant_type") != "refresh_token":
            return answered({"error": "unsupported_grant_type", "error_description": "Unknown grant"}, 400)
        if self.mode == "auth" or form.get("refresh_token") != self.refresh_token:
            return answered({"error": "invalid_grant", "error_description": "The token is not valid"}, 400)
        token = f"Atza|{secrets.token_urlsafe(24)}"
        self._access[token] = self._times.ticks() + ACCESS_LASTS
        lasts = self._times.access_lasts
        said = {"access_token": token, "token_type": "bearer", "expires_in": lasts, "refresh_token": REFRESH}
        return answered(self.twists.get("login", truly)(said))

    def _operation(self, name: str, operation: Operation) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            query, path = dict(request.query_params), dict(request.path_params)
            status, said = self._said(name, operation, request, query, path)
            answer = answered(said, status)
            answer.headers["x-amzn-RateLimit-Limit"] = f"{self._buckets[name].per_second * self._times.scale:g}"
            raw = request.scope["raw_path"].decode()
            self.asked.append(Asked(name, raw, query, time.monotonic(), status, bytes(answer.body)))
            return answer

        return endpoint

    def _said(
        self, name: str, operation: Operation, request: Request, query: Mapping[str, str], path: Mapping[str, str]
    ) -> tuple[int, Any]:
        try:
            if self.mode == "throttle" or not self._buckets[name].take():
                raise RefusalError(429, "QuotaExceeded", "You exceeded your quota for the requested resource.")
            if self.mode == "error":
                raise RefusalError(500, "InternalFailure", "We encountered an internal error. Please try again.")
            token = request.headers.get("x-amz-access-token", "")
            if self.mode == "auth" or self._access.get(token, 0) <= self._times.ticks():
                raise RefusalError(403, "Unauthorized", "Access to requested resource is denied.")
            if name in self.twists and (lie := self.twists[name](self._true(operation, query, path))) is not None:
                return 200, lie
            return 200, operation(query, path)
        except RefusalError as error:
            return error.status, {"errors": [{"code": error.code, "message": error.message, "details": ""}]}

    def _true(self, operation: Operation, query: Mapping[str, str], path: Mapping[str, str]) -> Shape:
        try:
            return copy.deepcopy(operation(query, path))
        except RefusalError:
            return {}


def truly(said: Shape) -> Shape:
    """No lie."""
    return said


def answered(said: Any, status: int = 200) -> Response:
    """The answer; bytes are sent as they are."""
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return Response(body, status, media_type="application/json")


class Faulty:
    """The app, broken the way that the door's mode says."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app, self._door = app, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        door = self._door
        if door.mode == "hang":
            await door.mended.wait()
        if door.mode == "slow":
            await asyncio.sleep(door.slow)
        if door.mode == "garbage":
            await Response(GARBAGE, media_type="text/html")(scope, receive, send)
        elif door.mode == "half":
            await self._app(scope, receive, _half(send))
        else:
            await self._app(scope, receive, send)


def _half(send: Send) -> Send:
    """Announces the whole answer, sends the first half of it, and stops."""

    async def halved(message: Any) -> None:
        if message["type"] == "http.response.body":
            body = message.get("body", b"")
            message = {**message, "body": body[: len(body) // 2], "more_body": True}
        await send(message)

    return halved
