"""`python -m bench.selling_server URL PORT`: the server on a socket, of a retailer whose channels accept orders."""

from __future__ import annotations

import asyncio
import logging
import sys

import uvloop

from bench.order_process import open_selling_gateway
from bench.socket_server import serve_synced

UNLIMITED = {"limits": {"known": {"rate": 10**9}}}
"""All clients have the same token."""


async def listen(url: str, port: int) -> None:
    """Serve until a signal."""
    async with open_selling_gateway(url, **UNLIMITED) as gateway:
        await serve_synced(gateway, port)


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(listen(sys.argv[1], int(sys.argv[2])))
