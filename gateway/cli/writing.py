"""A connection's other end, told the head of an answer and its body in one go: a packet and a system call less."""

from __future__ import annotations

import asyncio
from typing import Any


class Gathered:
    """A transport that keeps what is written until more is, or until this turn of the event loop is over."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._kept = b""
        self._flushing: asyncio.Handle | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write it with what is kept, or keep it for a moment."""
        if self._kept:
            self._kept += data
            self.flush()
        elif data:
            self._kept = data
            self._flushing = self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Write what is kept."""
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        if self._kept:
            self._transport.write(self._kept)
            self._kept = b""

    def close(self) -> None:
        """Close it once all is written."""
        self.flush()
        self._transport.close()

    def abort(self) -> None:
        """Close it at once, whatever is not written."""
        self._kept = b""
        self.flush()
        self._transport.abort()

    def get_write_buffer_size(self) -> int:
        """Bytes that the other end has not taken yet."""
        return len(self._kept) + self._transport.get_write_buffer_size()
