"""Processes of two versions use one database during an upgrade: the older one can start again on the newer schema."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage import migrate
from gateway.storage.database import Database
from gateway.storage.migrate import COMPATIBLE_WITH, NewerDatabaseError
from gateway.storage.tables import facts
from tests.gateways import Clock, run_gateway

pytestmark = pytest.mark.anyio


def expand(conn: Connection, oldest: str) -> None:
    """Do what the next version's migration does: add to the schema, and store which code can use it."""
    conn.exec_driver_sql("ALTER TABLE orders ADD COLUMN added_later TEXT")
    conn.exec_driver_sql("CREATE TABLE added_later (id TEXT PRIMARY KEY)")
    conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    conn.execute(sa.update(facts).where(facts.c.name == "schema_compatible_with").values(value=oldest))


async def change_schema(url: str, oldest: str) -> None:
    database = Database(url)
    await migrate.migrate(database)
    await database.write(expand, oldest)
    await database.close()


async def test_an_older_process_starts_on_an_expanded_schema(database_url: str) -> None:
    await change_schema(database_url, COMPATIBLE_WITH)
    async with run_gateway(database_url, {}, Clock()) as gateway:
        await gateway.run_due()
        assert await gateway.check_ready()


async def test_it_does_not_start_on_a_contracted_schema(database_url: str) -> None:
    await change_schema(database_url, "9999")
    database = Database(database_url)
    with pytest.raises(NewerDatabaseError, match="9999"):
        await migrate.migrate(database)
    await database.close()


async def test_an_older_process_does_not_change_what_the_newer_one_stored(database_url: str) -> None:
    await change_schema(database_url, COMPATIBLE_WITH)
    database = Database(database_url)
    await migrate.migrate(database)
    revision = await database.read(
        lambda conn: conn.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    )
    await database.close()
    assert revision == "9999"
