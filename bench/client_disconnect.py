"""Clients that disconnect while their queries wait for a channel: the time until the call is canceled."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from bench.timing import compute_percentile
from gateway.storage.database import Database
from gateway.storage.migrate import migrate
from tests.graphql.test_stock import LIVE, fetch_variant_id
from tests.graphql.world import STAFF, open_small_world
from tests.http.blocked_channel import PATIENT, BlockedChannel, build_query_message
from tests.http.server import serve, wait_until


async def measure(*, times: int) -> dict[str, float]:
    """Measure the milliseconds from the end of a connection to the end of the channel call."""
    with tempfile.TemporaryDirectory() as directory:
        url = f"sqlite:///{Path(directory) / 'gateway.db'}"
        await _create_database(url)
        took = await _measure_disconnects(url, times)
    return {f"p{share}": 1000 * compute_percentile(took, share / 100) for share in (50, 99)}


async def _create_database(url: str) -> None:
    database = Database(url)
    await migrate(database)
    await database.close()


async def _measure_disconnects(url: str, times: int) -> list[float]:
    took = []
    async with (
        open_small_world(url, channels=PATIENT, limits={"deadline": "20s"}) as world,
        serve(world.gateway) as here,
    ):
        asks = build_query_message(LIVE, STAFF, ids=[await fetch_variant_id(world, "MUG")], age=1)
        world.clock.forward(seconds=60)
        for _ in range(times):
            held = BlockedChannel()
            with world.stores["till"].under(held, feed="stock"):
                async with here.connect() as line:
                    await line.send(asks)
                    await held.reached.wait()
                    line.writer.transport.abort()
                    begun = time.perf_counter()
                    await held.left.wait()
                    took.append(time.perf_counter() - begun)
            await wait_until(lambda: here.connections == 0)
    return took
