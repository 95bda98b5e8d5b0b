"""A proxy from the demo's pages to the gateway, which allows no cross-origin requests."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import Message

from starlette.requests import Request
from starlette.responses import Response

TIMEOUT = 15.0
REQUEST_HEADERS = ("accept", "authorization", "content-type", "if-none-match")
RESPONSE_HEADERS = ("content-type", "cache-control", "etag", "vary", "retry-after", "x-request-id")
UNREACHABLE_BODY = b'{"errors": [{"message": "The gateway does not answer.", "extensions": {"code": "UNREACHABLE"}}]}'


async def forward_request(request: Request, address: str, extra: Mapping[str, str] | None = None) -> Response:
    """Forward a GET or POST request to the gateway. `extra`: additional headers."""
    headers = {name: request.headers[name] for name in REQUEST_HEADERS if name in request.headers} | dict(extra or {})
    query = f"?{request.url.query}" if request.url.query else ""
    body = await request.body() if request.method == "POST" else None
    return await asyncio.to_thread(_send_request, urllib.request.Request(address + query, body, headers))


def _send_request(request: urllib.request.Request) -> Response:
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            return _build_response(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        return _build_response(error.code, error.headers, error.read())
    except OSError:
        return Response(UNREACHABLE_BODY, 502, media_type="application/json")


def _build_response(status: int, headers: Message, body: bytes) -> Response:
    forwarded = {name: value for name in RESPONSE_HEADERS if (value := headers.get(name)) is not None}
    return Response(body, status, forwarded)
