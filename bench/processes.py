"""Servers in separate processes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.node_servers import FOLDER


@dataclass(slots=True)
class ServerProcess:
    """A server that can be stopped and restarted on the same port."""

    command: Sequence[str]
    port: int
    process: Process | None = None

    @classmethod
    def create(cls, url: str, **options: Any) -> ServerProcess:
        """Create a gateway on a free port. `options`: those of `bench.socket_server`."""
        port = _find_free_port()
        return cls([sys.executable, "-m", "bench.socket_server", url, str(port), json.dumps(options)], port)

    @classmethod
    def create_selling(cls, url: str) -> ServerProcess:
        """Create a gateway that takes orders, on a free port."""
        port = _find_free_port()
        return cls([sys.executable, "-m", "bench.selling_server", url, str(port)], port)

    async def start(self) -> None:
        """Start the server, and wait until it responds."""
        environment = os.environ | {"NODE_ENV": "production"}
        self.process = await asyncio.create_subprocess_exec(*self.command, stdout=PIPE, env=environment)
        assert self.process.stdout is not None
        if await self.process.stdout.readline() != b"ready\n":
            raise AssertionError("the server did not start")

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    async def stop(self) -> int:
        """Send SIGTERM, and return the exit code."""
        assert self.process is not None
        self.process.terminate()
        return await self.process.wait()


def _find_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


@contextlib.asynccontextmanager
async def run_server(products: int, **options: Any) -> AsyncIterator[ServerProcess]:
    """Run a gateway on SQLite."""
    with tempfile.TemporaryDirectory() as directory:
        server = ServerProcess.create(f"sqlite:///{Path(directory) / 'gateway.db'}", products=products, **options)
        async with _run(server):
            yield server


@contextlib.asynccontextmanager
async def run_plain_server(kind: str, file: Path, node: str | None = None) -> AsyncIterator[ServerProcess]:
    """Run a server without a gateway that serves the list of the file: one of `bench.plain_server`, or a script of
    Node.js.
    """
    port = _find_free_port()
    program = [sys.executable, "-m", "bench.plain_server", kind] if node is None else [node, FOLDER / f"{kind}.js"]
    server = ServerProcess([*map(str, program), str(port), str(file)], port)
    async with _run(server):
        yield server


@contextlib.asynccontextmanager
async def _run(server: ServerProcess) -> AsyncIterator[None]:
    await server.start()
    try:
        yield
    finally:
        await server.stop()
