"""The server as `gateway serve` runs it, on a socket, inside the test's own event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from gateway.app import create_app
from gateway.cli.leaving import Server
from gateway.cli.serving import served
from gateway.runtime import Gateway
from tests.graphql.world import schema

QUERY = b'{"query":"{ __typename }"}'
POST = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (
    len(QUERY),
    QUERY,
)


@dataclass(frozen=True)
class Served:
    """A running server."""

    server: Server
    port: int

    @property
    def connections(self) -> int:
        return len(self.server.server_state.connections)

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[Line]:
        """A connection to it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield Line(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


@dataclass(frozen=True)
class Line:
    """One connection, by the bytes."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, *parts: bytes) -> None:
        for part in parts:
            self.writer.write(part)
        await self.writer.drain()

    async def answer(self) -> tuple[int, bytes]:
        """The status and the body of one answer."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        length = int(lengths[0].split(b":")[1]) if lengths else 0
        return int(head.split()[1]), await self.reader.readexactly(length)

    async def is_closed(self) -> bytes:
        """What still comes until the other side closes."""
        try:
            return await self.reader.read()
        except ConnectionError:
            return b""


@contextlib.asynccontextmanager
async def serving(gateway: Gateway) -> AsyncIterator[Served]:
    """A server in front of this gateway, until the end of the block at the latest."""
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listening:
        server = served(gateway, create_app(gateway, schema()))
        running = asyncio.create_task(server._serve([listening]))  # without its signal handlers
        await until(lambda: server.started)
        try:
            yield Served(server, listening.getsockname()[1])
        finally:
            server.should_exit = True
            await running


async def until(true: Callable[[], bool]) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 whatever the condition is
            await asyncio.sleep(0.005)


async def answers(lines: Sequence[Line]) -> list[tuple[int, bytes]]:
    """One answer of each."""
    return list(await asyncio.gather(*(line.answer() for line in lines)))
