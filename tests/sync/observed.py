"""Looking at what a gateway knows, in tests of sync."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.runtime import Gateway
from gateway.sdk import Ref
from gateway.sdk.feeds import AnyFeed
from gateway.storage import passes, sources, tables
from gateway.storage.passes import PassRow
from gateway.storage.sources import Source
from gateway.sync.channel import Syncing
from gateway.sync.reading import reading
from gateway.sync.records import _items
from gateway.sync.take import Item, Reading, take

PLAIN: Mapping[str, Mapping[str, Any]] = {"till": {"config": {"feeds": ["products"]}}}
"""One channel with products alone: versions, single records, deltas."""


def channel(*feeds: str, **config: Any) -> dict[str, dict[str, Any]]:
    """The channel `till` with these feeds, and what else its configuration says."""
    return {"till": {"config": {"feeds": list(feeds or ["products"]), **config}}}


async def rows_of(gateway: Gateway, table: sa.Table, *names: str) -> list[Any]:
    """These columns of every row, sorted; of one column the values."""

    def select(conn: Connection) -> list[Any]:
        rows = sorted((tuple(row) for row in conn.execute(sa.select(*(table.c[name] for name in names)))), key=repr)
        return [row[0] for row in rows] if len(names) == 1 else rows

    return await gateway.database.read(select)


async def titles(gateway: Gateway) -> list[str]:
    """Of the products that some channel lists."""
    found: list[tuple[str, bool]] = await rows_of(gateway, tables.products, "title", "visible")
    return [title for title, visible in found if visible]


async def source(gateway: Gateway, id_: str, resource: str = "PRODUCTS", key: str = "till") -> Source:
    """What is known of one record."""
    return (await gateway.database.write(sources.locked, key, resource, [id_]))[id_]


async def pass_of(gateway: Gateway, feed: str = "products", kind: str = "delta", key: str = "till") -> PassRow:
    """How far a feed is read."""
    return await gateway.database.read(passes.get, key, feed, kind)


async def hint(gateway: Gateway, *ids: str, feed: str = "products", resource: str = "PRODUCTS") -> None:
    """Somebody said that these records changed."""
    await gateway.database.write(sources.hint, "till", resource, feed, list(ids), gateway.now())


class Answer:
    """A read by id that was answered, and whose answer has not arrived yet."""

    def __init__(self, gateway: Gateway, begun: Reading, found: list[Item]) -> None:
        self._gateway, self._begun, self._found = gateway, begun, found

    async def arrive(self) -> None:
        """It arrives, and is taken."""
        await self._gateway.database.write(take, self._begun, self._found, None, self._gateway.now())


async def ask(gateway: Gateway, *ids: str, feed: str = "products", fetched: bool = True) -> Answer:
    """Have the channel answer now; `fetched=False`: as a page would."""
    sync: Syncing = gateway.syncing["till"]
    live: AnyFeed = sync.channel.live_feeds[feed]
    begun = await reading(sync, live, fetched=fetched)
    answers = await sync.channel.live_feeds[feed].fetch([Ref(id_) for id_ in ids])
    return Answer(gateway, begun, await _items(sync, live, answers))
