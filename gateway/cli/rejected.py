"""Rejected records: listed, and read again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from gateway.channels.answers import stands_in
from gateway.cli.errors import CommandError
from gateway.runtime import Gateway, open_gateway
from gateway.settings import Settings
from gateway.storage import rejects as stored
from gateway.storage import sources
from gateway.storage.database import Database
from gateway.storage.rejects import RejectRow


async def rejected(settings: Settings) -> list[RejectRow]:
    database = Database(settings.database)
    try:
        return await database.read(stored.by_ids, None, _mapped(settings))
    finally:
        await database.close()


async def replayed(settings: Settings, ids: Sequence[str] | None) -> list[RejectRow]:
    """Read them again; those that are still rejected."""
    async with open_gateway(settings) as gateway:
        rows = await gateway.database.read(stored.by_ids, ids, _mapped(settings))
        if ids is not None and (unknown := set(ids) - {row.id for row in rows}):
            raise CommandError(f"there is no reject {min(unknown)}; see `gateway rejects list`")
        for channel in sorted({row.channel for row in rows}):
            await _replay_channel(gateway, channel, [row for row in rows if row.channel == channel])
        await gateway.run_due()
        return await gateway.database.read(stored.by_ids, [row.id for row in rows], _mapped(settings))


async def _replay_channel(gateway: Gateway, channel: str, rows: Sequence[RejectRow]) -> None:
    """By id where a feed can be read so; else with a complete pass."""
    if channel not in gateway.syncing:
        raise CommandError(f"channel {channel} is not open; see `gateway check-config`")
    live = gateway.syncing[channel].channel.live_feeds
    by_feed: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        if row.feed in live and not stands_in(row.external_id):
            by_feed[row.resource, row.feed].append(row.external_id)
        else:
            await gateway.make_due(channel, sweep=True)
    for (resource, feed), ids in by_feed.items():
        await gateway.database.write(sources.hint, channel, resource, feed, ids, gateway.now())


def _mapped(settings: Settings) -> frozenset[tuple[str, str]]:
    """The places of channels that are a location."""
    return frozenset(place for table in settings.locations.values() for place in table.channels.items())
