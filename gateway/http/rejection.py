"""Responses of middleware to requests that it rejects before their body is read."""

from __future__ import annotations

import orjson
from starlette.types import Scope, Send

from gateway.execution.executor import build_error_response
from gateway.http.errors import RequestError
from gateway.http.request_state import get_state
from gateway.http.responses import JSON, PRIVATE, choose_media_type


async def reject_request(scope: Scope, send: Send, error: RequestError) -> None:
    """Respond with an error, in the media type that the client prefers."""
    body = orjson.dumps(build_error_response(error, get_state(scope).request_id).body)
    accept = b", ".join(value for name, value in scope["headers"] if name == b"accept").decode("latin-1")
    media_type = choose_media_type(accept or None) or JSON  # a client reads codes in the media type it accepts only
    headers = [
        (b"content-type", f"{media_type}; charset=utf-8".encode()),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", PRIVATE.encode()),
        *((name.encode(), value.encode()) for name, value in error.headers.items()),
    ]
    await send({"type": "http.response.start", "status": error.code.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
