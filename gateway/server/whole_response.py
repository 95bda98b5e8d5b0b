"""Sends a response that is complete, its head and body at once, in one system call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol, cast

from uvicorn._types import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, ASGISendEvent, Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from gateway.server.buffered_transport import BufferedTransport

Headers = Iterable[tuple[bytes, bytes]]


class ReadyResponse(Protocol):
    """A response that is complete."""

    status_code: int
    raw_headers: list[tuple[bytes, bytes]]
    body: bytes | memoryview


AnswerAtOnce = Callable[[Scope, bytes], ReadyResponse | None]
"""Returns the response to a request with this body, if nothing has to be waited for."""

PLAIN_NAMES = frozenset(
    {
        b"access-control-allow-credentials",
        b"access-control-allow-origin",
        b"access-control-expose-headers",
        b"cache-control",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"date",
        b"etag",
        b"graphql-cost",
        b"ratelimit",
        b"ratelimit-policy",
        b"retry-after",
        b"vary",
        b"www-authenticate",
        b"x-content-type-options",
        b"x-request-id",
    }
)
"""Headers that say nothing about the connection. uvicorn sends a response that has others."""

CONTROLS = bytes(sorted({*range(32), 127} - {9}))
"""Characters that no value of a header may have."""

NO_CONTENT, NOT_MODIFIED = 204, 304


class WholeResponse:
    """An application that sends the response of another one at once, if it can, else as uvicorn does."""

    def __init__(self, app: ASGI3Application, cycle: RequestResponseCycle) -> None:
        self._app = app
        self._cycle = cycle
        self._send: ASGISendCallable = cycle.send
        self._start: Any = None  # the message that begins the response, until the next one

    def __call__(self, scope: Scope, receive: ASGIReceiveCallable, _send: ASGISendCallable) -> Awaitable[None]:
        return self._app(scope, receive, self.send)

    async def send(self, message: ASGISendEvent) -> None:
        """Send a message of the application."""
        start, self._start = self._start, None
        if start is None and message["type"] == "http.response.start":
            self._start = message
        elif start is None:
            await self._send(message)
        elif not await self._send_whole(start, message):
            await self._send(start)
            await self._send(message)

    async def _send_whole(self, start: Any, message: Any) -> bool:
        """Send the response, and return whether it was possible."""
        cycle, body = self._cycle, message.get("body", b"")
        if message["type"] != "http.response.body" or message.get("more_body") or cycle.response_started:
            return False
        head = build_head(start["status"], cycle.default_headers, start["headers"], len(body), cycle.keep_alive)
        if head is None:
            return False
        if cycle.flow.write_paused and not cycle.disconnected:
            await cycle.flow.drain()
        if not cycle.disconnected:
            _write(cycle, head, body)
        return True


def send_at_once(cycle: RequestResponseCycle, response: ReadyResponse) -> bool:
    """Send a response to which nothing has to be waited for, and return whether it was possible."""
    body = bytes(response.body)
    head = build_head(response.status_code, cycle.default_headers, response.raw_headers, len(body), cycle.keep_alive)
    if head is None:
        return False
    _write(cycle, head, body)
    return True


def _write(cycle: RequestResponseCycle, head: bytes, body: bytes) -> None:
    """Write a response, and tell that it is complete."""
    cycle.response_started, cycle.waiting_for_100_continue = True, False
    transport = cast(BufferedTransport, cycle.transport)
    transport.write_parts(head, b"" if cycle.scope["method"] == "HEAD" else body)
    cycle.response_complete = True
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()


def build_head(status: int, default: Headers, headers: Headers, length: int, is_open: bool) -> bytes | None:
    """Build the head of a response with a body of this length. None: uvicorn has to check, or to complete it.

    Args:
        is_open: whether the connection stays open.
    """
    pairs = [*default, *headers]
    values = dict(pairs)
    expected = None if status in (NO_CONTENT, NOT_MODIFIED) and not length else b"%d" % length
    if values.get(b"content-length") != expected or not values.keys() <= PLAIN_NAMES:
        return None
    lines = b"\r\n".join([b": ".join(pair) for pair in pairs])
    if len(values) != len(pairs) or len(lines) - len(lines.translate(None, CONTROLS)) != 2 * (len(pairs) - 1):
        return None
    return b"".join([STATUS_LINE[status], lines, b"\r\n\r\n" if is_open else b"\r\nconnection: close\r\n\r\n"])
