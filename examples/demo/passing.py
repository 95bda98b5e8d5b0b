"""The way from a page of the demo to the gateway, which answers other pages only where they live."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import Message

from starlette.requests import Request
from starlette.responses import Response

PATIENCE = 15.0
ASKED = ("accept", "content-type", "if-none-match")
TOLD = ("content-type", "cache-control", "etag", "vary", "retry-after", "x-request-id")
SILENT = b'{"errors": [{"message": "The gateway does not answer.", "extensions": {"code": "UNREACHABLE"}}]}'


async def pass_on(request: Request, address: str, extra: Mapping[str, str] | None = None) -> Response:
    """The gateway's answer to the request, GET or POST. `extra`: headers besides the browser's."""
    headers = {name: request.headers[name] for name in ASKED if name in request.headers} | dict(extra or {})
    query = f"?{request.url.query}" if request.url.query else ""
    body = await request.body() if request.method == "POST" else None
    return await asyncio.to_thread(_answer, urllib.request.Request(address + query, body, headers))


def _answer(request: urllib.request.Request) -> Response:
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return _told(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        return _told(error.code, error.headers, error.read())
    except OSError:
        return Response(SILENT, 502, media_type="application/json")


def _told(status: int, headers: Message, body: bytes) -> Response:
    kept = {name: value for name in TOLD if (value := headers.get(name)) is not None}
    return Response(body, status, kept)
