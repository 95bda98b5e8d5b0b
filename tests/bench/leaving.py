"""Clients that leave while their queries wait for a channel: how soon it is asked for nothing any more."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from gateway.storage.database import Database
from gateway.storage.migrate import migrate
from tests.bench.times import percentile
from tests.graphql.test_stock import LIVE, variant_id
from tests.graphql.world import STAFF, small_world
from tests.http.held import PATIENT, Held, message
from tests.http.served import serving, until


async def measure(*, times: int) -> dict[str, float]:
    """Milliseconds from the end of a connection to the end of the channel call, so many times."""
    with tempfile.TemporaryDirectory() as directory:
        url = f"sqlite:///{Path(directory) / 'gateway.db'}"
        await _made(url)
        took = await _left(url, times)
    return {f"p{share}": 1000 * percentile(took, share / 100) for share in (50, 99)}


async def _made(url: str) -> None:
    database = Database(url)
    await migrate(database)
    await database.close()


async def _left(url: str, times: int) -> list[float]:
    took = []
    async with small_world(url, channels=PATIENT, limits={"deadline": "20s"}) as world, serving(world.gateway) as here:
        asks = message(LIVE, STAFF, ids=[await variant_id(world, "MUG")], age=1)
        world.clock.forward(seconds=60)
        for _ in range(times):
            held = Held()
            with world.stores["till"].under(held, feed="stock"):
                async with here.connected() as line:
                    await line.send(asks)
                    await held.reached.wait()
                    line.writer.transport.abort()
                    begun = time.perf_counter()
                    await held.left.wait()
                    took.append(time.perf_counter() - begun)
            await until(lambda: here.connections == 0)
    return took
