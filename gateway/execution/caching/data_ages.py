"""Ages of the data of channels, for the cache headers of responses."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.model.channels import Resource
from gateway.storage.database import Database
from gateway.storage.reads.channel_status import Age, find_ages

Ages = Mapping[tuple[str, Resource], Age]
"""By channel and resource."""


class DataAges:
    """The ages of all resources of all channels, read again after any commit."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._version: int | None = None
        self._ages: Ages = {}

    async def find(self) -> Ages:
        """Find the ages as they are now.

        Raises:
            StorageUnavailableError: the database cannot be used now.
        """
        current = self.find_current()
        if current is None:
            version = self._database.read_version()
            self._ages, self._version = await self._database.read(find_ages), version
        return self._ages if current is None else current

    def find_current(self) -> Ages | None:
        """Return the ages as they are now, if they do not have to be read again."""
        version = self._database.read_version()
        return self._ages if version is not None and version == self._version else None
