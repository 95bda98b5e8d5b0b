"""Outgoing webhooks: list, replay and resume."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from gateway.cli.errors import CommandError
from gateway.commerce.access import audit
from gateway.model.notices.kinds import NoticeState
from gateway.runtime.database_opening import create_database
from gateway.settings.schema import Settings
from gateway.storage.database import Connection
from gateway.storage.sync import notices
from gateway.storage.sync.notices import Notice


async def fetch_notices(settings: Settings, state: NoticeState | None) -> list[Notice]:
    """Fetch notices, latest first."""
    database = create_database(settings)
    try:
        return await database.read(notices.list_notices, state)
    finally:
        await database.close()


async def replay_notices(settings: Settings, ids: Sequence[str] | None) -> list[str]:
    """Queue dead notices anew. Returns their ids."""
    replayed: list[str] = await _change(settings, _replay, ids)
    if ids is not None and (unknown := sorted(set(ids) - set(replayed))):
        raise CommandError(f"there is no dead notice {unknown[0]}; see `gateway webhooks list --state dead`")
    return replayed


async def resume_endpoint(settings: Settings, name: str) -> bool:
    """Send to a paused endpoint again. Returns False if it was not paused."""
    if name not in settings.webhooks:
        raise CommandError(f"there is no webhook {name}; expected one of {', '.join(settings.webhooks) or 'none'}")
    return bool(await _change(settings, _resume, name))


def _replay(conn: Connection, ids: Sequence[str] | None, now: datetime) -> list[str]:
    replayed = notices.replay_notices(conn, ids, now)
    if replayed:
        audit.record_command(conn, "gateway webhooks replay", None, now)
    return replayed


def _resume(conn: Connection, name: str, now: datetime) -> bool:
    is_resumed = notices.resume_endpoint(conn, name, now)
    if is_resumed:
        audit.record_command(conn, "gateway webhooks resume", None, now)
    return is_resumed


async def _change(settings: Settings, change: Callable[..., Any], *arguments: object) -> Any:
    """Change the database, and let running processes notice."""
    database = create_database(settings)
    try:
        result = await database.write(change, *arguments, datetime.now(UTC))
        await database.announce()
        return result
    finally:
        await database.close()
