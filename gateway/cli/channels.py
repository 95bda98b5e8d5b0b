"""Commands for channels that were removed from the configuration, or renamed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.cli.errors import CommandError
from gateway.commerce import channel_data
from gateway.commerce.channel_data import ChannelServedError
from gateway.runtime.database_opening import create_database
from gateway.runtime.gateway import get_utc_now, open_gateway
from gateway.settings.schema import Settings
from gateway.storage import channel_purge
from gateway.storage.database import Connection
from gateway.storage.migrate import migrate
from gateway.sync import channel_removal

STAYING = ("orders", "customers", "open carts")


@dataclass(frozen=True, slots=True)
class ForgottenCounts:
    """How much a removed channel has stored, by kind."""

    numbers: Mapping[str, int]

    def describe(self, channel: str) -> Iterator[str]:
        """Describe what is deleted, and what stays."""
        deleted = {name: number for name, number in self.numbers.items() if name not in STAYING}
        yield f"{channel}: deletes {_format_counts(deleted)}"
        yield f"{channel}: leaves {_format_counts({name: self.numbers[name] for name in STAYING})}"


async def count_forgotten(settings: Settings, channel: str) -> ForgottenCounts:
    """Count what a removed channel has stored."""
    async with open_gateway(settings) as gateway:
        _check_removed(settings, channel, gateway.removed_channels)
        return ForgottenCounts(await gateway.database.read(channel_purge.count_data, channel))


async def forget(settings: Settings, channel: str) -> None:
    """Purge what a removed channel has stored."""
    async with open_gateway(settings) as gateway:
        _check_removed(settings, channel, gateway.removed_channels)
        try:
            await channel_removal.forget_channel(gateway.database, channel, gateway.rules, gateway.now)
        except ChannelServedError as error:
            raise CommandError(str(error)) from error


async def rename(settings: Settings, old: str, new: str) -> None:
    """Carry all data of a channel over to a new key. No gateway is opened: that would store the new key as another."""
    if new not in settings.channels or old in settings.channels:
        raise CommandError(
            f"rename [channels.{old}] to [channels.{new}] in the configuration first, wherever it is named"
        )
    database = create_database(settings)
    try:
        await migrate(database)
        await database.write(_rename, old, new, get_utc_now())
    finally:
        await database.close()


def _rename(conn: Connection, old: str, new: str, now: datetime) -> None:
    if problem := channel_data.find_rename_problem(conn, old, new, now):
        raise CommandError(problem)
    channel_data.rename_channel(conn, old, new, now)


def _check_removed(settings: Settings, channel: str, removed: Collection[str]) -> None:
    if channel in settings.channels:
        raise CommandError(f"{channel} is configured: remove it from the configuration first")
    if channel not in removed:
        known = ", ".join(sorted(removed)) or "none"
        raise CommandError(f"there is no removed channel {channel}; expected one of {known}")


def _format_counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number:,} {name}" for name, number in counts.items())
