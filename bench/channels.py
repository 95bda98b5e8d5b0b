"""The complete demo: a list over its three channels while some are broken, and the delay of webhooks."""

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

from bench.timing import Seconds, summarize

ROOT = Path(__file__).parents[1]
CHANNEL_SETS = {"one": ("web",), "two": ("web", "amazon"), "all": ("till", "web", "amazon")}
MODES = ("down", "hang", "garbage")
FAULTS: dict[str, dict[str, str]] = {
    f"{name} {mode}": {channel: mode for channel in channels if (channel, mode) != ("till", "garbage")}
    for name, channels in CHANNEL_SETS.items()
    for mode in MODES
}
"""A till in a file cannot return invalid data, so it has no such fault."""
LIST = """{ products(first: 20) { nodes { title variants(first: 5) { nodes { sku
  listings { channel { key } price { amount currencyCode } observedAt }
  web: stock(channelKey: "web") { status available levels { nodes { location { key } onHand } } }
  till: stock(channelKey: "till") { status available levels { nodes { location { key } onHand } } }
} } } } }"""
PRICE = """query ($channel: String) { productVariants(first: 1, filter: {skus: ["22423"]}) { nodes {
  price(channelKey: $channel) { amount } } } }"""
POLLED_FEEDS = {"till": "products", "amazon": "listings"}
"""Channels without webhooks, and the feed by which a price change is detected."""
SECONDS = {"s": 1, "m": 60}


async def measure(*, queries: int, changes: int) -> dict[str, float]:
    """Measure the milliseconds of the list with each fault, and of a price change until a query shows it."""
    with tempfile.TemporaryDirectory() as directory:
        async with run_demo(Path(directory)) as (gateway, outside):
            await time_queries(gateway, queries // 4)
            found = summarize("quiet", await time_queries(gateway, queries)) | summarize(
                "seen", await measure_changes(gateway, outside, changes)
            )
            for one in await asyncio.gather(
                *(measure_polled_change(gateway, outside, channel) for channel in POLLED_FEEDS)
            ):
                found |= one
            for name, modes in FAULTS.items():
                found |= summarize(name, await measure_fault(gateway, outside, modes, queries))
            return found


async def measure_fault(
    gateway: httpx2.AsyncClient, outside: httpx2.AsyncClient, modes: dict[str, str], queries: int
) -> Seconds:
    """Time the list while channels are broken, after the faults have been detected."""
    for channel, mode in modes.items():
        await outside.post(f"/world/{channel}/fault", json={"mode": mode})
    await time_queries(gateway, queries // 4)
    taken = await time_queries(gateway, queries)
    for channel in modes:
        await outside.post(f"/world/{channel}/fault", json={"mode": "ok"})
    return taken


async def time_queries(gateway: httpx2.AsyncClient, queries: int) -> Seconds:
    """Time queries, one after the other."""
    taken: Seconds = []
    for _ in range(queries):
        begun = time.perf_counter()
        await query(gateway, LIST)
        taken.append(time.perf_counter() - begun)
        await asyncio.sleep(0.05)
    return taken


async def query(gateway: httpx2.AsyncClient, query: str, **variables: str) -> Any:
    """Return the data of a response; fail on errors."""
    answer = (await gateway.post("/graphql", json={"query": query, "variables": variables})).json()
    if "errors" in answer:
        raise AssertionError(answer["errors"])
    return answer["data"]


async def measure_changes(gateway: httpx2.AsyncClient, outside: httpx2.AsyncClient, changes: int) -> Seconds:
    """Measure changes in the web store until a query shows them."""
    taken: Seconds = []
    for n in range(changes):
        taken.append(await measure_change(gateway, outside, "web", Decimal(10 + n)))
        await asyncio.sleep(0.3)
    return taken


async def measure_polled_change(
    gateway: httpx2.AsyncClient, outside: httpx2.AsyncClient, channel: str
) -> dict[str, float]:
    """Measure one change in a polled channel, and its interval."""
    every = (await outside.get("/world")).json()[channel]["every"][POLLED_FEEDS[channel]]
    taken = await measure_change(gateway, outside, channel, Decimal(30))
    return {f"{channel}_seen": taken * 1000, f"{channel}_every": 1000.0 * int(every[:-1]) * SECONDS[every[-1]]}


async def measure_change(
    gateway: httpx2.AsyncClient, outside: httpx2.AsyncClient, channel: str, price: Decimal
) -> float:
    """Measure a change of a net price until a query shows it: at the till unchanged, elsewhere including tax."""
    gross = price if channel == "till" else (price * Decimal("1.175")).quantize(Decimal("0.01"), "ROUND_HALF_UP")
    begun = time.perf_counter()
    await outside.post(f"/world/{channel}/price", json={"sku": "22423", "amount": str(price)})
    while await _query_price(gateway, channel) != gross:  # noqa: ASYNC110 as a client would
        await asyncio.sleep(0.005)
    return time.perf_counter() - begun


async def _query_price(gateway: httpx2.AsyncClient, channel: str) -> Decimal:
    found = await query(gateway, PRICE, channel=channel)
    return Decimal(found["productVariants"]["nodes"][0]["price"]["amount"])


@contextlib.asynccontextmanager
async def run_demo(directory: Path) -> AsyncIterator[tuple[httpx2.AsyncClient, httpx2.AsyncClient]]:
    """Run a demo, and yield clients of its gateway and of its control server."""
    port, pipe = _find_free_ports(), asyncio.subprocess.PIPE
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


def _find_free_ports() -> int:
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            with contextlib.suppress(OSError, OverflowError):
                second.bind(("127.0.0.1", port + 1))
                return port
