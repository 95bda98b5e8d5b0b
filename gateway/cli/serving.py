"""The server: HTTP and sync in one process."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import signal
import socket
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import uvicorn

from gateway.app import create_app
from gateway.cli.errors import CommandError
from gateway.cli.leaving import Server
from gateway.runtime import Gateway, failures, open_gateway
from gateway.settings import Settings

KEPT = 75
"""Seconds for which a connection is kept that nothing is asked on: longer than by the usual balancers, or they send a
request just as we close."""

UNBEGUN = "coroutine 'Executor"
"""How a warning begins about what the GraphQL library had not begun of a query whose client left: no fault."""

_log = logging.getLogger(__name__)


async def serving(settings: Settings, host: str, port: int) -> None:
    """Serve until a signal ends it."""
    listening = _listening(host, port)
    async with open_gateway(settings) as gateway:
        for failure in failures(gateway.channels.values()):
            _log.warning("a channel is FAILED: %s", failure)
        if settings.server.is_open and not _is_loopback(host):
            _log.warning("development mode, and %s can be reached from elsewhere: strangers see the schema", host)
        _log.info("listening on http://%s:%s/graphql", host, port)
        await answering(gateway, listening)


async def answering(gateway: Gateway, listening: socket.socket) -> None:
    """Serve an open gateway on this socket, and keep it in sync, until a signal ends it."""
    warnings.filterwarnings("ignore", UNBEGUN, RuntimeWarning)
    server = served(gateway, create_app(gateway))
    async with asyncio.TaskGroup() as tasks:
        syncing = tasks.create_task(gateway.serve())
        with _surviving_its_end():
            await server.serve(sockets=[listening])
        syncing.cancel()


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


def served(gateway: Gateway, app: Callable[..., Any]) -> Server:
    """The server in front of an open gateway's application."""
    table = gateway.settings.server
    config = uvicorn.Config(
        app,
        http=_protocol(),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # who is trusted to tell another's address is the gateway's own setting
        timeout_keep_alive=KEPT,
        timeout_graceful_shutdown=math.ceil(table.drain.total_seconds()),
    )
    return Server(config, table.linger.total_seconds(), gateway.leave)


def _protocol() -> Literal["auto"] | type[asyncio.Protocol]:
    if sys.platform == "win32":  # where uvicorn's quicker parser, on which ours builds, is not installed
        return "auto"
    from gateway.cli.connections import Connection

    return Connection


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
