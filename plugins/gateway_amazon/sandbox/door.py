"""What stands before every operation: Login with Amazon, the rates, and what is to go wrong."""

from __future__ import annotations

import asyncio
import copy
import functools
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
from gateway_amazon.sandbox.api import Api
from gateway_amazon.sandbox.feeds import Feeds
from gateway_amazon.sandbox.limits import ACCESS_LASTS, Bucket, Times, buckets
from gateway_amazon.sandbox.refusals import RefusalError

Operation = Callable[..., Shape]
"""Of a query, the parts of the path and, where something is told, the body."""

Twist = Callable[[Shape], Any]
CLIENT_ID, CLIENT_SECRET, REFRESH = "amzn1.application-oa2-client.sandbox", "sandbox-client-secret", "Atzr|sandbox"
GARBAGE = b"<!doctype html><html><body><h1>Service is being maintained</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came in, and what was answered. `path`: as it was written; `body`: None where there was none."""

    operation: str
    path: str
    query: Mapping[str, str]
    body: Any
    at: float
    status: int
    answer: bytes


class Door:
    """The sandbox's HTTP side.

    Attributes:
        asked: the last requests.
        lost: operations whose next answer is lost, and whether they are carried out all the same.
        twists: by operation what an answer is turned into: a lie, or bytes that are sent as they are; None: the truth.
        mode: how it is broken.
        slow: seconds that an answer takes in the mode of that name.
    """

    def __init__(self, api: Api, feeds: Feeds, times: Times) -> None:
        self.asked: deque[Asked] = deque(maxlen=20_000)
        self.lost: dict[str, bool] = {}
        self.twists: dict[str, Twist] = {}
        self.mode = "ok"
        self.slow = 3.0
        self.mended = asyncio.Event()
        self.refresh_token = REFRESH
        self._api, self._feeds, self._times = api, feeds, times
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
            Route(
                f"{listings}/{{sku:path}}",
                self._operation("patchListingsItem", api.patch_listing),
                methods=["PATCH"],
            ),
            Route("/fba/inventory/v1/summaries", self._operation("getInventorySummaries", api.fba_stock)),
            Route(orders, self._operation("searchOrders", api.search_orders)),
            Route(f"{orders}/{{order:path}}", self._operation("getOrder", api.get_order)),
        ]
        return Faulty(Starlette(routes=[*routes, *self._routes_of_feeds()]), self)

    def _routes_of_feeds(self) -> list[Route]:
        feeds, base = self._feeds, "/feeds/2021-06-30"
        documents = self._operation("createFeedDocument", feeds.create_document, 201)
        return [
            Route(f"{base}/documents", documents, methods=["POST"]),
            Route(f"{base}/documents/{{document}}", self._operation("getFeedDocument", feeds.get_document)),
            Route(f"{base}/feeds", self._operation("createFeed", feeds.create_feed, 202), methods=["POST"]),
            Route(f"{base}/feeds", self._operation("getFeeds", feeds.get_feeds)),
            Route(f"{base}/feeds/{{feed}}", self._operation("getFeed", feeds.get_feed)),
            Route("/documents/{document}", self._document, methods=["PUT", "GET"]),
        ]

    async def _document(self, request: Request) -> Response:
        """The store of documents, which knows no tokens: its addresses are signed."""
        id, signed = request.path_params["document"], request.url.query == "X-Amz-Signature=abc%2Fdef%3D"
        if not signed or "x-amz-access-token" in request.headers:
            return Response(b"<Error><Code>SignatureDoesNotMatch</Code></Error>", 403)
        if request.method == "PUT":
            self._feeds.documents[id] = await request.body()
            return Response()
        return Response(self._feeds.documents[id], media_type="text/xml")

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

    def _operation(self, name: str, operation: Operation, good: int = 200) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            lost = self.lost.pop(name, None)
            if lost is False:
                return Half(b"the question never arrived")
            query, body = dict(request.query_params), await request.body()
            told = json.loads(body) if body else None
            work = functools.partial(operation, query, dict(request.path_params), *([] if told is None else [told]))
            status, said = self._said(name, work, request)
            answer = answered(said, good if status == 200 else status, Half if lost else Response)
            answer.headers["x-amzn-RateLimit-Limit"] = f"{self._buckets[name].per_second * self._times.scale:g}"
            raw, at = request.scope["raw_path"].decode(), time.monotonic()
            self.asked.append(Asked(name, raw, query, told, at, answer.status_code, bytes(answer.body)))
            return answer

        return endpoint

    def _said(self, name: str, work: Callable[[], Shape], request: Request) -> tuple[int, Any]:
        try:
            if self.mode == "throttle" or not self._buckets[name].take():
                raise RefusalError(429, "QuotaExceeded", "You exceeded your quota for the requested resource.")
            if self.mode == "error":
                raise RefusalError(500, "InternalFailure", "We encountered an internal error. Please try again.")
            token = request.headers.get("x-amz-access-token", "")
            if self.mode == "auth" or self._access.get(token, 0) <= self._times.ticks():
                raise RefusalError(403, "Unauthorized", "Access to requested resource is denied.")
            if name in self.twists and (lie := self.twists[name](self._true(work))) is not None:
                return 200, lie
            return 200, work()
        except RefusalError as error:
            return error.status, {"errors": [{"code": error.code, "message": error.message, "details": ""}]}

    def _true(self, work: Callable[[], Shape]) -> Shape:
        try:
            return copy.deepcopy(work())
        except RefusalError:
            return {}


def truly(said: Shape) -> Shape:
    """No lie."""
    return said


class Half(Response):
    """Half of an answer, and then nothing more."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await super().__call__(scope, receive, _half(send))


def answered(said: Any, status: int = 200, kind: type[Response] = Response) -> Response:
    """The answer; bytes are sent as they are."""
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return kind(body, status, media_type="application/json")


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
