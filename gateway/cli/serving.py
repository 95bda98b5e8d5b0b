"""The server: HTTP and sync in one process."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from gateway.app import create_app
from gateway.cli.errors import CommandError
from gateway.runtime import failures, open_gateway
from gateway.settings import Settings

_log = logging.getLogger(__name__)


async def serving(settings: Settings, host: str, port: int) -> None:
    """Serve until a signal ends it."""
    listening = _listening(host, port)
    async with open_gateway(settings) as gateway:
        for failure in failures(gateway.channels.values()):
            _log.warning("a channel is FAILED: %s", failure)
        server = uvicorn.Server(
            uvicorn.Config(
                create_app(gateway),
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=5,
            )
        )
        async with asyncio.TaskGroup() as tasks:
            syncing = tasks.create_task(gateway.serve())
            _log.info("listening on http://%s:%s/graphql", host, port)
            with _surviving_its_end():
                await server.serve(sockets=[listening])
            syncing.cancel()


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise CommandError(f"cannot listen on {host}:{port} ({reason}); choose another with --port") from error


@contextmanager
def _surviving_its_end() -> Iterator[None]:
    """The server raises the signal that ended it once more; ignored here, so that the gateway is closed in order."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
