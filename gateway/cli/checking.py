"""What is wrong with a configuration, as far as it shows once the plugins are there."""

from __future__ import annotations

from gateway.channels.budgets import FreeLedger
from gateway.channels.opening import try_channels
from gateway.channels.plugins import Plugins, discover
from gateway.runtime import utc_now
from gateway.settings import Settings, SettingsError
from gateway.storage.database import Database, DatabaseUrlError


async def problems_of(settings: Settings) -> list[str]:
    """A line for each."""
    found = discover()
    problems = [*await _database_problems(settings), *_policy_problems(settings, found)]
    channels = await try_channels(settings, found, utc_now, FreeLedger())
    await channels.close()
    return problems + [line for lines in channels.problems.values() for line in lines]


async def _database_problems(settings: Settings) -> list[str]:
    try:
        await Database(settings.database).close()
    except DatabaseUrlError as error:
        return [f"database: {error}"]
    return []


def _policy_problems(settings: Settings, found: Plugins) -> list[str]:
    problems: list[str] = []
    for kind in ("matching", "prices"):
        try:
            found.policy(kind, getattr(settings.catalogue, kind))
        except SettingsError as error:
            problems += error.problems
    return problems
