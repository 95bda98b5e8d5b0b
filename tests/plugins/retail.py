"""A retailer with a till, a web store and a marketplace: three sandboxes behind one gateway, and who asks it."""

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

import gateway_amazon.sandbox
import gateway_shopify.sandbox
import gateway_sqlpos.sandbox
from gateway.channels.guard import OpenChannel
from gateway.channels.plugins import discover
from gateway.runtime import Gateway, open_gateway
from gateway.sdk import LiveFeed, Raw, Ref
from gateway.sdk.testing.sandbox import Sandbox, World, WorldLine, WorldPlace, WorldReceipt, small_world
from gateway.settings import parse
from gateway.storage import passes
from tests.graphql.world import Client, client_of
from tests.plugins.amazon import Clock
from tests.plugins.wire import Wire, wire_to
from tests.sync.state import state

TILL, WEB, AMAZON = "till", "web", "amazon"
CHANNELS = (TILL, WEB, AMAZON)
PLUGINS = {TILL: "sqlpos", WEB: "shopify", AMAZON: "amazon"}
WIRED = {WEB: ("address",), AMAZON: ("endpoint",)}
"""The key under which a wire's address is configured; Login with Amazon is asked at the sandbox itself."""

SOON = timedelta(seconds=20)
TOKEN = "staff-token"
PLACE = "leeds"


def world() -> World:
    """The same goods at every channel: three things, of which two are there, and a sale of yesterday."""
    small = small_world()
    lines = (WorldLine("TEA-1", 6, Decimal("2.55")), WorldLine("MUG-1", 1, Decimal("3.39")))
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    return replace(
        small,
        places=(WorldPlace(id=PLACE, name="Leeds"),),
        stock={("TEA-1", PLACE): 12, ("MUG-1", PLACE): 4, ("MUG-2", PLACE): 0},
        receipts=(WorldReceipt(number=7, at=at, place=PLACE, customer="17850", lines=lines),),
    )


async def started(key: str, there: World, directory: Path, clock: Clock) -> Any:
    """The sandbox of a channel, on this clock. What is throttled in life is so a thousand times less."""
    if key == TILL:
        return await gateway_sqlpos.sandbox.start(there, directory)
    if key == WEB:
        return await gateway_shopify.sandbox.start(there, directory, scale=1000, now=clock)
    return await gateway_amazon.sandbox.start(there, directory, scale=1000, now=clock, ticks=clock.ticks)


@dataclass
class Retail:
    """The gateway, its sandboxes and the wires to them, by channel."""

    gateway: Gateway
    client: Client
    sandboxes: Mapping[str, Any]
    wires: Mapping[str, Wire]
    clock: Clock
    document: Mapping[str, Any] = field(repr=False)

    def sandbox(self, key: str) -> Sandbox:
        found: Sandbox = self.sandboxes[key]
        return found

    def channel(self, key: str) -> OpenChannel:
        return self.gateway.syncing[key].channel

    def secrets(self) -> set[str]:
        """What must be told nobody: everything secret in the configurations."""
        names = ("access_token", "client_secret", "refresh_token", "webhook_secrets")
        told = [table["config"].get(name, ()) for table in self.document["channels"].values() for name in names]
        return {secret for value in told for secret in ([value] if isinstance(value, str) else value)}

    async def state(self) -> dict[str, Any]:
        """What the gateway knows."""
        return await self.gateway.database.read(state)

    async def known(self, key: str) -> dict[str, Any]:
        """What the gateway knows of one channel."""
        there = await self.state()
        listings = {id: told for (channel, id), told in there["listings"].items() if channel == key}
        return {"listings": listings, "stock": [row for row in there["stock"] if row[0] == key]}

    async def pass_on(self, **amount: float) -> None:
        """Let so much time pass, and do what is due then."""
        self.clock.forward(**amount)
        await self.gateway.run_due()

    async def faults(self, key: str) -> dict[str, str]:
        """The fault of each of the channel's feeds that has one."""
        return await self.gateway.database.read(_faults, key)

    async def messages(self) -> str:
        """What staff are told of all faults."""
        return "\n".join([await self.gateway.database.read(_messages, key) for key in self.sandboxes])

    async def data(self, query: str, **variables: Any) -> Any:
        return await self.client.data(query, TOKEN, **variables)

    async def available(self, key: str, sku: str = "TEA-1") -> int | None:
        """How many units a channel may sell, as a query tells."""
        query = """query ($skus: [String!], $key: String) {
          productVariants(filter: {skus: $skus}) { nodes { stock(channelKey: $key) { available } } } }"""
        found = await self.data(query, skus=[sku], key=key)
        (node,) = found["productVariants"]["nodes"]
        return None if node["stock"] is None else int(node["stock"]["available"])

    async def sources(self) -> dict[tuple[str, str], dict[str, Any]]:
        """What lists of products say of the channels."""
        query = "{ products { sources { channel { key } resource state asOf staleAt fault { code message } } } }"
        told = (await self.data(query))["products"]["sources"]
        return {(one["channel"]["key"], one["resource"]): one for one in told}

    async def items(self, key: str, feed: str) -> list[Raw]:
        """The raw records of a whole pass."""
        found: list[Raw] = []
        token: str | None = None
        while True:
            page = await self.channel(key).page(feed, None, token, SOON)
            found += page.items
            if (token := page.next) is None:
                return found

    async def fetched(self, key: str, feed: str, ids: Iterable[str]) -> dict[str, Any]:
        """What single reads give."""
        assert isinstance(self.channel(key).feeds[feed], LiveFeed)
        return dict(await self.channel(key).fetch(feed, [Ref(one) for one in ids], SOON))


