"""Two gateways on one PostgreSQL, at the same channels and at others, while those change: in the end both know all."""

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
from gateway.runtime import Gateway
from gateway.sdk import Ref
from gateway.sdk.testing import rows
from gateway.sdk.testing.memory import MemoryStore
from gateway.storage import sources
from gateway.sync.schedule import LASTING
from tests.conftest import execute_on_postgres, named
from tests.house import Clock, running
from tests.sync.state import empty, state

pytestmark = pytest.mark.anyio

ROUNDS = 25
IDS = [str(n) for n in range(30)]
CHANNELS = ("till", "web", "market")


@pytest.fixture
def urls(postgres_server: str, fresh_names: Iterator[int]) -> Iterator[list[str]]:
    names = [f"torture_{next(fresh_names)}" for _ in range(2)]
    for name in names:
        execute_on_postgres(postgres_server, f"CREATE DATABASE {name} TEMPLATE template_gateway")
    yield [named(postgres_server, name) for name in names]
    for name in names:
        execute_on_postgres(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


def change(stores: dict[str, MemoryStore], chance: random.Random) -> None:
    """Something in some channel."""
    store, id_ = stores[chance.choice(CHANNELS)], chance.choice(IDS)
    match chance.randrange(5):
        case 0 if id_ in store.rows("products"):
            store.remove("products", id_)
        case 1 | 2:
            store.put("stock", rows.stock(id_, "shop", chance.randrange(-3, 50)))
        case _:
            sku = chance.choice((None, f"SKU-{int(id_) % 12}"))
            store.put("products", rows.product(id_, sku=sku, price=f"{chance.randrange(1, 90)}.00"))


async def work(gateway: Gateway, clock: Clock, chance: random.Random) -> None:
    """What one gateway may be doing: all that is due, a live read, a hint. Losing a lease to the other is no harm."""
    channel = chance.choice(CHANNELS)
    match chance.randrange(4):
        case 0:
            refs = [Ref(f"{id_}@shop") for id_ in chance.sample(IDS, 5)]
            sync = gateway.syncing[channel]
            await gateway.refresh(channel, Resource.STOCK, refs, sync.table.call_deadline)
        case 1:
            ids = chance.sample(IDS, 5)
            await gateway.database.write(sources.hint, channel, "PRODUCTS", "products", ids, clock())
        case _:
            await gateway.make_due(channel, sweep=chance.random() < 0.3)
            await gateway.run_due()


async def at_once(urls: list[str], *, versions: bool) -> None:
    seed = random.randrange(2**32)
    chance, clock = random.Random(seed), Clock()
    stores: dict[str, MemoryStore] = {key: MemoryStore() for key in CHANNELS}
    able: dict[str, Any] = {"page_size": 7, "feeds": ["products", "stock"], "versions": versions}
    channels = {key: {"config": able} for key in CHANNELS}
    async with AsyncExitStack() as stack:
        pair = [await stack.enter_async_context(running(urls[0], stores, clock, channels)) for _ in range(2)]
        await pair[0].database.write(empty)
        for _ in range(ROUNDS):
            for _ in range(chance.randrange(1, 15)):
                change(stores, chance)
            tasks = [asyncio.create_task(work(gateway, clock, chance)) for gateway in pair for _ in range(2)]
            if chance.random() < 0.5:
                clock.forward(seconds=LASTING.total_seconds() + 1)  # so the other takes what this one is at
            await asyncio.gather(*tasks)
            clock.forward(minutes=1)
        both = await settled(pair, clock)
    async with running(urls[1], stores, clock, channels) as clean:
        await clean.database.write(empty)
        await clean.run_due()
        assert both == await clean.database.read(state), f"seed {seed}"


@pytest.mark.parametrize("versions", [True, False], ids=["with versions", "by digests"])
@pytest.mark.parametrize("_attempt", range(4))
async def test_two_gateways_at_once_know_in_the_end_what_one_alone_would(
    urls: list[str], versions: bool, _attempt: int
) -> None:
    await at_once(urls, versions=versions)


async def test_it_fails_where_the_catalogue_is_not_locked(urls: list[str]) -> None:
    """The proof that the test above can fail."""
    with (
        patch("gateway.commerce.catalog.listings.lock_catalogue", lambda _conn: None),
        pytest.raises((AssertionError, DBAPIError, KeyError, ExceptionGroup)),
    ):
        for _ in range(4):
            await at_once(urls, versions=True)


async def settled(pair: list[Gateway], clock: Clock) -> dict[str, Any]:
    """What is known after one sweep by both at once."""
    for _ in range(2):
        clock.forward(hours=1)
        for key in CHANNELS:
            await pair[0].make_due(key, sweep=True)
        await asyncio.gather(*(gateway.run_due() for gateway in pair))
    return await pair[1].database.read(state)
