"""A retailer with a till, a web store and a marketplace: three sandboxes behind one gateway, and a client."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection

import gateway_amazon_sandbox
import gateway_shopify_sandbox
import gateway_sqlpos_sandbox
from gateway.channels.open_channel import OpenChannel
from gateway.channels.plugin_registry import discover
from gateway.runtime.gateway import Gateway, open_gateway
from gateway.sdk import LiveFeed, Raw, Ref
from gateway.sdk.testing.sandbox import Sandbox, World, WorldLine, WorldPlace, WorldReceipt, build_small_world
from gateway.settings.loading import parse
from gateway.storage.sync import feed_cursors
from tests.graphql.world import Client, open_client
from tests.plugins.amazon import Clock
from tests.plugins.tampering_proxy import TamperingProxy, open_proxy
from tests.sync.database_state import select_state

TILL, WEB, AMAZON = "till", "web", "amazon"
CHANNELS = (TILL, WEB, AMAZON)
PLUGINS = {TILL: "sqlpos", WEB: "shopify", AMAZON: "amazon"}
WIRED = {WEB: ("address",), AMAZON: ("endpoint",)}
"""The configuration key of a proxy's address, by channel; Login with Amazon is called at the sandbox directly."""

SOON = timedelta(seconds=20)
TOKEN = "staff-token"
LOCATION_KEY = "leeds"


def build_world() -> World:
    """Build the same goods for every channel: three products, two of them in stock, and a sale of yesterday."""
    small = build_small_world()
    lines = (WorldLine("TEA-1", 6, Decimal("2.55")), WorldLine("MUG-1", 1, Decimal("3.39")))
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    return replace(
        small,
        places=(WorldPlace(id=LOCATION_KEY, name="Leeds"),),
        stock={("TEA-1", LOCATION_KEY): 12, ("MUG-1", LOCATION_KEY): 4, ("MUG-2", LOCATION_KEY): 0},
        receipts=(WorldReceipt(number=7, at=at, place=LOCATION_KEY, customer="17850", lines=lines),),
    )


async def start_sandbox(key: str, there: World, directory: Path, clock: Clock) -> Any:
    """Start the sandbox of a channel on this clock, with rate limits a thousand times as high as real ones."""
    if key == TILL:
        return await gateway_sqlpos_sandbox.start(there, directory)
    if key == WEB:
        return await gateway_shopify_sandbox.start(there, directory, scale=1000, now=clock)
    return await gateway_amazon_sandbox.start(there, directory, scale=1000, now=clock, ticks=clock.read_seconds)


