"""A process in which many shoppers order at once:
``python -m tests.commerce.rush URL SHOPPERS LINES THINGS CLERKS MANNERS``: so many shoppers, each with a cart of at
most so many lines, of the first so many things; and so many clerks meanwhile, who have things held and then forget
about them. Manners: ``careful``, or ``careless``: it locks no counter.

Prints, as JSON, how often each answer was given. Its channels are its own: what they are told is of no interest here.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import json
import random
import sys
from typing import Any
from unittest.mock import patch

import sqlalchemy as sa

from gateway.sdk.testing.memory import MemoryStore
from gateway.storage import counters, tables
from gateway.storage.rows import Keyed
from gateway.sync.stock import expire
from tests.commerce.test_oversell import SKUS, goods
from tests.graphql.buying import TABLES, Shopper, staff
from tests.graphql.mutating import codes
from tests.graphql.selling import variant_id
from tests.graphql.world import TOKENS, World, client_of
from tests.house import Clock, running

AT_ONCE = 12
A_MOMENT = 0.2
"""Seconds that pass with every answer, by this process's own clock."""

PATIENCE = 2
"""Seconds for which clerks have things held."""


async def main(url: str, shoppers: int, lines: int, things: int, clerks: int) -> None:
    channels: dict[str, MemoryStore] = {"till": goods(dict.fromkeys(SKUS, shoppers)), "web": MemoryStore()}
    selling: dict[str, Any] = {**TABLES, "tokens": TOKENS, "limits": {"crowd": 100_000, "crowd_waits": "1h"}}
    clock = Clock()
    async with running(url, channels, clock, **selling) as gateway, client_of(gateway) as client:
        world, gate = World(gateway, channels, clock, client), asyncio.Semaphore(AT_ONCE)
        ready = await asyncio.gather(*(prepared(world, gate, lines, SKUS[:things]) for _ in range(shoppers)))
        variants = [await variant_id(world, sku) for sku in SKUS[:things]]
        print("ready", flush=True)
        sys.stdin.readline()
        wishes = [ordered(one, option, gate) for one, option in ready]
        wishes += [held(world, variants, gate) for _ in range(clerks)]
        random.shuffle(wishes)
        answers = await asyncio.gather(*wishes)
    print(json.dumps(collections.Counter(answers)), flush=True)


async def prepared(
    world: World, gate: asyncio.Semaphore, lines: int, skus: list[str]
) -> tuple[Shopper, dict[str, Any]]:
    """A shopper with a full cart, who knows how she wants it."""
    async with gate:
        shopper = Shopper(world)
        some = random.sample(skus, random.randint(1, lines))
        await shopper.fill("till", **dict.fromkeys(some, 1))
        return shopper, await shopper.option("IN_STORE", "london")


async def ordered(shopper: Shopper, option: dict[str, Any], gate: asyncio.Semaphore) -> str:
    """What she is answered: `sold` and how many, or why not."""
    async with gate:
        money = {"amount": shopper.cart["total"]["amount"], "currencyCode": "GBP"}
        payments = [{"kind": "ON_COLLECTION", "amount": money}]
        found = codes(await shopper.buy(option, payments=payments))
        await time_passes(shopper.world)
    return f"sold {len(shopper.cart['lines'])}" if not found else " ".join(sorted(set(found)))


async def held(world: World, variants: list[str], gate: asyncio.Semaphore) -> str:
    """What a clerk is answered who wants some things held: `held`, or why not."""
    async with gate:
        some = random.sample(variants, min(3, len(variants)))
        lines = [{"variantId": one, "locationKey": "london", "quantity": 1} for one in some]
        found = codes(await staff(world, "stockReserve", lines=lines, holdSeconds=PATIENCE))
        await time_passes(world)
    return " ".join(["held", *sorted(set(found))])


async def time_passes(world: World) -> None:
    """A moment later, holds that have expired by then are let go."""
    world.clock.forward(seconds=A_MOMENT)
    await expire(world.gateway.database, world.clock())


def unlocked() -> Keyed:
    """Counters as they are found, whoever is about to change them."""
    return Keyed(sa.select(*counters._columns).where(*counters._at), tables.stock.c.item)


if __name__ == "__main__":
    url, *numbers, manners = sys.argv[1:]
    with patch.object(counters, "_of_items", unlocked()) if manners == "careless" else contextlib.nullcontext():
        asyncio.run(main(url, *map(int, numbers)))
