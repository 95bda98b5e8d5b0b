"""The twin over HTTP, and the ways in which it fails."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gateway_shopify.sandbox.api import Answer, Api

SLOW = 3.0
"""Seconds that an answer takes when the twin is slow."""

Twist = Callable[[str, Answer], Any]
"""What becomes of an answer: of an operation's name and the true one, other data or bytes."""


@dataclass(slots=True)
class Manners:
    """How the twin behaves: its mode, and what a test makes of its answers.

    Attributes:
        asked: the operations that were answered, in order.
        lost: operations whose next answer is lost, and whether they are carried out all the same.
        under_way: requests that are not answered yet.
    """

    mode: str = "ok"
    twist: Twist | None = None
    asked: list[str] = field(default_factory=list)
    lost: dict[str, bool] = field(default_factory=dict)
    under_way: int = 0
    mended: asyncio.Event = field(default_factory=asyncio.Event)

    def behave(self, mode: str) -> None:
        """Behave so from now on; who was kept waiting waits no longer."""
        self.mode = mode
        self.mended.set()
        self.mended = asyncio.Event()


class Half(Response):
    """Half of an answer, and then nothing more."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        body = bytes(self.body)
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        raise ConnectionResetError("the twin hangs up in the midst of an answer")


def application(api: Api, token: str, manners: Manners) -> Starlette:
    """The one route there is."""

    async def answered(request: Request) -> Response:
        manners.under_way += 1
        try:
            return await _answered(api, token, manners, request)
        finally:
            manners.under_way -= 1

    return Starlette(routes=[Route("/admin/api/{version}/graphql.json", answered, methods=["POST"])])


async def _answered(api: Api, token: str, manners: Manners, request: Request) -> Response:
    if manners.mode == "hang":
        await manners.mended.wait()
    if manners.mode == "slow":
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(manners.mended.wait(), SLOW)
    told = request.headers.get("x-shopify-access-token", "")
    if manners.mode == "auth" or not hmac.compare_digest(told.encode(), token.encode()):
        return JSONResponse(
            {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}, 401
        )
    if manners.mode == "error":
        return JSONResponse({"errors": "Internal Server Error"}, 500)
    if manners.mode == "garbage":
        return HTMLResponse("<!doctype html><title>Something went wrong</title>")
    api.drained = manners.mode == "throttle"
    return _said(api, manners, await request.body())


def _said(api: Api, manners: Manners, body: bytes) -> Response:
    asked = json.loads(body)
    name = asked.get("operationName") or ""
    lost = manners.lost.pop(name, None)
    if lost is False:
        return Half(b"the question never arrived")
    answer: Any = api.answer(asked["query"], name, asked.get("variables") or {})
    manners.asked.append(name)
    if manners.twist is not None:
        answer = manners.twist(name, answer)
    content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    kind = Half if lost or manners.mode == "half" else Response
    return kind(content, media_type="application/json")
