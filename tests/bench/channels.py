"""The demo as it is run: a list over its three channels while some are broken, and how soon a webhook is seen."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2

from tests.bench.times import Seconds, summary

ROOT = Path(__file__).parents[2]
TWINS = {"one": ("web",), "two": ("web", "amazon"), "all": ("till", "web", "amazon")}
MODES = ("down", "hang", "garbage")
BROKEN: dict[str, dict[str, str]] = {
    f"{name} {mode}": {channel: mode for channel in channels if (channel, mode) != ("till", "garbage")}
    for name, channels in TWINS.items()
    for mode in MODES
}
"""A till that is a file cannot talk nonsense: with all of them it stays as it is."""
LIST = """{ products(first: 20) { nodes { title variants(first: 5) { nodes { sku
  listings { channel { key } price { amount currencyCode } observedAt }
  web: stock(channelKey: "web") { status available levels { nodes { location { key } onHand } } }
  till: stock(channelKey: "till") { status available levels { nodes { location { key } onHand } } }
} } } } }"""
PRICE = """query ($channel: String) { productVariants(first: 1, filter: {skus: ["22423"]}) { nodes {
  price(channelKey: $channel) { amount } } } }"""
POLLED = {"till": "products", "amazon": "listings"}
"""Channels that tell nothing by themselves, and the feed by which a price is noticed."""
SECONDS = {"s": 1, "m": 60}


async def measure(*, queries: int, changes: int) -> dict[str, float]:
    """Milliseconds of the list on a quiet day and under each fault; and of a price until it is seen, by channel."""
    with tempfile.TemporaryDirectory() as directory:
        async with demo(Path(directory)) as (gateway, outside):
            await asked(gateway, queries // 4)
            found = summary("quiet", await asked(gateway, queries)) | summary(
                "seen", await seen(gateway, outside, changes)
            )
            for one in await asyncio.gather(*(noticed(gateway, outside, channel) for channel in POLLED)):
                found |= one
            for name, modes in BROKEN.items():
                found |= summary(name, await under(gateway, outside, modes, queries))
            return found


async def under(
    gateway: httpx2.AsyncClient, outside: httpx2.AsyncClient, modes: dict[str, str], queries: int
) -> Seconds:
    """The list, while channels are broken, and have been for as long as it takes to notice."""
    for channel, mode in modes.items():
        await outside.post(f"/world/{channel}/fault", json={"mode": mode})
    await asked(gateway, queries // 4)
    taken = await asked(gateway, queries)
    for channel in modes:
        await outside.post(f"/world/{channel}/fault", json={"mode": "ok"})
    return taken


async def asked(gateway: httpx2.AsyncClient, queries: int) -> Seconds:
    """One after the other."""
    taken: Seconds = []
    for _ in range(queries):
        begun = time.perf_counter()
        await data(gateway, LIST)
        taken.append(time.perf_counter() - begun)
        await asyncio.sleep(0.05)
    return taken


async def data(gateway: httpx2.AsyncClient, query: str, **variables: str) -> Any:
    """What the answer says, which has no errors."""
    answer = (await gateway.post("/graphql", json={"query": query, "variables": variables})).json()
    if "errors" in answer:
        raise AssertionError(answer["errors"])
    return answer["data"]


async def seen(gateway: httpx2.AsyncClient, outside: httpx2.AsyncClient, changes: int) -> Seconds:
    """From a change in the web store until a query shows it."""
    taken: Seconds = []
    for n in range(changes):
        taken.append(await until_seen(gateway, outside, "web", Decimal(10 + n)))
        await asyncio.sleep(0.3)
    return taken


async def noticed(gateway: httpx2.AsyncClient, outside: httpx2.AsyncClient, channel: str) -> dict[str, float]:
    """As `seen`, once, in a channel that is polled; and how often it is."""
    every = (await outside.get("/world")).json()[channel]["every"][POLLED[channel]]
    taken = await until_seen(gateway, outside, channel, Decimal(30))
    return {f"{channel}_seen": taken * 1000, f"{channel}_every": 1000.0 * int(every[:-1]) * SECONDS[every[-1]]}


async def until_seen(gateway: httpx2.AsyncClient, outside: httpx2.AsyncClient, channel: str, price: Decimal) -> float:
    """From a change of a price, told before tax, until a query shows it: at the till as it is, elsewhere with tax."""
    gross = price if channel == "till" else (price * Decimal("1.175")).quantize(Decimal("0.01"), "ROUND_HALF_UP")
    begun = time.perf_counter()
    await outside.post(f"/world/{channel}/price", json={"sku": "22423", "amount": str(price)})
    while await _price(gateway, channel) != gross:  # noqa: ASYNC110 as a client would
        await asyncio.sleep(0.005)
    return time.perf_counter() - begun


async def _price(gateway: httpx2.AsyncClient, channel: str) -> Decimal:
    found = await data(gateway, PRICE, channel=channel)
    return Decimal(found["productVariants"]["nodes"][0]["price"]["amount"])


@contextlib.asynccontextmanager
async def demo(directory: Path) -> AsyncIterator[tuple[httpx2.AsyncClient, httpx2.AsyncClient]]:
    """Clients of a running demo's gateway, and of its outside world."""
    port, pipe = _two_free_ports(), asyncio.subprocess.PIPE
    environment = {**os.environ, "PORT": str(port), "DEMO_STATE": str(directory / "state")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "examples.demo", cwd=ROOT, env=environment, stdout=pipe, stderr=asyncio.subprocess.DEVNULL
    )
    if process.stdout is None:
        raise AssertionError("the demo prints nothing")
    while "Ctrl-C ends" not in (line := (await process.stdout.readline()).decode()):
        if not line:
            raise AssertionError("the demo ended")
    staff = {"authorization": "Bearer demo-staff"}
    addresses = [f"http://127.0.0.1:{port + n}" for n in (0, 1)]
    async with (
        httpx2.AsyncClient(base_url=addresses[0], headers=staff, timeout=30) as gateway,
        httpx2.AsyncClient(base_url=addresses[1], timeout=30) as outside,
    ):
        yield gateway, outside
    process.send_signal(signal.SIGINT)
    await process.communicate()


def _two_free_ports() -> int:
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            with contextlib.suppress(OSError, OverflowError):
                second.bind(("127.0.0.1", port + 1))
                return port
