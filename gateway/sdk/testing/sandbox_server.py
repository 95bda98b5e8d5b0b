"""The HTTP server of a sandbox: it runs in an existing event loop and can be stopped and restarted at the same port."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from gateway.sdk.testing.sandbox import SandboxError


class Server:
    """An HTTP server on the loopback interface.

    Attributes:
        port: Port of the server, also while it is stopped; 0 until the first start if none was given.
    """

    def __init__(self, app: ASGIApp, port: int | None = None) -> None:
        self._app, self.port = app, port or 0
        self._running: tuple[_EmbeddedServer, asyncio.Task[None]] | None = None

    async def open(self) -> None:
        """Start the server if it is stopped.

        Raises:
            SandboxError: The port is in use.
        """
        if self._running is not None:
            return
        listening = self._open_socket()
        config = uvicorn.Config(self._app, log_config=None, log_level="critical", lifespan="off")
        server = _EmbeddedServer(config)
        self._running = server, asyncio.create_task(server.serve(sockets=[listening]))
        await server.up.wait()

    async def close(self) -> None:
        """Stop the server and close all connections."""
        if self._running is None:
            return
        server, task = self._running
        server.should_exit = server.force_exit = True
        for connection in list(server.server_state.connections):
            if (transport := getattr(connection, "transport", None)) is not None:
                transport.abort()
        await task
        self._running = None

    def _open_socket(self) -> socket.socket:
        try:
            listening = socket.create_server(("127.0.0.1", self.port))
        except OSError as error:
            raise SandboxError(f"port: {self.port} is in use") from error
        # Without it, the second part of every response waits 40 ms for the acknowledgment of the first.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = listening.getsockname()[1]
        return listening


class _EmbeddedServer(uvicorn.Server):
    """A server that leaves signal handling to the owner of the event loop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
