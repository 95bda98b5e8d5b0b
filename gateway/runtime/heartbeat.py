"""Heartbeat: shows in the database that this process serves these channels, to commands that must not run beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from gateway.storage.database import Connection, Database
from gateway.storage.sync import channel_health, leases
from gateway.storage.sync.leases import Lease

HEARTBEAT_INTERVAL = 20.0
"""Seconds between two heartbeats."""

LIFETIME = timedelta(minutes=1)
"""How long a process counts as running after its last heartbeat."""


class Heartbeat:
    """The heartbeat of one process."""

    def __init__(
        self, database: Database, process_id: str, channels: Iterable[str], now: Callable[[], datetime]
    ) -> None:
        self._database, self._process_id, self._now = database, process_id, now
        self._channels = list(channels)
        self._name = leases.format_process(process_id, self._channels)
        self._lease: Lease | None = None

    async def send(self) -> None:
        """Show that this process runs."""
        self._lease = await self._database.write(self._store)

    def _store(self, conn: Connection) -> Lease | None:
        if self._lease is None:  # a channel may have been forgotten since this process has read the configuration
            channel_health.lock_channels(conn, self._channels, shared=True)
            channel_health.insert_channels(conn, self._channels)
        return leases.acquire_lease(conn, self._name, self._process_id, self._now(), LIFETIME)

    async def stop(self) -> None:
        """Show that this process does not run any more."""
        if self._lease is not None:
            await self._database.write(leases.delete_lease, self._lease)
