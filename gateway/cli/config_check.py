"""Checks of the configuration that need the plugins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gateway.channels.loader import try_channels
from gateway.channels.plugin_registry import Plugins, discover
from gateway.channels.rate_budget import UnlimitedBucketStore
from gateway.model.ids import GlobalId
from gateway.runtime import signing_secrets
from gateway.runtime.database_opening import create_database
from gateway.runtime.gateway import get_utc_now
from gateway.runtime.topology_changes import read_changes
from gateway.settings.problems import SettingsError
from gateway.settings.schema import Settings
from gateway.storage import channel_purge
from gateway.storage.database import Connection, Database
from gateway.storage.errors import DatabaseUrlError, StorageUnavailableError
from gateway.storage.reads import catalog
from gateway.storage.reads.catalog import Visibility
from gateway.storage.writes import location_authorities

_HIDDEN = "which access.anonymous hides"


async def find_problems(settings: Settings) -> list[str]:
    """Find the problems of the configuration, one line each."""
    plugins = discover()
    problems = [*await _check_database(settings), *signing_secrets.find_problems(settings)]
    problems += _check_policies(settings, plugins)
    channels = await try_channels(settings, plugins, get_utc_now, UnlimitedBucketStore())
    await channels.close()
    return problems + [line for lines in channels.problems.values() for line in lines]


def find_notices(settings: Settings) -> list[str]:
    """Find what is accepted, but should be changed, one line each."""
    return [*signing_secrets.find_notices(settings), *_list_hidden_leaders(settings), *_list_exposed_files(settings)]


def _list_hidden_leaders(settings: Settings) -> list[str]:
    """List the preferred channels of the catalog that clients without a token do not see, but their texts (rule X1)."""
    notices = []
    leader = settings.list_channels_by_priority("texts")[:1]
    if "texts" not in settings.catalogue.priority_by_field.list_configured() and _is_hidden(settings, leader):
        notices.append(f"catalogue.priority: texts and handles of products are those of {leader[0]}, {_HIDDEN}")
    for field, keys in settings.catalogue.priority_by_field.list_configured().items():
        if _is_hidden(settings, keys[:1]):
            what = "texts and handles" if field == "texts" else field
            line = f"catalogue.priority_by_field.{field}: {what} of products are those of {keys[0]}, {_HIDDEN}"
            notices.append(line)
    return notices


def _is_hidden(settings: Settings, leader: Sequence[str]) -> bool:
    seen = settings.access.anonymous.channels
    return seen is not None and any(key not in seen for key in leader)


async def find_topology_changes(settings: Settings) -> Sequence[str]:
    """Find what the next start of the gateway hides, or leaves as it was until it is accepted, one line each."""
    if not Database.has_files(settings.database):
        return []
    database = create_database(settings)
    try:
        return await database.read(_describe_changes, settings)
    except StorageUnavailableError as error:
        return [f"database: cannot be read ({error}), so removed channels and changed locations are not known"]
    finally:
        await database.close()


def _describe_changes(conn: Connection, settings: Settings) -> list[str]:
    changes = read_changes(conn, settings)
    hidden = (_describe_hidden(conn, key) for key in sorted(changes.removed_channels))
    return [*changes.describe(), *hidden, *_list_unknown_categories(conn, settings)]


def _list_unknown_categories(conn: Connection, settings: Settings) -> Iterator[str]:
    """List the categories of collections that the database does not have (yet): nothing matches them."""
    by_path = {
        f"collections.{key}.filter.category_ids.{number}": GlobalId.parse(id_).key
        for key, table in settings.collections.items()
        for number, id_ in enumerate(table.filter.category_ids or ())
    }
    if not by_path or not location_authorities.has_table(conn):  # nothing is stored yet
        return iter(())
    known = catalog.find_categories(conn, list(by_path.values()), Visibility(everything=True))
    return (
        f"{path}: there is no such category; nothing matches it" for path, id_ in by_path.items() if id_ not in known
    )


def _describe_hidden(conn: Connection, channel: str) -> str:
    counts = channel_purge.count_data(conn, channel)
    hidden = ", ".join(f"{counts[name]:,} {name}" for name in ("listings", "stock counts", "open carts"))
    return f"channel {channel}: hides {hidden}; {counts['unsent commands']:,} commands are not sent"


def _list_exposed_files(settings: Settings) -> list[str]:
    files = Database.list_exposed_files(settings.database)
    return [f"database: {file} can be read by others than its owner; `gateway serve` changes that" for file in files]


async def _check_database(settings: Settings) -> list[str]:
    try:
        await create_database(settings).close()
    except DatabaseUrlError as error:
        return [f"database: {error}"]
    return []


def _check_policies(settings: Settings, plugins: Plugins) -> list[str]:
    problems: list[str] = []
    names = {kind: getattr(settings.catalogue, kind) for kind in ("matching", "prices", "related")}
    for kind, name in {**names, "recognition": settings.customers.recognition}.items():
        try:
            plugins.get_policy(kind, name)
        except SettingsError as error:
            problems += error.problems
    return problems
