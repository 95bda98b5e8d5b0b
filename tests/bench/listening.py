"""`python -m tests.bench.listening URL PORT PRODUCTS`: the server on a socket, over the goods."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys

import uvloop

from gateway.cli.serving import answering
from gateway.runtime import settle
from tests.bench.goods import Goods
from tests.bench.house import gateway_over

TRUSTED = {"limits": {"trusted_proxies": ["127.0.0.1"]}}
"""Or all who ask from this machine would be one client."""


async def listen(url: str, port: int, products: int) -> None:
    """Serve until a signal ends it."""
    async with gateway_over(url, Goods(products=products, seed=1, sizes=3), **TRUSTED) as gateway:
        await gateway.run_due()
        settle()
        with socket.create_server(("127.0.0.1", port), backlog=2048, reuse_port=True) as listening:
            print("ready", flush=True)
            await answering(gateway, listening)


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(listen(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
