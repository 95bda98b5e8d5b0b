"""The server as `gateway serve` runs it, on a socket, inside the event loop of the test."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from gateway.app import create_app
from gateway.runtime.gateway import Gateway
from gateway.server.graceful_shutdown import Server
from gateway.server.lifecycle import create_server
from tests.graphql.world import get_schema

QUERY = b'{"query":"{ __typename }"}'
POST = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (
    len(QUERY),
    QUERY,
)


@dataclass(frozen=True)
class RunningServer:
    """A server in operation."""

    server: Server
    port: int

    @property
    def connections(self) -> int:
        return len(self.server.server_state.connections)

    @contextlib.asynccontextmanager
    async def connect(self) -> AsyncIterator[RawConnection]:
        """Open a connection to the server."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield RawConnection(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


@dataclass(frozen=True)
class RawConnection:
    """A connection, read and written as bytes."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, *parts: bytes) -> None:
        for part in parts:
            self.writer.write(part)
        await self.writer.drain()

    async def answer(self) -> tuple[int, bytes]:
        """Read the status and the body of one response."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        length = int(lengths[0].split(b":")[1]) if lengths else 0
        return int(head.split()[1]), await self.reader.readexactly(length)

    async def is_closed(self) -> bytes:
        """Read the remaining bytes until the peer closes the connection."""
        try:
            return await self.reader.read()
        except ConnectionError:
            return b""


@contextlib.asynccontextmanager
async def serve(gateway: Gateway, *, has_hot_path: bool = True) -> AsyncIterator[RunningServer]:
    """Serve this gateway until the end of the block at the latest."""
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listening:
        server = create_server(gateway, create_app(gateway, get_schema(), has_hot_path=has_hot_path))
        running = asyncio.create_task(server._serve([listening]))  # without its signal handlers
        await wait_until(lambda: server.started)
        try:
            yield RunningServer(server, listening.getsockname()[1])
        finally:
            server.should_exit = True
            await running


async def wait_until(true: Callable[[], bool]) -> None:
    """Wait until the condition is true."""
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 the condition has no event
            await asyncio.sleep(0.005)


async def read_answers(lines: Sequence[RawConnection]) -> list[tuple[int, bytes]]:
    """Read one response from each connection."""
    return list(await asyncio.gather(*(line.answer() for line in lines)))
