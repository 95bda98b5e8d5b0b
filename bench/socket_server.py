"""`python -m bench.socket_server URL PORT OPTIONS`: the server on a socket, over the goods. Options are JSON."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import sys

import uvloop

from bench.asgi_gateway import TOKEN, open_goods_gateway
from bench.synthetic_channel import Goods
from gateway.runtime.gateway import Gateway
from gateway.runtime.process import tune_process
from gateway.server.lifecycle import serve_gateway

CHANNELS = ("web", "till", "market")
READER = "bench-reader"
"""A token with limits: those of the kind ADMIN have none."""

RATE = 10**12
"""What a client may cost in a minute, so that costs are counted and none is rejected."""

LIMITS = {"limits": {"trusted_proxies": ["127.0.0.1"], "anonymous": {"rate": RATE}, "known": {"rate": RATE}}}
"""The proxy: otherwise all requests from this machine would count as one client."""

TOKENS = {
    "tokens": {
        "bench": {"token": TOKEN, "kind": "ADMIN", "scopes": ["*"]},
        "reader": {"token": READER, "scopes": ["stock:read"]},
    }
}

RENDERED_AND_RESPONSES = {"response_megabytes": 64, "rendered_megabytes": 64, "product_megabytes": 16}
"""The table `[server.caching]` with which both are cached."""


async def listen(url: str, port: int, *, products: int, channels: int = 1, **caching: int) -> None:
    """Serve until a signal. `channels`: how many channels list the goods; `caching`: keys of `[server.caching]`."""
    goods = Goods(products=products, seed=1, sizes=3)
    tables = {
        **LIMITS,
        **TOKENS,
        "channels": {key: {"plugin": "goods", "sells_to": "anyone"} for key in CHANNELS[:channels]},
        "server": {"caching": {"response_megabytes": 0, "rendered_megabytes": 0, "product_megabytes": 0, **caching}},
    }
    async with open_goods_gateway(url, goods, **tables) as gateway:
        await serve_synced(gateway, port)


async def serve_synced(gateway: Gateway, port: int) -> None:
    """Sync a gateway, and serve it on a port until a signal."""
    await gateway.run_due()
    tune_process()
    with socket.create_server(("127.0.0.1", port), backlog=2048, reuse_port=True) as listening:
        print("ready", flush=True)
        await serve_gateway(gateway, listening)


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(listen(sys.argv[1], int(sys.argv[2]), **json.loads(sys.argv[3])))
