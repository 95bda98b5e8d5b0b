"""Servers in processes of their own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True)
class Listening:
    """One server, which can be ended and begun again on the same port."""

    url: str
    products: int
    port: int
    process: Process | None = None

    @classmethod
    def at(cls, url: str, products: int) -> Listening:
        """On a port that is free."""
        with socket.create_server(("127.0.0.1", 0)) as found:
            return cls(url, products, found.getsockname()[1])

    async def begin(self) -> None:
        """Start it, and wait until it answers."""
        command = (sys.executable, "-m", "tests.bench.listening", self.url, str(self.port), str(self.products))
        self.process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
        assert self.process.stdout is not None
        if await self.process.stdout.readline() != b"ready\n":
            raise AssertionError("the server did not start")

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    async def end(self) -> int:
        """SIGTERM, and its exit code."""
        assert self.process is not None
        self.process.terminate()
        return await self.process.wait()


@contextlib.asynccontextmanager
async def listening(products: int) -> AsyncIterator[Listening]:
    """A server on SQLite."""
    with tempfile.TemporaryDirectory() as directory:
        server = Listening.at(f"sqlite:///{Path(directory) / 'gateway.db'}", products)
        await server.begin()
        try:
            yield server
        finally:
            await server.end()
