"""Ages of the data of channels, for the cache headers of responses."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.model.channels import Resource
from gateway.storage.database import Database
from gateway.storage.reads.channel_status import Age, find_ages


class DataAges:
    """The ages of all resources of all channels, read again after any commit."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._version: int | None = None
        self._ages: Mapping[tuple[str, Resource], Age] = {}

    async def find(self) -> Mapping[tuple[str, Resource], Age]:
        """Find the ages as they are now.

        Raises:
            StorageUnavailableError: the database cannot be used now.
        """
        version = self._database.read_version()
        if version is None or version != self._version:
            self._ages, self._version = await self._database.read(find_ages), version
        return self._ages
