"""Rejected records: list and replay."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from gateway.channels.response_validation import is_stand_in
from gateway.cli.errors import CommandError
from gateway.model.channels import RejectSeverity
from gateway.runtime.database_opening import create_database
from gateway.runtime.gateway import Gateway, open_gateway
from gateway.settings.schema import Settings
from gateway.storage.sync import rejects, source_records
from gateway.storage.sync.rejects import RejectRow


async def fetch_rejects(settings: Settings) -> list[RejectRow]:
    database = create_database(settings)
    try:
        return await database.read(rejects.find_rejects, None, _list_mapped_locations(settings))
    finally:
        await database.close()


async def fetch_reject(settings: Settings, id_: str) -> RejectRow:
    """Fetch a rejected record, or a count that waits."""
    database = create_database(settings)
    try:
        found = await database.read(rejects.find_rejects, [id_], _list_mapped_locations(settings))
    finally:
        await database.close()
    if not found:
        raise CommandError(f"there is no reject {id_}; see `gateway rejects list`")
    return found[0]


async def reread_rejects(settings: Settings, ids: Sequence[str] | None) -> list[RejectRow]:
    """Read rejected records again. Returns those that are still rejected."""
    async with open_gateway(settings) as gateway:
        rows = await gateway.database.read(rejects.find_rejects, ids, _list_mapped_locations(settings))
        if ids is not None and (unknown_ids := set(ids) - {row.id for row in rows}):
            raise CommandError(f"there is no reject {min(unknown_ids)}; see `gateway rejects list`")
        for channel in sorted({row.channel for row in rows}):
            await _replay_channel(gateway, channel, [row for row in rows if row.channel == channel])
        await gateway.run_due()
        remaining = await gateway.database.read(
            rejects.find_rejects, [row.id for row in rows], _list_mapped_locations(settings)
        )
        return [row for row in remaining if row.severity == RejectSeverity.ERROR.value]


async def _replay_channel(gateway: Gateway, channel: str, rows: Sequence[RejectRow]) -> None:
    """Read by id where the feed supports it, else with a complete pass."""
    if channel not in gateway.channel_syncs:
        raise CommandError(f"channel {channel} is not open; see `gateway check-config`")
    live = gateway.channel_syncs[channel].channel.live_feeds
    by_feed: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        if row.feed in live and not is_stand_in(row.external_id):
            by_feed[row.resource, row.feed].append(row.external_id)
        else:
            await gateway.request_sync(channel, sweep=True)
    for (resource, feed), ids in by_feed.items():
        await gateway.database.write(source_records.hint_records, channel, resource, feed, ids, gateway.now())


def _list_mapped_locations(settings: Settings) -> frozenset[tuple[str, str]]:
    """Return the external locations that are mapped to a location."""
    return frozenset(location for table in settings.locations.values() for location in table.channels.items())
