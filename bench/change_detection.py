"""The time until the demo's gateway detects a sale, in each of its channels."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx2

from bench.channels import SECONDS, query, run_demo

COUNTED = {"till": "store-london", "web": "warehouse-leeds", "amazon": "amazon-fba"}
"""A location that each channel counts."""

FEEDS = {"till": "stock", "web": "stock", "amazon": "fba-stock"}
LEVELS = """query ($at: String!) { stockLevels(first: 50, locationKey: $at) { nodes {
  variant { sku } available } } }"""
LEVEL = """query ($at: String!, $sku: String!) {
  stockLevels(first: 1, locationKey: $at, filter: { skus: [$sku] }) { nodes { available } } }"""


async def measure() -> dict[str, float]:
    """Measure the milliseconds from a sale until a query shows it, and the seconds between polls, by channel."""
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as directory:
        async with run_demo(Path(directory)) as (gateway, outside):
            world = (await outside.get("/world")).json()
            await _measure_detection(gateway, outside, "web")  # its webhooks are subscribed shortly after the start
            seen = await asyncio.gather(*(_measure_detection(gateway, outside, channel) for channel in COUNTED))
            for channel, taken in zip(COUNTED, seen, strict=True):
                every = world[channel]["every"][FEEDS[channel]]
                found[f"{channel}_seen"] = 1000 * taken
                found[f"{channel}_every"] = int(every[:-1]) * SECONDS[every[-1]]
    return found


async def _measure_detection(gateway: httpx2.AsyncClient, outside: httpx2.AsyncClient, channel: str) -> float:
    """Sell the first available product, and wait until a query shows it."""
    at = COUNTED[channel]
    for level in (await query(gateway, LEVELS, at=at))["stockLevels"]["nodes"]:
        sku, before = level["variant"]["sku"], level["available"]
        begun = time.perf_counter()
        if before and sku and await _sell(outside, channel, {"sku": sku, "quantity": 1, "location": at}):
            while await _query_available(gateway, at, sku) == before:  # noqa: ASYNC110 as a client would
                await asyncio.sleep(0.02)
            return time.perf_counter() - begun
    raise AssertionError(f"no product is available at {at}")


async def _sell(outside: httpx2.AsyncClient, channel: str, what: dict[str, Any]) -> bool:
    return (await outside.post(f"/world/{channel}/sell", json=what)).status_code == 200


async def _query_available(gateway: httpx2.AsyncClient, at: str, sku: str) -> int | None:
    (level,) = (await query(gateway, LEVEL, at=at, sku=sku))["stockLevels"]["nodes"]
    available: int | None = level["available"]
    return available
