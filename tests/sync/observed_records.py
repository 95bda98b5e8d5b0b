"""Inspection of the state of a gateway in sync tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.runtime.gateway import Gateway
from gateway.sdk import Ref
from gateway.sdk.feeds import AnyFeed
from gateway.storage import tables
from gateway.storage.sync import feed_cursors, source_records
from gateway.storage.sync.feed_cursors import FeedCursorRow
from gateway.storage.sync.source_records import SourceRecord
from gateway.sync.apply import ReadContext, ReadItem, apply_items
from gateway.sync.channel_sync import ChannelSync
from gateway.sync.decoding import begin_read
from gateway.sync.refetch import _decode_answers

PLAIN: Mapping[str, Mapping[str, Any]] = {"till": {"config": {"feeds": ["products"]}}}
"""One channel with products alone: versions, single records, deltas."""


def configure_till(*feeds: str, **config: Any) -> dict[str, dict[str, Any]]:
    """Configure the channel `till` with these feeds and options."""
    return {"till": {"config": {"feeds": list(feeds or ["products"]), **config}}}


async def list_rows(gateway: Gateway, table: sa.Table, *names: str) -> list[Any]:
    """List these columns of every row, sorted; for one column, its values."""

    def select(conn: Connection) -> list[Any]:
        rows = sorted((tuple(row) for row in conn.execute(sa.select(*(table.c[name] for name in names)))), key=repr)
        return [row[0] for row in rows] if len(names) == 1 else rows

    return await gateway.database.read(select)


async def list_titles(gateway: Gateway) -> list[str]:
    """List the titles of visible products."""
    found: list[tuple[str, bool]] = await list_rows(gateway, tables.products, "title", "visible")
    return [title for title, visible in found if visible]


async def source(gateway: Gateway, id_: str, resource: str = "PRODUCTS", key: str = "till") -> SourceRecord:
    """Read the sync state of one record."""
    return (await gateway.database.write(source_records.lock_records, key, resource, [id_]))[id_]


async def pass_of(gateway: Gateway, feed: str = "products", kind: str = "delta", key: str = "till") -> FeedCursorRow:
    """Read the cursor of a feed."""
    return await gateway.database.read(feed_cursors.get_cursor, key, feed, kind)


async def hint(gateway: Gateway, *ids: str, feed: str = "products", resource: str = "PRODUCTS") -> None:
    """Store a hint that these records changed."""
    await gateway.database.write(source_records.hint_records, "till", resource, feed, list(ids), gateway.now())


class DelayedResponse:
    """A read by id that was answered, and whose response has not arrived yet."""

    def __init__(self, gateway: Gateway, begun: ReadContext, found: list[ReadItem]) -> None:
        self._gateway, self._begun, self._found = gateway, begun, found

    async def deliver(self) -> None:
        """Deliver the response."""
        await self._gateway.database.write(apply_items, self._begun, self._found, None, self._gateway.now())


async def ask(gateway: Gateway, *ids: str, feed: str = "products", fetched: bool = True) -> DelayedResponse:
    """Let the channel answer now. `fetched=False`: like a page."""
    sync: ChannelSync = gateway.channel_syncs["till"]
    live: AnyFeed = sync.channel.live_feeds[feed]
    begun = await begin_read(sync, live, fetched=fetched)
    answers = await sync.channel.live_feeds[feed].fetch([Ref(id_) for id_ in ids])
    return DelayedResponse(gateway, begun, await _decode_answers(sync, live, answers))
