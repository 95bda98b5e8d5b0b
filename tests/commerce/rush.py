"""A process in which many shoppers order at once: ``python -m tests.commerce.rush URL SHOPPERS LINES THINGS``:
so many shoppers, each with a cart of at most so many lines, of the first so many things.

Prints, as JSON, how often each answer was given. Its channels are its own: what they are told is of no interest here.
"""

from __future__ import annotations

import asyncio
import collections
import json
import random
import sys
from typing import Any

from gateway.sdk.testing.memory import MemoryStore
from tests.commerce.test_oversell import SKUS, goods
from tests.graphql.buying import TABLES, Shopper
from tests.graphql.mutating import codes
from tests.graphql.world import TOKENS, World, client_of
from tests.house import Clock, running

AT_ONCE = 12


async def main(url: str, shoppers: int, lines: int, things: int) -> None:
    channels: dict[str, MemoryStore] = {"till": goods(), "web": MemoryStore()}
    tables: dict[str, Any] = {**TABLES, "tokens": TOKENS}
    async with running(url, channels, Clock(), **tables) as gateway, client_of(gateway) as client:
        world, gate = World(gateway, channels, Clock(), client), asyncio.Semaphore(AT_ONCE)
        ready = await asyncio.gather(*(prepared(world, gate, lines, SKUS[:things]) for _ in range(shoppers)))
        print("ready", flush=True)
        sys.stdin.readline()
        answers = await asyncio.gather(*(ordered(one, option, gate) for one, option in ready))
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
    return f"sold {len(shopper.cart['lines'])}" if not found else " ".join(sorted(set(found)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:])))
