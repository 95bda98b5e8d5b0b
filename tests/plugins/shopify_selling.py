"""A retailer who sells from a web store's two warehouses, over real HTTP."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.channels.plugin_registry import discover
from gateway.runtime.gateway import open_gateway
from gateway.sdk import (
    ChannelError,
    Command,
    Money,
    OrderFulfillmentStatus,
    OrderLineRecord,
    OrderRecord,
    OrderStatus,
    Outcome,
    PaymentStatus,
    PlaceOrder,
    Ref,
)
from gateway.settings.loading import parse
from gateway.storage import tables
from gateway_shopify.config import WriteName
from gateway_shopify_sandbox import ShopifySandbox, start
from gateway_shopify_sandbox.state import Node, parse_number
from tests.gateways import Clock
from tests.graphql.mutation_documents import list_user_error_codes
from tests.graphql.shopper import SELLING, Shopper
from tests.graphql.world import TOKENS, World, open_client
from tests.plugins.shopify import CHANNEL, SOON, build_document, build_world

WRITES: Sequence[str] = get_args(WriteName)
_keys = itertools.count()


@dataclass(frozen=True)
class ShopifySalesTestbed(World):
    """The gateway, a client, and the store."""

    sandbox: ShopifySandbox

    def read_store_counts(self, sku: str, location: str) -> tuple[int, int, int]:
        """Return the counts of the store: available, committed, on hand."""
        item = parse_number(self.sandbox.shop.get_variant(sku)["inventoryItem"]["id"])
        counted = self.sandbox.shop.levels[item][int(self.sandbox.locations[location])]["counts"]
        return counted.get("available", 0), counted.get("committed", 0), counted.get("on_hand", 0)

    def find_item_id(self, sku: str) -> str:
        return str(parse_number(self.sandbox.shop.get_variant(sku)["inventoryItem"]["id"]))

    def find_variant_id(self, sku: str) -> str:
        return str(parse_number(self.sandbox.shop.get_variant(sku)["id"]))

    @property
    def orders(self) -> list[Node]:
        """List the orders since the store was opened."""
        return self.sandbox.shop.list_nodes("Order")[1:]

    def count_requests(self, name: str) -> int:
        """Count the requests of an operation that were answered."""
        return self.sandbox.behavior.operations.count(name)

    async def advance(self, times: int = 1, **amount: float) -> None:
        """Advance the clock and run all due work."""
        for _ in range(times):
            self.clock.forward(**(amount or {"minutes": 3}))
            await self.gateway.request_sync(CHANNEL)
            await self.gateway.run_due()

    async def submit_order(self, quantity: int = 2, location: str = "leeds", **other: Any) -> dict[str, Any]:
        """Order tea and return the payload's order."""
        shopper = Shopper(self)
        assert list_user_error_codes(await shopper.fill(CHANNEL, TEA_1=quantity)) == []
        payload = await shopper.buy(await shopper.find_option("SHIPPING", location), **other)
        assert list_user_error_codes(payload) == [], payload["userErrors"]
        order: dict[str, Any] = payload["order"]
        return order

    async def read_stock(self, sku: str, location: str) -> tuple[int, int]:
        """Read a stock counter: units on hand and reserved units."""

        def select(conn: Connection) -> tuple[int, int]:
            here = (
                tables.stock.c.item == self.find_item_id(sku),
                tables.stock.c.place == self.sandbox.locations[location],
            )
            row = conn.execute(sa.select(tables.stock.c.on_hand, tables.stock.c.held).where(*here)).one()
            return row.on_hand, row.held

        return await self.gateway.database.read(select)

    async def select_column(self, column: sa.Column[Any]) -> list[Any]:
        """Read a column of a table, oldest row first."""
        return await self.gateway.database.read(
            lambda conn: list(conn.scalars(sa.select(column).order_by(column.table.c.id)))
        )

    async def send(self, *commands: Command) -> Sequence[Outcome | ChannelError]:
        return list(await self.gateway.channel_syncs[CHANNEL].channel.send(commands, SOON))

    async def find(self, command: Command, ticket: str | None) -> Outcome | None:
        return await self.gateway.channel_syncs[CHANNEL].channel.find(command, ticket, SOON)

    def order(self, quantity: int = 1, location: str = "leeds", **fields: Any) -> PlaceOrder:
        """Build a command that places an order of tea."""
        key = fields.pop("key", f"reference-{next(_keys)}")
        price, location_id = Money.of("3.06", "GBP"), self.sandbox.locations[location]
        line = OrderLineRecord(
            ref=Ref("1"),
            variant=self.find_variant_id("TEA-1"),
            place=location_id,
            title="Breakfast tea",
            quantity=quantity,
            unit_price=price,
            total=Money(price.minor * quantity, "GBP"),
        )
        given: dict[str, Any] = {
            "number": "G-1",
            "status": OrderStatus.OPEN,
            "fulfillment_status": OrderFulfillmentStatus.UNFULFILLED,
            "payment_status": PaymentStatus.PAID,
            "placed_at": self.clock() - timedelta(minutes=1),
            "tax_included": True,
            "total": line.total,
            **fields,
        }
        return PlaceOrder(key=key, subject=Ref(key), order=OrderRecord(ref=Ref(key), lines=[line], **given))


def build_configuration(url: str, sandbox: ShopifySandbox, **options: Any) -> Mapping[str, Any]:
    """Build a configuration that sells from the store's two warehouses."""
    config = {"writes": WRITES, **options.pop("config", {})}
    document = build_document(url, sandbox, config=config, **options)
    for location in document["locations"].values():
        location["fulfillment_methods"] = ["SHIPPING"]
    return {**document, "tokens": TOKENS, "selling": SELLING, "stock": {"default_channel": CHANNEL}}


@contextlib.asynccontextmanager
async def open_sales_testbed(
    url: str, directory: Path, *, lag: float = 0, **options: Any
) -> AsyncIterator[ShopifySalesTestbed]:
    """Open a store and a gateway that has read it. `lag`: seconds until an order is in the stock."""
    clock = Clock()
    sandbox = await start(build_world(), directory, scale=1000, now=clock)
    sandbox.shop.stock_delay = lag
    try:
        settings = parse(build_configuration(url, sandbox, **options), {})
        async with open_gateway(settings, plugins=discover(), clock=clock) as gateway, open_client(gateway) as client:
            gateway.write_throttle.gap = 0
            await gateway.run_due()
            yield ShopifySalesTestbed(gateway, {}, clock, client, sandbox)
    finally:
        await sandbox.close()


def get_amount(node: Node, field: str) -> Decimal:
    """Return an amount of the store."""
    return Decimal(node[field]["shopMoney"]["amount"])
