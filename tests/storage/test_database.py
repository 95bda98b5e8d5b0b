from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import Connection

from gateway.storage import tables
from gateway.storage.database import Database
from gateway.storage.migrate import NewerDatabaseError, migrate

OpenDatabase = Callable[[], AbstractAsyncContextManager[Database]]
pytestmark = pytest.mark.anyio


async def test_the_migrations_make_exactly_the_tables_that_the_statements_use(open_database: OpenDatabase) -> None:
    async with open_database() as database:
        differences = await database.read(
            lambda conn: compare_metadata(
                MigrationContext.configure(conn, opts={"include_object": _ours}), tables.metadata
            )
        )
        assert differences == []


def _ours(_object: object, name: str | None, *_rest: object) -> bool:
    return name not in {"observations", "alembic_version"}


async def test_migrating_twice_changes_nothing(open_database: OpenDatabase) -> None:
    async with open_database() as database:
        await migrate(database)
        assert await database.read(lambda conn: conn.scalar(sa.select(tables.log_head.c.pos))) == 0


async def test_a_database_of_a_later_version_is_refused(open_database: OpenDatabase) -> None:
    async with open_database() as database:
        await database.write(lambda conn: conn.execute(sa.text("UPDATE alembic_version SET version_num = '9999'")))
        with pytest.raises(NewerDatabaseError, match="9999"):
            await migrate(database)


async def test_no_update_is_lost_between_two_writers(open_database: OpenDatabase, database_url: str) -> None:
    """L1: with deferred transactions both would read 0 and one increment would be lost, or fail."""
    import asyncio

    def increment(conn: Connection) -> None:
        head = tables.log_head
        pos: int = conn.scalars(sa.select(head.c.pos).with_for_update()).one()
        conn.execute(sa.update(head).values(pos=pos + 1))

    async with open_database() as one, open_database() as other:
        await asyncio.gather(*(database.write(increment) for database in (one, other) for _ in range(40)))
        assert await one.read(lambda conn: conn.scalar(sa.select(tables.log_head.c.pos))) == 80
