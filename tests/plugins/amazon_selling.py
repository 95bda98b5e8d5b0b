"""A retailer whose till is the authority of the stock that an Amazon seller account offers, over real HTTP."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.channels.plugin_registry import discover
from gateway.commerce.context import SellingContext
from gateway.commerce.push import followers
from gateway.runtime.gateway import Gateway, open_gateway
from gateway.sdk import ChannelError, Command, Outcome, Ref, SetStock, ShipOrder
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryPlugin, MemoryStore
from gateway.sdk.testing.sandbox import World, WorldProduct
from gateway.settings.loading import parse
from gateway.storage import tables
from gateway_amazon.config import WriteName
from gateway_amazon_sandbox import AmazonSandbox, start
from gateway_amazon_sandbox.http_app import RecordedRequest
from tests.graphql.world import ADMIN, TOKENS, Client, open_client
from tests.plugins.amazon import SOON, Clock, build_world

WRITES: Sequence[str] = get_args(WriteName)
AMAZON, TILL = "amazon", "till"
GTINS = {"TEA-1": "05012345678900", "MUG-1": "04006381333931"}
LOCATIONS = {
    "leeds": {
        "name": "Leeds",
        "kind": "WAREHOUSE",
        "authority": TILL,
        "channels": {TILL: "L", AMAZON: "leeds"},
    },
    "fba": {"name": "Amazon", "kind": "MARKETPLACE_FULFILLMENT", "authority": AMAZON, "channels": {AMAZON: "fba"}},
}
TEA, PAIR, FULFILLED_BY_AMAZON = "TEA-1", "MUG-1-PAIR-OWN", "MUG-1-PAIR"
"""Tea and a pair of mugs that the merchant ships, and a pair fulfilled by Amazon."""


def build_sales_world() -> World:
    """Build the usual listings, and a pair of the till's mugs that the merchant ships."""
    there = build_world()
    pair = WorldProduct(sku=PAIR, title="Mug, pair", price=Decimal(8), units=2, barcode=GTINS["MUG-1"][1:])
    return replace(there, products=(*there.products, pair), stock={**there.stock, (PAIR, "leeds"): 4})


def build_till() -> MemoryStore:
    """Build a till that counts twenty teas and eleven mugs."""
    store = MemoryStore()
    for sku, units in (("TEA-1", 20), ("MUG-1", 11)):
        store.put("products", record_builders.build_product(sku, sku=sku, gtin=GTINS[sku]))
        store.put("stock", record_builders.build_stock(sku, "L", units))
    return store


