"""Schema migrations: run at every start, by one process at a time.

During an upgrade processes of two versions use one database (rule L6). So a migration only adds what the version before
does not need (expand), and what is unused by then is removed one version later (contract). Every version stores the
oldest revision whose code can use its schema: an older process starts on the newer schema if it is among them.
"""

from __future__ import annotations

import logging
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from gateway.storage.database import Database, is_sqlite
from gateway.storage.sql.bulk import upsert_rows
from gateway.storage.tables import facts

_log = logging.getLogger(__name__)

COMPATIBLE_WITH = "0015"
"""The oldest revision whose code can read and write the schema of this version. It changes with a contracting
migration, at the earliest one version after the code has stopped to use what that removes.
"""

_COMPATIBLE_FACT = "schema_compatible_with"
_LOCK = 7_204_113_001  # an arbitrary key, the same in every version


class NewerDatabaseError(Exception):
    """The database was written by a later version of the gateway, whose schema this one cannot use."""


async def migrate(database: Database) -> None:
    """Migrate the database to this version. Waits for another process that is migrating it.

    Raises:
        NewerDatabaseError: the database is ahead of this version.
    """
    await database.write(upgrade)


def upgrade(conn: Connection) -> None:
    """Run the missing migrations in this transaction, under an exclusive lock (on SQLite every writer holds one)."""
    if not is_sqlite(conn):
        conn.exec_driver_sql("SET LOCAL statement_timeout = 0")  # it waits for others, and a new index takes its time
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    scripts = load_scripts()
    at, head = MigrationContext.configure(conn).get_current_revision(), scripts.get_current_head() or ""
    if at is not None and at not in {script.revision for script in scripts.walk_revisions()}:
        _check_compatible(conn, at, head)
        return
    if at != head:
        config = build_configuration()
        config.attributes["connection"] = conn
        command.upgrade(config, "head")
    if _find_compatible(conn) != COMPATIBLE_WITH:
        upsert_rows(conn, facts, [{"name": _COMPATIBLE_FACT, "value": COMPATIBLE_WITH}], ["name"])


def _find_compatible(conn: Connection) -> str | None:
    """Find the oldest revision whose code can use the schema of the database."""
    return conn.scalar(sa.select(facts.c.value).where(facts.c.name == _COMPATIBLE_FACT))


def _check_compatible(conn: Connection, at: str, head: str) -> None:
    """Check that this version can use the schema of a later one, which is at a revision that it does not know."""
    oldest = _find_compatible(conn)
    if oldest is None or head < oldest:
        raise NewerDatabaseError(
            f"the database is at revision {at}, which this version does not know; use a later version"
        )
    _log.warning("the database is at revision %s of a later version, whose schema this one can use", at)


@cache
def load_scripts() -> ScriptDirectory:
    """Load the migrations, once per process: it takes longer than everything else of a start without a migration."""
    return ScriptDirectory.from_config(build_configuration())


def build_configuration() -> Config:
    """Build Alembic's configuration without a file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
