"""A server in somebody else's event loop, which can be taken down and put up again at the same port."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from gateway.sdk.testing.sandbox import SandboxError


class QuietServer(uvicorn.Server):
    """Leaves the signals to whoever runs the loop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Listening:
    """Where the sandbox listens."""

    def __init__(self, app: ASGIApp, port: int | None) -> None:
        self._app, self.port = app, port or 0
        self._server: QuietServer | None = None
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Listen, if it does not yet."""
        if self._server is not None:
            return
        bound = self._bound()
        config = uvicorn.Config(
            self._app, log_config=None, log_level="critical", lifespan="off", timeout_graceful_shutdown=0
        )
        self._server = QuietServer(config)
        self._task = asyncio.create_task(self._server.serve(sockets=[bound]))
        while not self._server.started:
            if self._task.done():
                raise SandboxError(f"port: {self.port} cannot be listened on")
            await asyncio.sleep(0.005)

    async def close(self) -> None:
        """Stop listening, and drop who is connected."""
        server, task = self._server, self._task
        if server is None or task is None:
            return
        server.should_exit = server.force_exit = True
        for connection in list(server.server_state.connections):
            if (transport := getattr(connection, "transport", None)) is not None:
                transport.abort()
        await task
        self._server = self._task = None

    def _bound(self) -> socket.socket:
        bound = socket.socket()
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind(("127.0.0.1", self.port))
        except OSError as error:
            bound.close()
            raise SandboxError(f"port: {self.port} is taken") from error
        self.port = bound.getsockname()[1]
        return bound
