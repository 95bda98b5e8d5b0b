"""A wire to a sandbox that a test can lie on, byte by byte: until then it passes everything on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

Said = Callable[[], AsyncIterator[bytes]]
"""What is said instead of an answer, piece by piece; the connection ends when it does."""


@dataclass
class Wire:
    """Listens at `port` and asks `target`.

    Attributes:
        lie: what is said instead of what the target would.
        asked: how often it lied; sent: bytes of lies that were taken.
        heads: of all requests.
    """

    target: str
    port: int = 0
    lie: Said | None = None
    asked: int = 0
    sent: int = 0
    heads: list[bytes] = field(default_factory=list)
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def says(self, *pieces: bytes) -> None:
        """Have it say just this from now on."""

        async def said() -> AsyncIterator[bytes]:
            for piece in pieces:
                yield piece

        self.lie = said

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._open.add(task)
            task.add_done_callback(self._open.discard)
        ended = contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError)
        with ended, contextlib.closing(writer):
            request = await _request(reader)
            self.heads.append(request.partition(b"\r\n\r\n")[0])
            await (self._pass_on(request, writer) if self.lie is None else self._lie(self.lie, writer))

    async def _lie(self, lie: Said, writer: asyncio.StreamWriter) -> None:
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

    async def hang_up(self) -> None:
        """End every connection."""
        tasks = list(self._open)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks)


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next((int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:")), 0)
    kept = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    return b"\r\n".join(kept) + await reader.readexactly(length)


@contextlib.asynccontextmanager
async def wire_to(target: str) -> AsyncIterator[Wire]:
    """A wire that tells the truth."""
    wire = Wire(target)
    listening = await asyncio.start_server(wire.take, "127.0.0.1", 0)
    wire.port = listening.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        listening.close()
        await wire.hang_up()


def reply(body: bytes = b"", status: int = 200, **headers: str) -> bytes:
    """A whole answer."""
    named = {"content-length": str(len(body)), "content-type": "application/json", "connection": "close", **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status} Said\r\n{lines}\r\n".encode() + body


def chunk(body: bytes) -> bytes:
    """A piece of an answer whose length nobody has said."""
    return f"{len(body):x}\r\n".encode() + body + b"\r\n"
