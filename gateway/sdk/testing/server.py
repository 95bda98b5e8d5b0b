"""The server of a twin: in somebody else's event loop, taken down, and put up again at the same port."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from gateway.sdk.testing.sandbox import SandboxError


class Server:
    """Where a twin listens, on this machine only.

    Attributes:
        port: its own, also while it is down; 0 until it first listens, where none was given.
    """

    def __init__(self, app: ASGIApp, port: int | None = None) -> None:
        self._app, self.port = app, port or 0
        self._running: tuple[_Quiet, asyncio.Task[None]] | None = None

    async def open(self) -> None:
        """Listen, if it does not yet.

        Raises:
            SandboxError: another has the port.
        """
        if self._running is not None:
            return
        listening = self._listening()
        config = uvicorn.Config(self._app, log_config=None, log_level="critical", lifespan="off")
        server = _Quiet(config)
        self._running = server, asyncio.create_task(server.serve(sockets=[listening]))
        await server.up.wait()

    async def close(self) -> None:
        """Listen no more, and hang up on whoever is connected."""
        if self._running is None:
            return
        server, task = self._running
        server.should_exit = server.force_exit = True
        for connection in list(server.server_state.connections):
            if (transport := getattr(connection, "transport", None)) is not None:
                transport.abort()
        await task
        self._running = None

    def _listening(self) -> socket.socket:
        try:
            listening = socket.create_server(("127.0.0.1", self.port))
        except OSError as error:
            raise SandboxError(f"port: {self.port} is taken") from error
        # Else the second part of every answer waits until its reader's system has acknowledged the first: 40 ms.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = listening.getsockname()[1]
        return listening


class _Quiet(uvicorn.Server):
    """Leaves the signals to whoever runs the loop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
