"""Two gateways on one PostgreSQL with the same and other channels, while these change: in the end both have the same
state.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy.exc import DBAPIError

from gateway.model.channels import Resource
from gateway.runtime.gateway import Gateway
from gateway.sdk import Ref
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage.sync import source_records
from gateway.sync.scheduler import LEASE_DURATION
from tests.conftest import build_database_url, execute_on_postgres
from tests.gateways import Clock, run_gateway
from tests.sync.database_state import clear_database, select_state

pytestmark = pytest.mark.anyio

ROUNDS = 25
IDS = [str(n) for n in range(30)]
CHANNELS = ("till", "web", "market")


@pytest.fixture
def urls(postgres_server: str, fresh_names: Iterator[int]) -> Iterator[list[str]]:
    names = [f"torture_{next(fresh_names)}" for _ in range(2)]
    for name in names:
        execute_on_postgres(postgres_server, f"CREATE DATABASE {name} TEMPLATE template_gateway")
    yield [build_database_url(postgres_server, name) for name in names]
    for name in names:
        execute_on_postgres(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


def change(stores: dict[str, MemoryStore], chance: random.Random) -> None:
    """Change something in a random channel."""
    store, id_ = stores[chance.choice(CHANNELS)], chance.choice(IDS)
    match chance.randrange(5):
        case 0 if id_ in store.rows("products"):
            store.remove("products", id_)
        case 1 | 2:
            store.put("stock", record_builders.build_stock(id_, "shop", chance.randrange(-3, 50)))
        case _:
            sku = chance.choice((None, f"SKU-{int(id_) % 12}"))
            store.put("products", record_builders.build_product(id_, sku=sku, price=f"{chance.randrange(1, 90)}.00"))


async def work(gateway: Gateway, clock: Clock, chance: random.Random) -> None:
    """Run what one gateway may do: all due work, a live read, a hint. Losing a lease to the other is harmless."""
    channel = chance.choice(CHANNELS)
    match chance.randrange(4):
        case 0:
            refs = [Ref(f"{id_}@shop") for id_ in chance.sample(IDS, 5)]
            sync = gateway.channel_syncs[channel]
            await gateway.live_reads.refresh(channel, Resource.STOCK, refs, sync.table.call_deadline)
        case 1:
            ids = chance.sample(IDS, 5)
            await gateway.database.write(source_records.hint_records, channel, "PRODUCTS", "products", ids, clock())
        case _:
            await gateway.request_sync(channel, sweep=chance.random() < 0.3)
            await gateway.run_due()


async def check_concurrent_syncs(urls: list[str], *, versions: bool) -> None:
    seed = random.randrange(2**32)
    chance, clock = random.Random(seed), Clock()
    stores: dict[str, MemoryStore] = {key: MemoryStore() for key in CHANNELS}
    able: dict[str, Any] = {"page_size": 7, "feeds": ["products", "stock"], "versions": versions}
    channels = {key: {"config": able} for key in CHANNELS}
    async with AsyncExitStack() as stack:
        pair = [await stack.enter_async_context(run_gateway(urls[0], stores, clock, channels)) for _ in range(2)]
        await pair[0].database.write(clear_database)
        for _ in range(ROUNDS):
            for _ in range(chance.randrange(1, 15)):
                change(stores, chance)
            tasks = [asyncio.create_task(work(gateway, clock, chance)) for gateway in pair for _ in range(2)]
            if chance.random() < 0.5:
                clock.forward(seconds=LEASE_DURATION.total_seconds() + 1)  # so the other gateway takes over the leases
            await asyncio.gather(*tasks)
            clock.forward(minutes=1)
        both = await sweep_both(pair, clock)
    async with run_gateway(urls[1], stores, clock, channels) as clean:
        await clean.database.write(clear_database)
        await clean.run_due()
        assert both == await clean.database.read(select_state), f"seed {seed}"


@pytest.mark.parametrize("versions", [True, False], ids=["with versions", "by digests"])
@pytest.mark.parametrize("_attempt", range(4))
async def test_two_gateways_at_once_know_in_the_end_what_one_alone_would(
    urls: list[str], versions: bool, _attempt: int
) -> None:
    await check_concurrent_syncs(urls, versions=versions)


async def test_it_fails_where_the_catalog_is_not_locked(urls: list[str]) -> None:
    """Proof that the test above can fail."""
    with (
        patch("gateway.commerce.catalog.ingest.listings.lock_catalog", lambda _conn: None),
        pytest.raises((AssertionError, DBAPIError, KeyError, ExceptionGroup)),
    ):
        for _ in range(4):
            await check_concurrent_syncs(urls, versions=True)


async def sweep_both(pair: list[Gateway], clock: Clock) -> dict[str, Any]:
    """Sweep with both gateways at once and return the state."""
    for _ in range(2):
        clock.forward(hours=1)
        for key in CHANNELS:
            await pair[0].request_sync(key, sweep=True)
        await asyncio.gather(*(gateway.run_due() for gateway in pair))
    return await pair[1].database.read(select_state)