@dataclass(frozen=True)
class AmazonSalesTestbed:
    """The gateway, a client, the account and the till."""

    gateway: Gateway
    clock: Clock
    client: Client
    sandbox: AmazonSandbox
    till: MemoryStore

    async def arm(self) -> None:
        """Arm the pushes to the account, as an operator does."""
        context = SellingContext(self.gateway.selling, self.gateway.now())
        await self.gateway.database.write(followers.arm_follower, AMAZON, context)
        await self.gateway.run_due()

    async def advance(self, times: int = 1, **amount: float) -> None:
        """Advance the clock and run all due work."""
        for _ in range(times):
            self.clock.forward(**(amount or {"minutes": 5}))
            for key in (AMAZON, TILL):
                await self.gateway.request_sync(key)
            await self.gateway.run_due()

    def get_offered(self, sku: str = TEA) -> int | None:
        """Return the quantity that the account offers of a listing."""
        return self.sandbox.get_offer(sku)

    def count_till_units(self, sku: str = "TEA-1") -> int:
        """Return the units that the till counts."""
        row = self.till.one("stock", f"{sku}@L")
        assert row is not None
        return int(row["on_hand"])

    def list_requests(self, operation: str) -> list[RecordedRequest]:
        """List the successful requests of an operation."""
        return [one for one in self.sandbox.requests if one.operation == operation and one.status < 300]

    def list_sent_quantities(self) -> list[tuple[str, int]]:
        """List the quantities that the account received, in order."""
        patches = [
            (one.path.rpartition("/")[2], one.body["patches"][0]) for one in self.list_requests("patchListingsItem")
        ]
        return [(sku.replace("%2E", "."), patch["value"][0]["quantity"]) for sku, patch in patches]

    async def read_stock(self, sku: str = "TEA-1") -> tuple[int, int]:
        """Read the stock counter at the till's location: units on hand and reserved units."""

        def select(conn: Connection) -> tuple[int, int]:
            here = (tables.stock.c.channel == TILL, tables.stock.c.item == sku)
            row = conn.execute(sa.select(tables.stock.c.on_hand, tables.stock.c.held).where(*here)).one()
            return row.on_hand, row.held

        return await self.gateway.database.read(select)

    async def select_column(self, column: sa.Column[Any]) -> list[Any]:
        """Read a column of a table, oldest row first."""
        return await self.gateway.database.read(
            lambda conn: list(conn.scalars(sa.select(column).order_by(column.table.c.id)))
        )

    async def push(self, sku: str = TEA) -> tuple[str, int | None, int | None]:
        """Read the push of a listing: state, wanted quantity, published quantity."""
        query = """{ listings(channelKey: "amazon") { nodes {
            externalId pushes { state wantedQuantity publishedQuantity } } } }"""
        found = await self.client.fetch_data(query, ADMIN)
        (push,) = [one for node in found["listings"]["nodes"] if node["externalId"] == sku for one in node["pushes"]]
        return push["state"], push["wantedQuantity"], push["publishedQuantity"]

    async def send(self, *commands: Command) -> Sequence[Outcome | ChannelError]:
        return list(await self.gateway.channel_syncs[AMAZON].channel.send(commands, SOON))

    async def find(self, command: Command, ticket: str | None) -> Outcome | None:
        return await self.gateway.channel_syncs[AMAZON].channel.find(command, ticket, SOON)


def build_set_stock(
    quantity: int, seen: int | None = None, *, sku: str = TEA, location: str = "leeds", key: str = "k"
) -> SetStock:
    """Build a command that sets the offered quantity of a listing."""
    return SetStock(key=key, subject=Ref(sku), item=sku, place=location, quantity=quantity, seen=seen)


def ship(order: str, quantity: int, *, sku: str = TEA, key: str = "s", **more: Any) -> ShipOrder:
    """Build a command that reports a shipment of an order."""
    return ShipOrder(key=key, subject=Ref(order), quantities={sku: quantity}, **more)


def build_document(url: str, sandbox: AmazonSandbox, **options: Any) -> dict[str, Any]:
    """Build a configuration of both channels."""
    deadline = options.pop("deadline", "5s")
    account = {
        "plugin": "amazon",
        "private_addresses": True,
        "call_deadline": deadline,
        "config": {**sandbox.config, "writes": WRITES, **options},
    }
    counting = {"plugin": "memory", "config": {"writes": ["adjust"], "ledger": True, "read_your_writes": True}}
    return {
        "database": url,
        "channels": {AMAZON: account, TILL: counting},
        "locations": LOCATIONS,
        "tokens": {"admin": TOKENS["admin"]},
        "stock": {"default_channel": TILL},
    }


@contextlib.asynccontextmanager
async def open_sales_testbed(
    url: str, directory: Path, *, lag: float = 0, delay: float = 0, **options: Any
) -> AsyncIterator[AmazonSalesTestbed]:
    """Open an account and a gateway that has read it and the till. `lag`: seconds until a quantity is applied; `delay`:
    until a change is visible.
    """
    clock = Clock()
    sandbox = await start(build_sales_world(), directory, delay=delay, scale=1000, now=clock, ticks=clock.read_seconds)
    sandbox.offers.lag = lag
    store = build_till()
    try:
        settings = parse(build_document(url, sandbox, **options), {})
        plugins = discover(MemoryPlugin({TILL: store}))
        async with open_gateway(settings, plugins=plugins, clock=clock) as gateway, open_client(gateway) as client:
            gateway.write_throttle.gap = 0
            await gateway.run_due()
            yield AmazonSalesTestbed(gateway, clock, client, sandbox, store)
    finally:
        await sandbox.close()
