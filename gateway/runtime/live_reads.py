"""Live reads: single records that are read from their channel during a request, shared by concurrent requests."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.channels.open_channel import build_fault
from gateway.channels.response_validation import is_stand_in
from gateway.model.channels import Fault, Resource
from gateway.sdk.errors import ChannelError
from gateway.sdk.feeds import AnyFeed
from gateway.sdk.records import Ref
from gateway.storage.database import Database
from gateway.storage.sync import source_records
from gateway.sync.channel_sync import ChannelSync, get_resource
from gateway.sync.refetch import refresh_records

DEFAULT_STALE_AFTER = timedelta(minutes=15)
"""Age after which data of a channel that is not open counts as stale."""


@dataclass(slots=True)
class SharedRead:
    """A live read that several requests wait for."""

    task: asyncio.Task[Fault | None]
    waiters: int = 0

    async def wait(self) -> Fault | None:
        """Return the fault of the read, or None. The read is canceled with its last waiter."""
        self.waiters += 1
        try:
            return await asyncio.shield(self.task)
        finally:
            self.waiters -= 1
            if not self.waiters:
                self.task.cancel()


class LiveReads:
    """Reads single records from channels, and knows how old their data may be."""

    def __init__(self, database: Database, channels: Mapping[str, ChannelSync], clock: Callable[[], datetime]) -> None:
        self._database = database
        self._channels = channels
        self._now = clock
        self._in_flight: dict[tuple[str, frozenset[str]], SharedRead] = {}
        self._stale_after: dict[tuple[str, Resource], timedelta] = {}  # the configuration does not change

    def get_stale_after(self, channel: str, resource: Resource) -> timedelta:
        """Return the age after which the channel's data of a resource is stale (rule S9)."""
        found = self._stale_after.get((channel, resource))
        if found is None:
            sync = self._channels.get(channel)
            ages = [sync.get_stale_after(feed) for feed in self._find_feeds(channel, resource)] if sync else []
            found = self._stale_after[channel, resource] = max(ages, default=DEFAULT_STALE_AFTER)
        return found

    def can_refresh(self, channel: str, resource: Resource) -> bool:
        """Return whether the channel can read single records of the resource now."""
        sync = self._channels.get(channel)
        feeds = self._find_feeds(channel, resource)
        return sync is not None and any(feed.name in sync.channel.live_feeds for feed in feeds)

    def can_reread(self, channel: str, feed: str, id_: str) -> bool:
        """Return whether the feed can read the record with this id."""
        sync = self._channels.get(channel)
        return sync is not None and feed in sync.channel.live_feeds and not is_stand_in(id_)

    async def refresh(self, channel: str, resource: Resource, refs: Sequence[Ref], deadline: timedelta) -> Fault | None:
        """Read these records within the deadline. Returns the fault of the read, or None.

        Concurrent calls for the same records share one read.
        """
        key = (f"{channel} {resource.value}", frozenset(ref.id for ref in refs))
        shared = self._in_flight.get(key)
        if shared is None:
            read = self._refresh(self._channels[channel], resource, refs, deadline)
            shared = self._in_flight[key] = SharedRead(asyncio.create_task(read))
        try:
            return await shared.wait()
        finally:
            if shared.waiters == 0 and self._in_flight.get(key) is shared:
                del self._in_flight[key]

    async def _refresh(
        self, sync: ChannelSync, resource: Resource, refs: Sequence[Ref], deadline: timedelta
    ) -> Fault | None:
        by_feed = await self._group_by_feed(sync, resource, refs)
        reads = [
            refresh_records(sync, sync.channel.feeds[feed], feed_refs, deadline, live=True)
            for feed, feed_refs in by_feed.items()
        ]
        try:
            await asyncio.gather(*reads)
        except ChannelError as error:
            return build_fault(error, self._now())
        return None

    async def _group_by_feed(
        self, sync: ChannelSync, resource: Resource, refs: Sequence[Ref]
    ) -> Mapping[str, Sequence[Ref]]:
        """Group the records that can be read live by their feed."""
        feeds = await self._database.read(source_records.find_feeds, sync.key, resource.value, [ref.id for ref in refs])
        by_feed: dict[str, list[Ref]] = defaultdict(list)
        for ref in refs:
            if feeds.get(ref.id) in sync.channel.live_feeds:
                by_feed[feeds[ref.id]].append(ref)
        return by_feed

    def _find_feeds(self, channel: str, resource: Resource) -> list[AnyFeed]:
        sync = self._channels.get(channel)
        return [] if sync is None else [feed for feed in sync.channel.feeds.values() if get_resource(feed) is resource]