@dataclass
class Retail:
    """The gateway, its sandboxes and the proxies to them, by channel."""

    gateway: Gateway
    client: Client
    sandboxes: Mapping[str, Any]
    wires: Mapping[str, TamperingProxy]
    clock: Clock
    document: Mapping[str, Any] = field(repr=False)

    def get_sandbox(self, key: str) -> Sandbox:
        found: Sandbox = self.sandboxes[key]
        return found

    def get_channel(self, key: str) -> OpenChannel:
        return self.gateway.channel_syncs[key].channel

    def list_secrets(self) -> set[str]:
        """List all secrets of the configuration, which no message may contain."""
        names = ("access_token", "client_secret", "refresh_token", "webhook_secrets")
        values = [table["config"].get(name, ()) for table in self.document["channels"].values() for name in names]
        return {secret for value in values for secret in ([value] if isinstance(value, str) else value)}

    async def read_state(self) -> dict[str, Any]:
        """Read the state of the gateway."""
        return await self.gateway.database.read(select_state)

    async def read_channel_state(self, key: str) -> dict[str, Any]:
        """Read the state of one channel."""
        there = await self.read_state()
        listings = {id: values for (channel, id), values in there["listings"].items() if channel == key}
        return {"listings": listings, "stock": [row for row in there["stock"] if row[0] == key]}

    async def pass_on(self, **amount: float) -> None:
        """Advance the clock and run all due work."""
        self.clock.forward(**amount)
        await self.gateway.run_due()

    async def read_faults(self, key: str) -> dict[str, str]:
        """Read the fault codes of the channel's feeds."""
        return await self.gateway.database.read(_select_faults, key)

    async def read_fault_messages(self) -> str:
        """Read all fault messages."""
        return "\n".join([await self.gateway.database.read(_join_messages, key) for key in self.sandboxes])

    async def fetch_data(self, query: str, **variables: Any) -> Any:
        return await self.client.fetch_data(query, TOKEN, **variables)

    async def fetch_available(self, key: str, sku: str = "TEA-1") -> int | None:
        """How many units a channel may sell, as a query tells."""
        query = """query ($skus: [String!], $key: String) {
          productVariants(filter: {skus: $skus}) { nodes { stock(channelKey: $key) { available } } } }"""
        found = await self.fetch_data(query, skus=[sku], key=key)
        (node,) = found["productVariants"]["nodes"]
        return None if node["stock"] is None else int(node["stock"]["available"])

    async def fetch_sources(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Fetch the sources of the product list, by channel and resource."""
        query = "{ products { sources { channel { key } resource state asOf staleAt fault { code message } } } }"
        entries = (await self.fetch_data(query))["products"]["sources"]
        return {(one["channel"]["key"], one["resource"]): one for one in entries}

    async def read_items(self, key: str, feed: str) -> list[Raw]:
        """Read the raw records of a complete pass."""
        found: list[Raw] = []
        token: str | None = None
        while True:
            page = await self.get_channel(key).page(feed, None, token, SOON)
            found += page.items
            if (token := page.next) is None:
                return found

    async def fetch_records(self, key: str, feed: str, ids: Iterable[str]) -> dict[str, Any]:
        """Fetch records by id."""
        assert isinstance(self.get_channel(key).feeds[feed], LiveFeed)
        return dict(await self.get_channel(key).fetch(feed, [Ref(one) for one in ids], SOON))


def _select_faults(conn: Connection, key: str) -> dict[str, str]:
    known = feed_cursors.find_cursors(conn, key)
    return {feed: row.fault_code for (feed, _), row in known.items() if row.fault_code is not None}


def _join_messages(conn: Connection, key: str) -> str:
    return "\n".join(row.fault_message or "" for row in feed_cursors.find_cursors(conn, key).values())


_databases = itertools.count()


def build_document(
    url: str, sandboxes: Mapping[str, Any], wires: Mapping[str, TamperingProxy], **table: Any
) -> dict[str, Any]:
    """Build a configuration with these channels, each the authority of its own location. `table`: of each channel; its
    `config` is added to that of the sandbox.
    """
    channels, further = {}, table.pop("config", {})
    for key, sandbox in sandboxes.items():
        config = {**sandbox.config, **further}
        for name in WIRED.get(key, ()):
            config[name] = wires[key].address
        channels[key] = {"plugin": PLUGINS[key], "private_addresses": True, **table, "config": config}
    location_ids = {
        key: getattr(sandbox, "locations", {}).get(LOCATION_KEY, LOCATION_KEY) for key, sandbox in sandboxes.items()
    }
    locations = {
        f"at-{key}": {"name": key, "kind": "WAREHOUSE", "authority": key, "channels": {key: location}}
        for key, location in location_ids.items()
    }
    tokens = {"staff": {"token": TOKEN, "kind": "ADMIN", "scopes": ["*"]}}
    return {"database": url, "channels": channels, "locations": locations, "tokens": tokens}


@contextlib.asynccontextmanager
async def open_retail_gateway(
    document: Mapping[str, Any], sandboxes: Mapping[str, Any], wires: Mapping[str, TamperingProxy], clock: Clock
) -> AsyncIterator[Retail]:
    """Open a gateway with this configuration."""
    async with open_gateway(parse(dict(document), {}), plugins=discover(), clock=clock) as gateway:
        gateway.write_throttle.gap = 0
        async with open_client(gateway) as client:
            yield Retail(gateway, client, sandboxes, wires, clock, document)


@contextlib.asynccontextmanager
async def open_retail(
    directory: Path, *keys: str, url: str | None = None, there: World | None = None, **table: Any
) -> AsyncIterator[Retail]:
    """Open sandboxes of these channels, or of all, and a gateway that has read nothing yet."""
    clock = Clock(datetime.now(UTC).replace(microsecond=0))
    async with contextlib.AsyncExitStack() as stack:
        sandboxes: dict[str, Any] = {}
        wires: dict[str, TamperingProxy] = {}
        for key in keys or CHANNELS:
            sandboxes[key] = sandbox = await start_sandbox(key, there or build_world(), directory, clock)
            stack.push_async_callback(sandbox.close)
            if key in WIRED:
                wires[key] = await stack.enter_async_context(open_proxy(sandbox.config[WIRED[key][0]]))
        at = url or f"sqlite:///{directory / f'retail-{next(_databases)}.db'}"
        yield await stack.enter_async_context(
            open_retail_gateway(build_document(at, sandboxes, wires, **table), sandboxes, wires, clock)
        )
