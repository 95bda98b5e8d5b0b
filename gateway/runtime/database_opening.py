"""Opens the database of a configuration."""

from __future__ import annotations

from gateway.settings.schema import Settings
from gateway.storage.database import Database
from gateway.storage.postgresql_backend import PoolOptions


def create_database(settings: Settings) -> Database:
    """Create the database. The caller closes it.

    Raises:
        DatabaseUrlError: the URL is not one of a supported database.
    """
    return Database(settings.database, PoolOptions(**settings.pool.model_dump()))
