"""A gateway over the sandbox of a seller account, through real HTTP."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

from gateway.channels.plugins import discover
from gateway.runtime import Gateway, open_gateway
from gateway.sdk import LiveFeed, Page, Raw, Ref
from gateway.sdk.testing.sandbox import World, WorldLine, WorldPlace, WorldProduct, WorldReceipt
from gateway.settings import parse
from gateway.storage import passes
from gateway.storage.database import Connection
from gateway.storage.passes import PassRow
from gateway_amazon.sandbox import AmazonSandbox, start
from gateway_amazon.sandbox.door import Asked
from gateway_amazon.sandbox.twin import STORE
from tests.databases import sqlite_database
from tests.sync.state import state

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
SOON = timedelta(seconds=20)
LOCATIONS = {
    "leeds": {"name": "Leeds", "kind": "WAREHOUSE", "authority": "amazon", "channels": {"amazon": "leeds"}},
    "fba": {
        "name": "Amazon",
        "kind": "MARKETPLACE_FULFILLMENT",
        "authority": "amazon",
        "channels": {"amazon": "fba"},
    },
}


@dataclass
class Clock:
    """The date, and the seconds of the sandbox, as the test sets them."""

    time: datetime = START
    seconds: float = 0.0

    def __call__(self) -> datetime:
        return self.time

    def ticks(self) -> float:
        return self.seconds

    def forward(self, **amount: float) -> None:
        """Let so much time pass, for both."""
        self.time += timedelta(**amount)
        self.seconds += timedelta(**amount).total_seconds()


def world() -> World:
    """Tea in the merchant's warehouse and a pair of mugs at Amazon's, and one order."""
    tea = WorldProduct(sku="TEA-1", title="Breakfast tea", price=Decimal("2.55"), barcode="5012345678900")
    pair = WorldProduct(sku="MUG-1-PAIR", title="Mug, pair", price=Decimal("6.78"), units=2)
    mug = WorldProduct(sku="MUG, LARGE/1", title="Mug, large", price=Decimal("4.25"), barcode="MUG-2")
    sold = (WorldLine("TEA-1", 6, Decimal("2.55")), WorldLine("MUG-1-PAIR", 1, Decimal("6.78")))
    return World(
        currency="GBP",
        time_zone="Europe/London",
        tax_rate=Decimal("0.2"),
        places=(WorldPlace(id="leeds", name="Leeds"), WorldPlace(id="fba", name="Amazon")),
        products=(tea, pair, mug),
        stock={("TEA-1", "leeds"): 12, ("MUG-1-PAIR", "fba"): 10, ("MUG, LARGE/1", "leeds"): 3},
        receipts=(WorldReceipt(number=7, at=START - timedelta(days=1), place="fba", lines=sold),),
    )


def many(listings: int = 0, orders: int = 0, *, at: str = "fba") -> World:
    """A world of so many listings, each in stock, and so many orders of the first one."""
    products = [WorldProduct(sku=f"P{number:05}", title="A", price=Decimal(1)) for number in range(max(1, listings))]
    receipts = [
        WorldReceipt(
            number=number,
            at=START - timedelta(days=20) + timedelta(minutes=number),
            place=at,
            lines=(WorldLine("P00000", 1, Decimal(1)),),
        )
        for number in range(orders)
    ]
    stock = {(product.sku, at): 5 for product in products}
    return replace(world(), products=products, stock=stock, receipts=receipts)


def settings(url: str, sandbox: AmazonSandbox, deadline: str = "5s", **options: Any) -> dict[str, Any]:
    """A configuration with this account as its only channel."""
    table = {
        "plugin": "amazon",
        "private_addresses": True,
        "call_deadline": deadline,
        "config": {**sandbox.config, **options},
    }
    return {"database": url, "channels": {"amazon": table}, "locations": LOCATIONS}


@contextlib.asynccontextmanager
async def opened(url: str, sandbox: AmazonSandbox, clock: Clock, **options: Any) -> AsyncIterator[Gateway]:
    """A gateway over this account."""
    document = settings(url, sandbox, **options)
    async with open_gateway(parse(document, {}), plugins=discover(), clock=clock) as gateway:
        gateway.turns.gap = 0
        yield gateway


def refused(asked: Sequence[Asked]) -> int:
    """How many requests the sandbox, which counts as Amazon does, had to refuse."""
    return sum(one.status == 429 for one in asked)


def most_at_once(asked: Sequence[Asked], per_second: float) -> float:
    """The burst that a bucket of this rate must allow for these requests."""
    times = [one.at for one in asked]
    spans = ((first, last) for last in range(len(times)) for first in range(last + 1))
    return max(last - first + 1 - (times[last] - times[first]) * per_second for first, last in spans)


@dataclass
class House:
    """A gateway and the sandbox that it reads."""

    sandbox: AmazonSandbox
    gateway: Gateway
    clock: Clock = field(default_factory=Clock)

    async def state(self) -> dict[str, Any]:
        """What the gateway knows."""
        return await self.gateway.database.read(state)

    async def next_pass(self, **amount: float) -> dict[str, Any]:
        """What the gateway knows after the next pass of every feed."""
        self.clock.forward(**amount or {"minutes": 5})
        await self.gateway.run_due()
        return await self.state()

    async def pages(self, feed: str, mark: str | None = None) -> list[Page]:
        """A whole pass of a feed."""
        channel = self.gateway.syncing["amazon"].channel
        found = [await channel.page(feed, mark, None, SOON)]
        while (token := found[-1].next) is not None:
            found.append(await channel.page(feed, mark, token, SOON))
        return found

    async def items(self, feed: str, mark: str | None = None) -> list[Raw]:
        """The raw records of a pass."""
        return [raw for page in await self.pages(feed, mark) for raw in page.items]

    async def read(self, feed: str, raws: Sequence[Raw]) -> dict[str, Any]:
        """What raw records say, by id."""
        said = await self.gateway.syncing["amazon"].channel.read(feed, raws)
        return {raw.id: one for raw, one in zip(raws, said, strict=True)}

    async def records(self, feed: str, mark: str | None = None) -> dict[str, Any]:
        """What a pass says, by id."""
        return await self.read(feed, await self.items(feed, mark))

    async def fetched(self, feed: str, *ids: str) -> dict[str, Any]:
        """What a fetch gives."""
        channel = self.gateway.syncing["amazon"].channel
        assert isinstance(channel.feeds[feed], LiveFeed)
        return dict(await channel.fetch(feed, [Ref(one) for one in ids], SOON))

    async def faults(self) -> dict[str, str]:
        """The fault of each feed that has one."""
        known = await self.gateway.database.read(passes_of)
        return {feed: row.fault_code for (feed, _), row in known.items() if row.fault_code is not None}

    async def messages(self) -> str:
        """What staff are told of the faults."""
        known = await self.gateway.database.read(passes_of)
        return "\n".join(row.fault_message or "" for row in known.values())

    def asked(self, operation: str) -> int:
        """How often an operation was answered."""
        return sum(one.operation == operation and one.status == 200 for one in self.sandbox.asked)


def passes_of(conn: Connection) -> dict[tuple[str, str], PassRow]:
    """Its passes."""
    return dict(passes.of_channel(conn, "amazon"))


@contextlib.asynccontextmanager
async def house(
    directory: Path,
    there: World | None = None,
    *,
    delay: float = 0.0,
    scale: float = 1000.0,
    store: str = STORE,
    **options: Any,
) -> AsyncIterator[House]:
    """A sandbox that holds this world, and a gateway that has read nothing yet. Its rates are those of the real
    one times `scale`, so that only a test of rates waits for them."""
    clock = Clock()
    sandbox = await start(
        there or world(), directory, delay=delay, scale=scale, store=store, now=clock, ticks=clock.ticks
    )
    try:
        url = sqlite_database(directory / f"gateway-{uuid4()}.db")
        async with opened(url, sandbox, clock, **options) as gateway:
            yield House(sandbox, gateway, clock)
    finally:
        await sandbox.close()
