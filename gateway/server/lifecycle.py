"""Lifecycle of the server: HTTP and sync in one process."""

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
from gateway.runtime.gateway import Gateway, list_failures, open_gateway
from gateway.server.graceful_shutdown import Server
from gateway.settings.problems import SettingsError
from gateway.settings.schema import Settings

KEEP_ALIVE_SECONDS = 75
"""Seconds for which an idle connection stays open. It is longer than in common load balancers, which would otherwise
send a request to a connection that the gateway closes.
"""

UNAWAITED_EXECUTOR = "coroutine 'Executor"
"""Begin of a warning about coroutines of the GraphQL library that never started, because the client disconnected."""

_log = logging.getLogger(__name__)


class ListenError(Exception):
    """The server cannot listen on the address. The message tells what to do."""


async def run_server(settings: Settings, host: str, port: int, reload: Callable[[], Settings]) -> None:
    """Run the server until a signal ends it. `reload`: loads the configuration again, for SIGHUP."""
    listening = _open_socket(host, port)
    asyncio.get_running_loop().set_exception_handler(_log_loop_error)
    async with open_gateway(settings) as gateway:
        for failure in list_failures(gateway.channels.values()):
            _log.warning("channel failed to open: %s", failure)
        if settings.server.exposes_schema and not _is_loopback(host):
            _log.warning(
                "development mode, but %s is reachable from other machines: unauthenticated clients "
                "can read the schema",
                host,
            )
        _log.info("listening on http://%s:%s/graphql", host, port)
        with _reload_on_hangup(gateway, reload):
            await serve_gateway(gateway, listening)


async def serve_gateway(gateway: Gateway, listening: socket.socket) -> None:
    """Serve an open gateway on this socket and keep it in sync, until a signal ends it."""
    warnings.filterwarnings("ignore", UNAWAITED_EXECUTOR, RuntimeWarning)
    server = create_server(gateway, create_app(gateway))
    async with asyncio.TaskGroup() as tasks:
        syncing = tasks.create_task(gateway.background.run())
        with _ignore_signals():
            await server.serve(sockets=[listening])
        syncing.cancel()
    await gateway.log_caches()


def _log_loop_error(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an error that no one handled. asyncio's own line would show values."""
    _log.error("%s", context.get("message", "unhandled error"), exc_info=context.get("exception"))


@contextmanager
def _reload_on_hangup(gateway: Gateway, reload: Callable[[], Settings]) -> Iterator[None]:
    """Load the tokens of the configuration again at SIGHUP. An invalid configuration leaves them as they are."""
    if not hasattr(signal, "SIGHUP"):
        yield
        return
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, _reload_tokens, gateway, reload)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)


def _reload_tokens(gateway: Gateway, reload: Callable[[], Settings]) -> None:
    try:
        tables = reload().tokens
    except SettingsError as error:
        _log.error("the tokens were not loaded again: %s", "; ".join(error.problems))
        return
    gateway.tokens.replace_configured(tables)
    _log.info("loaded %d tokens of the configuration again", len(tables))


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


def create_server(gateway: Gateway, app: Callable[..., Any]) -> Server:
    """Create the server for the application of an open gateway."""
    table = gateway.settings.server
    config = uvicorn.Config(
        app,
        http=_choose_protocol(),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the gateway has its own setting for trusted proxies
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=math.ceil(table.drain.total_seconds()),
    )
    return Server(config, table.linger.total_seconds(), gateway.start_shutdown)


def _choose_protocol() -> Literal["auto"] | type[asyncio.Protocol]:
    if sys.platform == "win32":  # where uvicorn does not install httptools, which the gateway's connection needs
        return "auto"
    from gateway.server.connection import Connection

    return Connection


def _open_socket(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise ListenError(f"cannot listen on {host}:{port} ({reason}); choose another port with --port") from error


@contextmanager
def _ignore_signals() -> Iterator[None]:
    """Ignore the signal that uvicorn raises again after its shutdown, so that the gateway can close."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
