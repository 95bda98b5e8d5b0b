"""Rejected records: listed, and read again."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.cli.errors import CommandError
from gateway.model.channels import Resource
from gateway.runtime import Gateway, open_gateway
from gateway.sdk.records import Ref
from gateway.settings import Settings
from gateway.storage import rejects as stored
from gateway.storage.database import Database
from gateway.storage.rejects import RejectRow


async def rejected(settings: Settings) -> list[RejectRow]:
    database = Database(settings.database)
    try:
        return await database.read(stored.by_ids, None)
    finally:
        await database.close()


async def replayed(settings: Settings, ids: Sequence[str] | None) -> list[RejectRow]:
    """Read them again; those that are still rejected."""
    async with open_gateway(settings) as gateway:
        rows = await gateway.database.read(stored.by_ids, ids)
        if ids is not None and (unknown := set(ids) - {row.id for row in rows}):
            raise CommandError(f"there is no reject {min(unknown)}; see `gateway rejects list`")
        for channel in sorted({row.channel for row in rows}):
            await _replay_channel(gateway, channel, [row for row in rows if row.channel == channel])
        await gateway.run_due()
        return await gateway.database.read(stored.by_ids, [row.id for row in rows])


async def _replay_channel(gateway: Gateway, channel: str, rows: Sequence[RejectRow]) -> None:
    """By id where the channel can be read so; else with a complete pass."""
    if channel not in gateway.syncing:
        raise CommandError(f"channel {channel} is not open; see `gateway check-config`")
    for resource in sorted({Resource(row.resource) for row in rows}, key=lambda resource: resource.value):
        ids = [row.external_id for row in rows if row.resource == resource.value]
        if gateway.can_refresh(channel, resource):
            await _refresh(gateway, channel, resource, ids)
        else:
            await gateway.make_due(channel, sweep=True)


async def _refresh(gateway: Gateway, channel: str, resource: Resource, ids: Sequence[str]) -> None:
    deadline = gateway.settings.channels[channel].call_deadline
    fault = await gateway.refresh(channel, resource, [Ref(id_) for id_ in ids], deadline)
    if fault is not None:
        raise CommandError(f"channel {channel} cannot be read: {fault.message}")
