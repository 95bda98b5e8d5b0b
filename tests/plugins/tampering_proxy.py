"""A proxy to a sandbox that passes everything on until a test replaces its responses, byte by byte."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

ResponseStream = Callable[[], AsyncIterator[bytes]]
"""The pieces of a response; the connection closes after the last one."""


@dataclass
class TamperingProxy:
    """Listens at `port` and forwards to `target`.

    Attributes:
        tampered_response: the response to send instead of the target's; None forwards requests.
        asked: number of tampered responses; sent: their bytes that were accepted.
        heads: heads of all requests.
    """

    target: str
    port: int = 0
    tampered_response: ResponseStream | None = None
    asked: int = 0
    sent: int = 0
    heads: list[bytes] = field(default_factory=list)
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def respond_with(self, *pieces: bytes) -> None:
        """Send these bytes as every response from now on."""

        async def stream_pieces() -> AsyncIterator[bytes]:
            for piece in pieces:
                yield piece

        self.tampered_response = stream_pieces

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._open.add(task)
            task.add_done_callback(self._open.discard)
        ended = contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError)
        with ended, contextlib.closing(writer):
            request = await _request(reader)
            self.heads.append(request.partition(b"\r\n\r\n")[0])
            await (
                self._pass_on(request, writer)
                if self.tampered_response is None
                else self._send_tampered(self.tampered_response, writer)
            )

    async def _send_tampered(self, lie: ResponseStream, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        async for piece in lie():
            writer.write(piece)
            await writer.drain()
            self.sent += len(piece)

    async def _pass_on(self, request: bytes, writer: asyncio.StreamWriter) -> None:
        host, _, port = self.target.removeprefix("http://").partition(":")
        reader, there = await asyncio.open_connection(host, int(port))
        with contextlib.closing(there):
            there.write(request.replace(b"\r\n", b"\r\nconnection: close\r\n", 1))
            while some := await reader.read(65_536):
                writer.write(some)
            await writer.drain()

    async def close_connections(self) -> None:
        """Close every connection."""
        tasks = list(self._open)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks)


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next((int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:")), 0)
    headers = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    return b"\r\n".join(headers) + await reader.readexactly(length)


@contextlib.asynccontextmanager
async def open_proxy(target: str) -> AsyncIterator[TamperingProxy]:
    """Open a proxy that passes everything on."""
    wire = TamperingProxy(target)
    listening = await asyncio.start_server(wire.handle, "127.0.0.1", 0)
    wire.port = listening.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        listening.close()
        await wire.close_connections()


def reply(body: bytes = b"", status: int = 200, **headers: str) -> bytes:
    """Build a complete response."""
    named = {"content-length": str(len(body)), "content-type": "application/json", "connection": "close", **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status} Said\r\n{lines}\r\n".encode() + body


def build_chunk(body: bytes) -> bytes:
    """Build a chunk of a response without a content length."""
    return f"{len(body):x}\r\n".encode() + body + b"\r\n"
