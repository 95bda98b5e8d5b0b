"""A connection, with a deadline on whatever its client has to do, send a request and read the answer, and
bounds on what it sends ahead.

uvicorn waits without end for both. A timer runs while it is the client's turn; while a request is in work, it is ours.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gateway.cli.leaving import State
from gateway.cli.parsing import Parser
from gateway.cli.writing import Gathered

REQUEST_WITHIN = 8.0
"""Seconds until the head of a request is there: from the connection, or from its first byte on a used one. So much has
also the rest of a body that was answered before it was read."""

STALLED = 8.0
"""Seconds in which a client has to take something of an answer that waits for it."""

PROGRESS, SHARE = 2_000, 50
"""So many bytes count as something, or of much that waits this part: a large answer is not kept for hours."""

LARGEST_HEAD = 65_536
"""Bytes of the address and the headers of one request."""

MOST_HEADERS = 200

MOST_AHEAD = 50
"""Requests that a client may send before the first of them is answered."""

TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class Connection(HttpToolsProtocol):
    """One connection of one client."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.parser = Parser(self)
        self._state = State.of(self.server_state)
        self._deadline: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None
        self._unread = 0
        self._head: int | None = None  # bytes of a head that is not complete
        self._body_open = False
        self._has_ended = False  # in what came last: how much of that is the next head is not known
        self._answering: RequestResponseCycle | None = None
        self._wrong: bytes | None = None  # what to say to a request that is none

    # ------------------------------------------------------------------------------------------------ what it sends

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(Gathered(transport, self.loop))  # type: ignore[arg-type]
        self._await_client()

    def data_received(self, data: bytes) -> None:
        self._has_ended = False
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._head is not None and not self._has_ended:
            self._head += len(data)
            if self._head > LARGEST_HEAD:
                self._refuse(TOO_LARGE)
                return
        if not self._in_work():  # a byte or two that begin no request, too
            self._await_client()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head = 0
        self._await_client()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head is not None:  # after a body nobody says who she is, or where she comes from
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._check_head()
        if self.parser.should_upgrade():
            return  # its head comes once more, without that
        self._head = None
        self._body_open = True
        self._our_turn()
        super().on_headers_complete()
        if self._state.leaving and self.cycle is not None:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        super().on_message_complete()
        self._body_open = False
        self._has_ended = True
        if not self._in_work():
            self._our_turn()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def _check_head(self) -> None:
        """What is raised here ends the connection."""
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > LARGEST_HEAD or len(self.headers) > MOST_HEADERS:
            self._wrong = TOO_LARGE
            raise httptools.HttpParserError("the head is too large")
        if len(self.pipeline) >= MOST_AHEAD:
            raise httptools.HttpParserError("too many requests at once")
        if self.parser.get_method() == b"CONNECT":
            raise httptools.HttpParserError("this is no proxy")

    def send_400_response(self, msg: str) -> None:
        if self._wrong is None:
            super().send_400_response(msg)
        else:
            self._refuse(self._wrong)

    def _in_work(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _await_client(self) -> None:
        """Time runs against the client, unless it does already."""
        if self._deadline is None:
            self._deadline = self.loop.call_later(REQUEST_WITHIN, self._too_slow)

    def _our_turn(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        if self._in_work():  # it sent the next request while an earlier one is answered
            self._await_client()
        else:
            self._refuse(b"" if self._head is None else TOO_SLOW)

    def _refuse(self, answer: bytes) -> None:
        self.transport.write(answer)
        self.transport.close()
        self._watch_reader()

    # ------------------------------------------------------------------------------------------------ what it reads

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch_reader()
        if self._body_open and not self.transport.is_closing():
            self._await_client()

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
        """Look again later at what the client has not taken yet: closing a connection waits for it."""
        if self._stall is None and (unread := self.transport.get_write_buffer_size()):
            self._unread = unread
            self._stall = self.loop.call_later(STALLED, self._stalled)

    def _stalled(self) -> None:
        self._stall = None
        unread = self.transport.get_write_buffer_size()
        if unread > self._unread - max(PROGRESS, self._unread // SHARE) and unread > 0:
            self.transport.abort()
        else:
            self._watch_reader()

    def connection_lost(self, exc: Exception | None) -> None:
        self._our_turn()
        if self._stall is not None:
            self._stall.cancel()
        super().connection_lost(exc)
        if self._answering is not None and not self._answering.response_complete:
            self._answering.disconnected = True  # uvicorn tells the latest request alone, which may be behind this one
            self._answering.message_event.set()
