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

from gateway.channels.plugin_registry import discover
from gateway.runtime.gateway import Gateway, open_gateway
from gateway.sdk import LiveFeed, Page, Raw, Ref
from gateway.sdk.testing.sandbox import World, WorldLine, WorldPlace, WorldProduct, WorldReceipt
from gateway.settings.loading import parse
from gateway.storage.database import Connection
from gateway.storage.sync import feed_cursors
from gateway.storage.sync.feed_cursors import FeedCursorRow
from gateway_amazon_sandbox import AmazonSandbox, start
from gateway_amazon_sandbox.http_app import RecordedRequest
from gateway_amazon_sandbox.sandbox import STORE
from tests.databases import create_sqlite_database
from tests.sync.database_state import select_state

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
    """A clock of dates, and of the sandbox's seconds, that the test sets."""

    time: datetime = START
    seconds: float = 0.0

    def __call__(self) -> datetime:
        return self.time

    def read_seconds(self) -> float:
        return self.seconds

    def forward(self, **amount: float) -> None:
        """Advance both."""
        self.time += timedelta(**amount)
        self.seconds += timedelta(**amount).total_seconds()


def build_world() -> World:
    """Build a world with tea in the merchant's warehouse, a pair of mugs at Amazon, and one order."""
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


def build_large_world(listings: int = 0, orders: int = 0, *, at: str = "fba") -> World:
    """Build a world with this many listings in stock, and this many orders of the first one."""
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
    return replace(build_world(), products=products, stock=stock, receipts=receipts)


def build_settings(url: str, sandbox: AmazonSandbox, deadline: str = "5s", **options: Any) -> dict[str, Any]:
    """Build a configuration with this account as its only channel."""
    table = {
        "plugin": "amazon",
        "private_addresses": True,
        "call_deadline": deadline,
        "config": {**sandbox.config, **options},
    }
    return {"database": url, "channels": {"amazon": table}, "locations": LOCATIONS}


@contextlib.asynccontextmanager
async def open_account(url: str, sandbox: AmazonSandbox, clock: Clock, **options: Any) -> AsyncIterator[Gateway]:
    """Open a gateway over this account."""
    document = build_settings(url, sandbox, **options)
    async with open_gateway(parse(document, {}), plugins=discover(), clock=clock) as gateway:
        gateway.write_throttle.gap = 0
        yield gateway


def count_throttled(asked: Sequence[RecordedRequest]) -> int:
    """Count the requests that the sandbox throttled; it counts as Amazon does."""
    return sum(one.status == 429 for one in asked)


def compute_burst(asked: Sequence[RecordedRequest], per_second: float) -> float:
    """Compute the burst that a bucket of this rate must allow for these requests."""
    times = [one.at for one in asked]
    spans = ((first, last) for last in range(len(times)) for first in range(last + 1))
    return max(last - first + 1 - (times[last] - times[first]) * per_second for first, last in spans)


@dataclass
class AmazonTestbed:
    """A gateway and the sandbox that it reads."""

    sandbox: AmazonSandbox
    gateway: Gateway
    clock: Clock = field(default_factory=Clock)

    async def read_state(self) -> dict[str, Any]:
        """Read the state of the gateway."""
        return await self.gateway.database.read(select_state)

    async def run_next_pass(self, **amount: float) -> dict[str, Any]:
        """Run the next pass of every feed and read the state."""
        self.clock.forward(**amount or {"minutes": 5})
        await self.gateway.run_due()
        return await self.read_state()

    async def read_pages(self, feed: str, mark: str | None = None) -> list[Page]:
        """Read a complete pass of a feed."""
        channel = self.gateway.channel_syncs["amazon"].channel
        found = [await channel.page(feed, mark, None, SOON)]
        while (token := found[-1].next) is not None:
            found.append(await channel.page(feed, mark, token, SOON))
        return found

    async def read_items(self, feed: str, mark: str | None = None) -> list[Raw]:
        """Read the raw records of a pass."""
        return [raw for page in await self.read_pages(feed, mark) for raw in page.items]

    async def read(self, feed: str, raws: Sequence[Raw]) -> dict[str, Any]:
        """Decode raw records, by id."""
        said = await self.gateway.channel_syncs["amazon"].channel.read(feed, raws)
        return {raw.id: one for raw, one in zip(raws, said, strict=True)}

    async def read_records(self, feed: str, mark: str | None = None) -> dict[str, Any]:
        """Read and decode a pass, by id."""
        return await self.read(feed, await self.read_items(feed, mark))

    async def fetch_records(self, feed: str, *ids: str) -> dict[str, Any]:
        """Fetch records by id."""
        channel = self.gateway.channel_syncs["amazon"].channel
        assert isinstance(channel.feeds[feed], LiveFeed)
        return dict(await channel.fetch(feed, [Ref(one) for one in ids], SOON))

    async def read_faults(self) -> dict[str, str]:
        """Read the fault codes by feed."""
        known = await self.gateway.database.read(select_feed_cursors)
        return {feed: row.fault_code for (feed, _), row in known.items() if row.fault_code is not None}

    async def read_fault_messages(self) -> str:
        """Read the fault messages, one a line."""
        known = await self.gateway.database.read(select_feed_cursors)
        return "\n".join(row.fault_message or "" for row in known.values())

    def count_requests(self, operation: str) -> int:
        """Count the successful requests of an operation."""
        return sum(one.operation == operation and one.status == 200 for one in self.sandbox.requests)


def select_feed_cursors(conn: Connection) -> dict[tuple[str, str], FeedCursorRow]:
    """Select the cursors of all feeds of the channel."""
    return dict(feed_cursors.find_cursors(conn, "amazon"))


@contextlib.asynccontextmanager
async def open_testbed(
    directory: Path,
    there: World | None = None,
    *,
    delay: float = 0.0,
    scale: float = 1000.0,
    store: str = STORE,
    **options: Any,
) -> AsyncIterator[AmazonTestbed]:
    """Open a sandbox with this world and a gateway that has read nothing yet. The rate limits are the real ones times
    `scale`, so that only tests of rate limits wait for them.
    """
    clock = Clock()
    sandbox = await start(
        there or build_world(), directory, delay=delay, scale=scale, store=store, now=clock, ticks=clock.read_seconds
    )
    try:
        url = create_sqlite_database(directory / f"gateway-{uuid4()}.db")
        async with open_account(url, sandbox, clock, **options) as gateway:
            yield AmazonTestbed(sandbox, gateway, clock)
    finally:
        await sandbox.close()
