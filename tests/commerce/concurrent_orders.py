"""A process in which many shoppers order at the same time.

``python -m tests.commerce.concurrent_orders URL SHOPPERS LINES THINGS CLERKS MANNERS``: each shopper has a cart of
up to LINES lines of the first THINGS products; meanwhile clerks reserve stock until the reservations expire.
Manners: ``careful``, or ``careless``, which locks no stock counter.

Prints, as JSON, the number of results of each kind. The channels are in memory; commands sent to them do not matter
here.
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

from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage import tables
from gateway.storage.sql.bulk import BulkSelect
from gateway.storage.writes import stock_counters
from gateway.sync.stock_maintenance import expire_holds_and_carts
from tests.commerce.test_oversell import SKUS, build_till
from tests.gateways import Clock, run_gateway
from tests.graphql.mutation_documents import list_user_error_codes
from tests.graphql.shopper import TRUSTING, Shopper, run_as_staff
from tests.graphql.world import ADMIN, TOKENS, World, open_client
from tests.graphql.writable_channels import select_variant_id

AT_ONCE = 12
A_MOMENT = 0.2
"""Seconds by which the clock of the process advances with every response."""

PATIENCE = 2
"""Seconds for which clerks reserve stock."""


async def main(url: str, shoppers: int, lines: int, things: int, clerks: int) -> None:
    channels: dict[str, MemoryStore] = {"till": build_till(dict.fromkeys(SKUS, shoppers)), "web": MemoryStore()}
    selling: dict[str, Any] = {**TRUSTING, "tokens": TOKENS, "limits": {"queue_size": 100_000, "queue_timeout": "1h"}}
    clock = Clock()
    async with run_gateway(url, channels, clock, **selling) as gateway, open_client(gateway) as client:
        world, slots = World(gateway, channels, clock, client), asyncio.Semaphore(AT_ONCE)
        ready = await asyncio.gather(*(prepare_shopper(world, slots, lines, SKUS[:things]) for _ in range(shoppers)))
        variants = [await select_variant_id(world, sku) for sku in SKUS[:things]]
        print("ready", flush=True)
        sys.stdin.readline()
        requests = [submit_order(one, option, slots) for one, option in ready]
        requests += [reserve_stock(world, variants, slots) for _ in range(clerks)]
        random.shuffle(requests)
        answers = await asyncio.gather(*requests)
    print(json.dumps(collections.Counter(answers)), flush=True)


async def prepare_shopper(
    world: World, slots: asyncio.Semaphore, lines: int, skus: list[str]
) -> tuple[Shopper, dict[str, Any]]:
    """Fill the cart of a shopper and choose a fulfillment option."""
    async with slots:
        shopper = Shopper(world, ADMIN)  # goods are taken away with a token of the shop only
        some = random.sample(skus, random.randint(1, lines))
        await shopper.fill("till", **dict.fromkeys(some, 1))
        return shopper, await shopper.find_option("IN_STORE", "london")


async def submit_order(shopper: Shopper, option: dict[str, Any], slots: asyncio.Semaphore) -> str:
    """Place an order and return the result: `sold` and the quantity, or the error code."""
    async with slots:
        money = {"amount": shopper.cart["total"]["amount"], "currencyCode": "GBP"}
        payments = [{"kind": "ON_COLLECTION", "amount": money}]
        found = list_user_error_codes(await shopper.buy(option, payments=payments))
        await time_passes(shopper.world)
    return f"sold {len(shopper.cart['lines'])}" if not found else " ".join(sorted(set(found)))


async def reserve_stock(world: World, variants: list[str], slots: asyncio.Semaphore) -> str:
    """Reserve stock as a clerk and return the result: `held`, or the error code."""
    async with slots:
        some = random.sample(variants, min(3, len(variants)))
        lines = [{"variantId": one, "locationKey": "london", "quantity": 1} for one in some]
        found = list_user_error_codes(await run_as_staff(world, "stockReserve", lines=lines, holdSeconds=PATIENCE))
        await time_passes(world)
    return " ".join(["held", *sorted(set(found))])


async def time_passes(world: World) -> None:
    """Advance the clock and release expired reservations."""
    world.clock.forward(seconds=A_MOMENT)
    await expire_holds_and_carts(world.gateway.database, world.clock())


def select_unlocked() -> BulkSelect:
    """Build a select of stock counters that takes no locks."""
    return BulkSelect(sa.select(*stock_counters._columns).where(*stock_counters._same_location), tables.stock.c.item)


if __name__ == "__main__":
    url, *numbers, manners = sys.argv[1:]
    with (
        patch.object(stock_counters, "_of_items", select_unlocked())
        if manners == "careless"
        else contextlib.nullcontext()
    ):
        asyncio.run(main(url, *map(int, numbers)))
