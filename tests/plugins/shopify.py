"""A gateway over the sandbox of a web store, through real HTTP."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection

from gateway.channels.plugin_registry import discover
from gateway.runtime.gateway import Gateway, open_gateway
from gateway.sdk import Delivery, Page, Raw, Ref
from gateway.sdk.testing.sandbox import StartSandbox, World, WorldProduct, build_small_world
from gateway.settings.loading import parse
from gateway.storage.sync import feed_cursors
from gateway_shopify_sandbox import ShopifySandbox, start
from gateway_shopify_sandbox.sandbox import SECRET
from gateway_shopify_sandbox.state import Node, Shop
from tests.databases import create_sqlite_database
from tests.gateways import Clock
from tests.sync.database_state import select_state

SANDBOX_STARTER: StartSandbox = start
"""Type check: the command line and the demo use it as this protocol."""

SOON = timedelta(seconds=20)
CHANNEL = "web"


def build_shirts() -> tuple[WorldProduct, ...]:
    """Build one product in two sizes."""
    return tuple(
        WorldProduct(
            sku=f"SHIRT-{size}", title=f"Shirt {size}", price=Decimal(10), group="Shirt", options=(("Size", size),)
        )
        for size in ("S", "M")
    )


def build_world(products: Iterable[WorldProduct] = ()) -> World:
    """Build the small world with additional products, in stock in Leeds."""
    more = tuple(products)
    small = build_small_world()
    stock = {**small.stock, **{(product.sku, "leeds"): 5 for product in more}}
    return replace(small, products=(*small.products, *more), stock=stock)


def build_products(count: int, group: str | None = None) -> list[WorldProduct]:
    """Build this many products, or variants of one product."""
    return [
        WorldProduct(
            sku=f"P{number:05}",
            title=f"Product {number}",
            price=Decimal(1),
            group=group,
            options=(("Number", str(number)),) if group else (),
        )
        for number in range(count)
    ]


def copy_node(shop: Shop, node: Node) -> Node:
    """Add a second node with the same data."""
    return shop.add(
        node["__typename"], **{key: value for key, value in node.items() if key not in ("__typename", "id")}
    )


@dataclass
class ShopifyTestbed:
    """A gateway and the sandbox that it reads."""

    sandbox: ShopifySandbox
    gateway: Gateway
    clock: Clock = field(default_factory=Clock)

    @property
    def channel(self) -> Any:
        return self.gateway.channel_syncs[CHANNEL].channel

    async def read_state(self) -> dict[str, Any]:
        """Read the state of the gateway."""
        return await self.gateway.database.read(select_state)

    async def run_next_pass(self, **amount: float) -> dict[str, Any]:
        """Run the next pass of every feed and read the state."""
        self.clock.forward(**amount or {"minutes": 15})
        await self.gateway.run_due()
        return await self.read_state()

    async def read_pages(self, feed: str, mark: str | None = None) -> list[Page]:
        """Read a complete pass of a feed."""
        found = [await self.channel.page(feed, mark, None, SOON)]
        while (token := found[-1].next) is not None:
            found.append(await self.channel.page(feed, mark, token, SOON))
        return found

    async def read_items(self, feed: str, mark: str | None = None) -> list[Raw]:
        """Read the raw records of a pass."""
        return [raw for page in await self.read_pages(feed, mark) for raw in page.items]

    async def read(self, feed: str, raws: Sequence[Raw]) -> dict[str, Any]:
        """Decode raw records, by id."""
        said = await self.channel.read(feed, raws)
        return {raw.id: one for raw, one in zip(raws, said, strict=True)}

    async def read_records(self, feed: str, mark: str | None = None) -> dict[str, Any]:
        """Read and decode a pass, by id."""
        return await self.read(feed, await self.read_items(feed, mark))

    async def fetch_records(self, feed: str, *ids: str) -> dict[str, Any]:
        """Fetch records by id."""
        return dict(await self.channel.fetch(feed, [Ref(one) for one in ids], SOON))

    async def read_faults(self) -> dict[str, str]:
        """Read the fault codes by feed."""
        return await self.gateway.database.read(select_faults)

    def build_delivery(self, topic: str, body: object, *, secret: str = SECRET, **headers: str) -> Delivery:
        """Build a signed delivery of the shop, received now."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        signed = replace(self.sandbox.deliveries, secret=secret).build_headers(topic, content)
        return Delivery(headers={**signed, **headers}, body=content, received_at=self.clock())

    async def read_hints(self, topic: str, body: object) -> list[tuple[str, str]]:
        """Verify a delivery and list its hints."""
        delivery = self.build_delivery(topic, body)
        assert await self.channel.verify(delivery, SOON) == delivery.headers["x-shopify-webhook-id"]
        return [(hint.feed, hint.id) for hint in await self.channel.read_hints(delivery, SOON)]

    def find_product_id(self, sku: str) -> str:
        """Find the id of the product of a SKU."""
        return str(self.sandbox.shop.get_variant(sku)["product"]["id"]).rpartition("/")[2]

    def find_level_id(self, sku: str, location: str) -> str:
        """Find the id of a stock record."""
        item = str(self.sandbox.shop.get_variant(sku)["inventoryItem"]["id"]).rpartition("/")[2]
        return f"{item}/{self.sandbox.locations[location]}"


def select_faults(conn: Connection) -> dict[str, str]:
    """Select the fault codes by feed."""
    known = feed_cursors.find_cursors(conn, CHANNEL)
    return {feed: row.fault_code for (feed, _), row in known.items() if row.fault_code is not None}


_databases = itertools.count()


def build_document(url: str, sandbox: ShopifySandbox, **options: Any) -> dict[str, Any]:
    """Build a configuration with this store as its only channel."""
    table = {"plugin": "shopify", "private_addresses": True}
    locations = {
        key: {"name": key, "kind": "WAREHOUSE", "authority": CHANNEL, "channels": {CHANNEL: location}}
        for key, location in sandbox.locations.items()
    }
    config, further = {**sandbox.config, **options.pop("config", {})}, options.pop("tables", {})
    channels = {CHANNEL: {**table, **options, "config": config}}
    return {"database": url, "channels": channels, "locations": locations, **further}


@contextlib.asynccontextmanager
async def open_testbed(
    directory: Path, there: World | None = None, *, scale: float = 1000.0, **options: Any
) -> AsyncIterator[ShopifyTestbed]:
    """Open a sandbox with this world and a gateway that has read nothing yet. The cost bucket refills `scale` times as
    fast as a real one, so that only tests of throttling wait for it.
    """
    clock = Clock()
    sandbox = await start(there or build_world(), directory, scale=scale, now=clock)
    try:
        url = create_sqlite_database(directory / f"gateway-{next(_databases)}.db")
        settings = parse(build_document(url, sandbox, **options), {})
        async with open_gateway(settings, plugins=discover(), clock=clock) as gateway:
            gateway.write_throttle.gap = 0
            yield ShopifyTestbed(sandbox, gateway, clock)
    finally:
        await sandbox.close()