def _faults(conn: Connection, key: str) -> dict[str, str]:
    known = passes.of_channel(conn, key)
    return {feed: row.fault_code for (feed, _), row in known.items() if row.fault_code is not None}


def _messages(conn: Connection, key: str) -> str:
    return "\n".join(row.fault_message or "" for row in passes.of_channel(conn, key).values())


_databases = itertools.count()


def document(url: str, sandboxes: Mapping[str, Any], wires: Mapping[str, Wire], **table: Any) -> dict[str, Any]:
    """A configuration with these channels, each the authority of a place of its own."""
    channels = {}
    for key, sandbox in sandboxes.items():
        config = dict(sandbox.config)
        for name in WIRED.get(key, ()):
            config[name] = wires[key].address
        channels[key] = {"plugin": PLUGINS[key], "private_addresses": True, **table, "config": config}
    places = {key: getattr(sandbox, "places", {}).get(PLACE, PLACE) for key, sandbox in sandboxes.items()}
    locations = {
        f"at-{key}": {"name": key, "kind": "WAREHOUSE", "authority": key, "channels": {key: place}}
        for key, place in places.items()
    }
    tokens = {"staff": {"token": TOKEN, "kind": "ADMIN", "scopes": ["*"]}}
    return {"database": url, "channels": channels, "locations": locations, "tokens": tokens}


@contextlib.asynccontextmanager
async def opened(
    told: Mapping[str, Any], sandboxes: Mapping[str, Any], wires: Mapping[str, Wire], clock: Clock
) -> AsyncIterator[Retail]:
    """A gateway of this configuration."""
    async with open_gateway(parse(dict(told), {}), plugins=discover(), clock=clock) as gateway:
        gateway.turns.gap = 0
        async with client_of(gateway) as client:
            yield Retail(gateway, client, sandboxes, wires, clock, told)


@contextlib.asynccontextmanager
async def retail(
    directory: Path, *keys: str, url: str | None = None, there: World | None = None, **table: Any
) -> AsyncIterator[Retail]:
    """Sandboxes of these channels, or of all, and a gateway that has read nothing yet."""
    clock = Clock(datetime.now(UTC).replace(microsecond=0))
    async with contextlib.AsyncExitStack() as stack:
        sandboxes: dict[str, Any] = {}
        wires: dict[str, Wire] = {}
        for key in keys or CHANNELS:
            sandboxes[key] = sandbox = await started(key, there or world(), directory, clock)
            stack.push_async_callback(sandbox.close)
            if key in WIRED:
                wires[key] = await stack.enter_async_context(wire_to(sandbox.config[WIRED[key][0]]))
        at = url or f"sqlite:///{directory / f'retail-{next(_databases)}.db'}"
        yield await stack.enter_async_context(opened(document(at, sandboxes, wires, **table), sandboxes, wires, clock))
