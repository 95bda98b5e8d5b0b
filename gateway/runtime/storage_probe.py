"""Storage probe: proves that the database can be written, for readiness checks and for background work that waits."""

from __future__ import annotations

import asyncio
import math
import random

from gateway.storage import write_probe
from gateway.storage.database import Database
from gateway.storage.errors import StorageUnavailableError

PROOF_LIFETIME = 1.0
"""Seconds for which a proof holds: several load balancers may ask at the same time."""

MIN_RETRY_DELAY, MAX_RETRY_DELAY = 0.05, 1.0
"""Seconds until the first and later probes during an outage. The delay doubles every time."""


class StorageProbe:
    """Probes the database of one gateway."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._proved_at = -math.inf
        self._proving = asyncio.Lock()
        self._waiting = asyncio.Lock()

    async def prove(self) -> None:
        """Prove that the database can be written.

        Raises:
            StorageUnavailableError: it cannot.
        """
        async with self._proving:
            if not self._has_proof():
                await self._database.write(write_probe.store_probe)
                self._proved_at = self._database.availability.clock()

    def _has_proof(self) -> bool:
        """Return whether the last proof still holds: it is young, and nothing has failed since."""
        availability = self._database.availability
        return availability.failed_at < self._proved_at and availability.clock() - self._proved_at < PROOF_LIFETIME

    async def wait_until_available(self) -> None:
        """Wait for the end of an outage. Of all that wait, one probes the database, with exponential backoff."""
        async with self._waiting:
            delay = MIN_RETRY_DELAY
            while not self._database.availability.is_available:
                await asyncio.sleep(delay * random.uniform(0.5, 1))  # noqa: S311 jitter, not a secret
                delay = min(2 * delay, MAX_RETRY_DELAY)
                await self._try_write()

    async def _try_write(self) -> None:
        try:
            await self.prove()
        except StorageUnavailableError:
            return  # the availability of the database says so
