"""CORS: what pages of other origins may read, for browsers (the Fetch standard)."""

from __future__ import annotations

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.settings import CorsTable

METHODS = "GET, POST"
SHOWN = "ETag, GraphQL-Cost, Retry-After, RateLimit, RateLimit-Policy, X-Request-ID"
"""Headers of answers that scripts may read."""

_NAMES = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~, -]{1,2000}")


class Cors:
    """Answers preflights, and says on every answer who may read it."""

    def __init__(self, app: ASGIApp, table: CorsTable) -> None:
        self._app = app
        self._table = table
        self._everybody = "*" in table.origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        allowed = self._allowed(headers.get("origin"))
        if scope["method"] == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers:
            await self._preflight(headers, allowed)(scope, receive, send)
            return

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._mark(MutableHeaders(scope=message), allowed)
            await send(message)

        await self._app(scope, receive, tell)

    def _allowed(self, origin: str | None) -> str | None:
        """Which origin the answer is for; where everybody may read, it does not depend on who asks."""
        if self._everybody:
            return "*"
        return origin if origin in self._table.origins else None

    def _preflight(self, asked: Headers, allowed: str | None) -> Response:
        response = Response(status_code=204)
        self._mark(response.headers, allowed)
        response.headers.add_vary_header("Access-Control-Request-Headers")
        if allowed is None:
            return response
        response.headers["access-control-allow-methods"] = METHODS
        response.headers["access-control-max-age"] = str(int(self._table.max_age.total_seconds()))
        names = asked.get("access-control-request-headers", "")
        if _NAMES.fullmatch(names):
            response.headers["access-control-allow-headers"] = names
        return response

    def _mark(self, headers: MutableHeaders, allowed: str | None) -> None:
        if not self._everybody:
            headers.add_vary_header("Origin")  # on every answer: a cache would give one page's to another
        if allowed is None:
            return
        headers["access-control-allow-origin"] = allowed
        headers["access-control-expose-headers"] = SHOWN
        if self._table.credentials:
            headers["access-control-allow-credentials"] = "true"
