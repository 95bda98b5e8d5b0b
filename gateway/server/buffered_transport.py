"""Buffered transport: sends the head and the body of a response in one system call and one packet."""

from __future__ import annotations

import asyncio
from typing import Any


class BufferedTransport:
    """A transport that buffers a write until the next one, or until the current iteration of the event loop ends."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._buffer = b""
        self._flush_handle: asyncio.Handle | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write the data together with what is buffered, or buffer it."""
        if self._buffer:
            self._buffer += data
            self.flush()
        elif data:
            self._buffer = data
            self._flush_handle = self._loop.call_soon(self.flush)

    def write_parts(self, *parts: bytes) -> None:
        """Write what is buffered, and these parts without copying them together."""
        self.flush()
        self._transport.writelines(parts)

    def is_closing(self) -> bool:
        """Return whether the connection is closing."""
        return self._transport.is_closing()

    def flush(self) -> None:
        """Write what is buffered."""
        if self._flush_handle is not None:
            self._flush_handle.cancel()
            self._flush_handle = None
        if self._buffer:
            self._transport.write(self._buffer)
            self._buffer = b""

    def close(self) -> None:
        """Close the connection after everything is written."""
        self.flush()
        self._transport.close()

    def abort(self) -> None:
        """Close the connection at once, without writing what is buffered."""
        self._buffer = b""
        self.flush()
        self._transport.abort()

    def get_write_buffer_size(self) -> int:
        """Return the bytes that the client has not received yet."""
        return len(self._buffer) + self._transport.get_write_buffer_size()
