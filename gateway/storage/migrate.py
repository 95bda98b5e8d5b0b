"""Bringing a database to the tables of this version: at every start, by one process at a time."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from gateway.storage.database import Database, is_sqlite

_LOCK = 7_204_113_001  # any number, the same in every version


class NewerDatabaseError(Exception):
    """The database was written by a later version of the gateway."""


async def migrate(database: Database) -> None:
    """Bring the database up to date. Waits for another process that is doing so.

    Raises:
        NewerDatabaseError: it is ahead of this version.
    """
    await database.write(upgrade)


def upgrade(conn: Connection) -> None:
    """Run what is missing, in this transaction, under an exclusive lock (SQLite's writers hold one anyway)."""
    if not is_sqlite(conn):
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    config = configuration()
    scripts = ScriptDirectory.from_config(config)
    at = MigrationContext.configure(conn).get_current_revision()
    if at == scripts.get_current_head():
        return
    if at is not None and at not in {script.revision for script in scripts.walk_revisions()}:
        raise NewerDatabaseError(f"the database is at revision {at}, which this version does not know; use a later one")
    config.attributes["connection"] = conn
    command.upgrade(config, "head")


def configuration() -> Config:
    """Alembic's configuration, without a file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
