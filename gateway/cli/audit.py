"""Reads the audit trail for operators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from gateway.model.audit import AuditChange, AuditEntry
from gateway.runtime.gateway import get_utc_now, open_gateway
from gateway.settings.schema import Settings
from gateway.storage import audit
from gateway.storage.audit import AuditQuery, RefusalKey
from gateway.storage.database import Connection

Entries = Sequence[tuple[AuditEntry, Sequence[AuditChange]]]


async def fetch_entries(settings: Settings, query: AuditQuery, limit: int) -> Entries:
    """Fetch the latest entries with their values."""

    def read(conn: Connection) -> Entries:
        entries = audit.list_latest(conn, query, limit)
        changes: Mapping[str, Sequence[AuditChange]] = audit.find_changes(conn, [entry.id for entry in entries])
        return [(entry, changes[entry.id]) for entry in entries]

    async with open_gateway(settings) as gateway:
        return await gateway.database.read(read)


async def fetch_refusals(settings: Settings, since: timedelta, limit: int) -> Sequence[tuple[RefusalKey, int]]:
    """Fetch how often clients without a token were refused since a while ago."""
    async with open_gateway(settings) as gateway:
        return await gateway.database.read(audit.list_refusals, get_utc_now() - since, limit)
