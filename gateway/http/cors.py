"""Cross-origin resource sharing (CORS, Fetch standard): lets web pages of the allowed origins read responses."""

from __future__ import annotations

import re

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.execution.error_codes import Code
from gateway.http.errors import RequestError
from gateway.http.origins import AllowedOrigins
from gateway.http.rejection import reject_request
from gateway.http.responses import RawHeaders
from gateway.settings.schema import CorsTable

ALLOWED_METHODS = "GET, POST"

EXPOSED_HEADERS = "ETag, GraphQL-Cost, Retry-After, RateLimit, RateLimit-Policy, X-Request-ID"
"""Response headers that scripts may read."""

_HEADER_NAMES = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~, -]{1,2000}")


class CorsHeaders:
    """Sets CORS headers on responses."""

    def __init__(self, table: CorsTable, origins: AllowedOrigins) -> None:
        self._table = table
        self._origins = origins
        self._allows_all = "*" in origins

    def find_allowed(self, origin: str | None) -> str | None:
        """Return the origin whose pages may read the response, or None.

        If all origins are allowed it is `*`, so that the response is the same for all and caches can share it.
        """
        if self._allows_all:
            return "*"
        return origin if origin in self._origins else None

    def set(self, headers: RawHeaders, origin: str | None) -> None:
        """Set the headers of a response. `origin`: whose pages may read it, as `find_allowed` returns it."""
        if not self._allows_all:
            add_vary(headers, b"Origin")  # on every response, or a cache would serve one origin's to another
        if origin is None:
            return
        headers.append((b"access-control-allow-origin", origin.encode("latin-1")))
        headers.append((b"access-control-expose-headers", EXPOSED_HEADERS.encode()))
        if self._table.credentials and origin in self._table.origins:
            headers.append((b"access-control-allow-credentials", b"true"))


def add_vary(headers: RawHeaders, name: bytes) -> None:
    """Add the name of a request header to the header `Vary` of a response."""
    for number, (found, value) in enumerate(headers):
        if found == b"vary":
            headers[number] = (found, value + b", " + name)
            return
    headers.append((b"vary", name))


class CorsMiddleware:
    """Responds to preflight requests, and sets CORS headers on every response. Why not Starlette's: see ADR 0012."""

    def __init__(self, app: ASGIApp, cors: CorsHeaders, table: CorsTable, origins: AllowedOrigins) -> None:
        self._app = app
        self._cors = cors
        self._table = table
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = self._cors.find_allowed(headers.get("origin"))
        if scope["method"] == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers:
            await self._answer_preflight(headers, origin)(scope, receive, send)
            return

        async def send_with_cors(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": list(message.get("headers", ()))}
                self._cors.set(message["headers"], origin)
            await send(message)

        await self._app(scope, receive, send_with_cors)

    def _answer_preflight(self, headers: Headers, origin: str | None) -> ASGIApp:
        """In development, a blocked page learns how to be allowed: a browser's tools show the response."""
        if origin is None and self._origins.has_local:
            self._origins.report_blocked(headers["origin"])
            return _reject_preflight
        return self._build_preflight(headers, origin)

    def _build_preflight(self, request_headers: Headers, origin: str | None) -> Response:
        response = Response(status_code=204)
        self._cors.set(response.raw_headers, origin)
        response.headers.add_vary_header("Access-Control-Request-Headers")
        if origin is None:
            return response
        response.headers["access-control-allow-methods"] = ALLOWED_METHODS
        response.headers["access-control-max-age"] = str(int(self._table.max_age.total_seconds()))
        names = request_headers.get("access-control-request-headers", "")
        if _HEADER_NAMES.fullmatch(names):
            response.headers["access-control-allow-headers"] = names
        return response


async def _reject_preflight(scope: Scope, _receive: Receive, send: Send) -> None:
    message = "Pages of this origin are blocked. Add the origin to `server.cors.origins` to allow it."
    await reject_request(scope, send, RequestError(Code.CROSS_SITE_REQUEST, message, {"vary": "Origin"}))
