"""A connection with deadlines for its client: to send a request, and to read the response. It limits pipelined
requests.

uvicorn has no such deadlines. A timer runs while the gateway waits for the client, and stops while it handles a
request.
"""

from __future__ import annotations

import asyncio
from itertools import chain
from typing import Any

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gateway.server.buffered_transport import BufferedTransport
from gateway.server.graceful_shutdown import SharedState
from gateway.server.http_parser import RequestParser
from gateway.server.whole_response import AnswerAtOnce, WholeResponse, send_at_once

REQUEST_TIMEOUT = 8.0
"""Seconds until the head of a request is complete, from the connection or from the first byte on a reused one. The rest
of a body whose response was sent early has the same deadline.
"""

STALL_TIMEOUT = 8.0
"""Seconds within which a client must read something of a pending response."""

MIN_PROGRESS_BYTES, MIN_PROGRESS_DIVISOR = 2_000, 50
"""The least that a client must read in that time: this many bytes, or this fraction of a large response, so that a
large response is not held for hours.
"""

MAX_HEAD_BYTES = 65_536
"""Bytes of the URL and the headers of one request."""

MAX_HEADERS = 200

MAX_PIPELINED = 50
"""Requests that a client may send before the response to the first of them."""

TIMEOUT_RESPONSE = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
HEAD_TOO_LARGE_RESPONSE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
)


class Connection(HttpToolsProtocol):
    """One connection of one client."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.parser = RequestParser(self)
        self._state = SharedState.narrow(self.server_state)
        self._deadline: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None
        self._unread = 0
        self._head: int | None = None  # bytes of an incomplete head
        self._body_open = False
        self._has_ended = (
            False  # whether a request ended in the last data: how much belongs to the next head is unknown
        )
        self._current_cycle: RequestResponseCycle | None = None
        self._rejection: bytes | None = None  # response to an invalid request
        self._answer_at_once: AnswerAtOnce | None = getattr(self.app, "answer_at_once", None)
        self._is_beginning = False  # whether the head of a request has just been read
        self._held: tuple[RequestResponseCycle, ASGI3Application] | None = None  # a request, until its body is read

    # ------------------------------------------------------------------------------------------------ requests

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(BufferedTransport(transport, self.loop))  # type: ignore[arg-type]
        self._start_deadline()

    def data_received(self, data: bytes) -> None:
        self._has_ended = False
        super().data_received(data)
        self._release_held()
        if self.transport.is_closing():
            return
        if self._head is not None and not self._has_ended:
            self._head += len(data)
            if self._head > MAX_HEAD_BYTES:
                self._reject(HEAD_TOO_LARGE_RESPONSE)
                return
        if self._head is not None or not self._is_busy():  # also after bytes that do not begin a request
            self._start_deadline()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head = 0  # `data_received` starts its deadline, if it is still incomplete then

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head is not None:  # trailers after a body must not change credentials or the client's address
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._check_head()
        if self.parser.should_upgrade():
            return  # the parser reads its head again, without the upgrade
        self._head = None
        self._body_open = True
        self._stop_deadline()
        self._is_beginning = True
        super().on_headers_complete()
        self._is_beginning = False
        if self._state.is_draining and self.cycle is not None:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        super().on_message_complete()
        self._body_open = False
        self._has_ended = True
        if self._held is not None and self._send_at_once(self._held[0]):
            self._held = None
        self._release_held()
        if not self._is_busy():
            self._stop_deadline()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._current_cycle = cycle
        if self._is_beginning and self._answer_at_once is not None and not cycle.waiting_for_100_continue:
            self._held = (cycle, app)
        else:
            super()._start_asgi_task(cycle, WholeResponse(app, cycle))

    def _send_at_once(self, cycle: RequestResponseCycle) -> bool:
        """Send the response to a request, and return whether nothing had to be waited for."""
        if self._answer_at_once is None or cycle.flow.write_paused or self.transport.is_closing():
            return False
        response = self._answer_at_once(cycle.scope, bytes(cycle.body))
        return response is not None and send_at_once(cycle, response)

    def _release_held(self) -> None:
        """Start the task of a request that was not answered at once."""
        if self._held is not None:
            (cycle, app), self._held = self._held, None
            super()._start_asgi_task(cycle, WholeResponse(app, cycle))

    def _check_head(self) -> None:
        """Check the head's limits. An error ends the connection."""
        size = len(self.url) + sum(map(len, chain.from_iterable(self.headers)))
        if size > MAX_HEAD_BYTES or len(self.headers) > MAX_HEADERS:
            self._rejection = HEAD_TOO_LARGE_RESPONSE
            raise httptools.HttpParserError("the request head is too large")
        if len(self.pipeline) >= MAX_PIPELINED:
            raise httptools.HttpParserError("too many pipelined requests")
        if self.parser.get_method() == b"CONNECT":
            raise httptools.HttpParserError("the method CONNECT is not supported")

    def send_400_response(self, msg: str) -> None:
        if self._rejection is None:
            super().send_400_response(msg)
        else:
            self._reject(self._rejection)

    def _is_busy(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _start_deadline(self) -> None:
        """Start the deadline of the client, unless it runs already."""
        if self._deadline is None:
            self._deadline = self.loop.call_later(REQUEST_TIMEOUT, self._expire)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _expire(self) -> None:
        self._deadline = None
        if self._is_busy():  # the client has sent the next request while an earlier one is handled
            self._start_deadline()
        else:
            self._reject(b"" if self._head is None else TIMEOUT_RESPONSE)

    def _reject(self, response: bytes) -> None:
        self.transport.write(response)
        self.transport.close()
        self._watch_reader()

    # ------------------------------------------------------------------------------------------------ responses

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch_reader()
        if self._body_open and not self.transport.is_closing():
            self._start_deadline()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_reader()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._watch_reader()

    def shutdown(self) -> None:
        super().shutdown()
        self._watch_reader()

    def _watch_reader(self) -> None:
        """Check later what the client has not read yet: closing a connection waits for it."""
        if self._stall_timer is None and (unread := self.transport.get_write_buffer_size()):
            self._unread = unread
            self._stall_timer = self.loop.call_later(STALL_TIMEOUT, self._check_stall)

    def _check_stall(self) -> None:
        self._stall_timer = None
        unread = self.transport.get_write_buffer_size()
        if unread > self._unread - max(MIN_PROGRESS_BYTES, self._unread // MIN_PROGRESS_DIVISOR) and unread > 0:
            self.transport.abort()
        else:
            self._watch_reader()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_deadline()
        if self._stall_timer is not None:
            self._stall_timer.cancel()
        super().connection_lost(exc)
        if self._current_cycle is not None and not self._current_cycle.response_complete:
            self._current_cycle.disconnected = (
                True  # uvicorn notifies the latest request only, which may be queued behind this one
            )
            self._current_cycle.message_event.set()
