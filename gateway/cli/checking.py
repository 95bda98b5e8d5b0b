"""What is wrong with a configuration, as far as it shows once the plugins are there."""

from __future__ import annotations

from gateway.channels.opening import RequiredChannelError, open_channels
from gateway.channels.plugins import Plugins, discover
from gateway.runtime import utc_now
from gateway.settings import Settings, SettingsError
from gateway.storage.database import Database, DatabaseUrlError


async def problems_of(settings: Settings) -> list[str]:
    """A line for each."""
    found = discover()
    problems = [*_database_problems(settings), *_policy_problems(settings, found)]
    try:
        channels = await open_channels(settings, found, utc_now)
    except RequiredChannelError as error:
        return [*problems, *error.problems]
    await channels.close()
    return problems + [line for lines in channels.problems.values() for line in lines]


def _database_problems(settings: Settings) -> list[str]:

    try:
        Database(settings.database)
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
