from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.engine import Connection

from gateway.storage import postgresql_backend, tables
from gateway.storage.database import Database
from gateway.storage.migrate import NewerDatabaseError, migrate
from gateway.storage.sqlite_backend import SQLiteBackend
from tests.conditions import wait_for

OpenDatabase = Callable[[], AbstractAsyncContextManager[Database]]
pytestmark = pytest.mark.anyio


async def test_migrating_twice_changes_nothing(open_database: OpenDatabase) -> None:
    async with open_database() as database:
        await migrate(database)
        assert await database.read(lambda conn: conn.scalar(sa.select(tables.log_head.c.pos))) == 0


async def test_a_database_of_a_later_version_is_refused(open_database: OpenDatabase) -> None:
    async with open_database() as database:
        await migrate(database)
        await database.write(mark_as_later)
        with pytest.raises(NewerDatabaseError, match="9999"):
            await migrate(database)


def mark_as_later(conn: Connection) -> None:
    """Mark the database as one of a later version, whose schema no earlier one can use."""
    conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    conn.exec_driver_sql("UPDATE facts SET value = '9999' WHERE name = 'schema_compatible_with'")


async def test_no_update_is_lost_between_two_writers(open_database: OpenDatabase, database_url: str) -> None:
    """With deferred transactions both would read 0, and one increment would be lost or fail (rule L1)."""
    import asyncio

    def increment(conn: Connection) -> None:
        head = tables.log_head
        pos: int = conn.scalars(sa.select(head.c.pos).with_for_update()).one()
        conn.execute(sa.update(head).values(pos=pos + 1))

    async with open_database() as one, open_database() as other:
        await asyncio.gather(*(database.write(increment) for database in (one, other) for _ in range(40)))
        assert await one.read(lambda conn: conn.scalar(sa.select(tables.log_head.c.pos))) == 80


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_the_version_is_read_once_for_requests_that_arrive_together_and_sees_each_commit(
    open_database: OpenDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[object] = []
    compare = SQLiteBackend._compare_version

    def count(self: SQLiteBackend) -> int | None:
        calls.append(self)
        return compare(self)

    monkeypatch.setattr(SQLiteBackend, "_compare_version", count)
    async with open_database() as reading, open_database() as writing:
        await migrate(writing)
        for number in range(20):
            before = reading.read_version()
            calls.clear()
            await (writing, reading)[number % 2].write(
                lambda conn: conn.execute(sa.update(tables.log_head).values(pos=tables.log_head.c.pos + 1))
            )
            after = [reading.read_version() for _ in range(5)]
            assert after == [after[0]] * 5 != [before] * 5
            assert len(calls) == 1


@pytest.mark.parametrize("database_kind", ["postgresql"])
async def test_tables_that_have_grown_are_analyzed_at_once(open_database: OpenDatabase) -> None:
    rows = [{"path": f"p{n}", "id": f"{n}", "handle": f"h{n}", "title": "t", "sort_title": "t"} for n in range(2_000)]
    known = sa.text("SELECT reltuples FROM pg_class WHERE relname = 'categories'")
    async with open_database() as database:
        await database.write(lambda conn: conn.execute(sa.insert(tables.categories), rows))

        async def is_analyzed() -> bool:
            await database.tidy()
            return bool(await database.read(lambda conn: conn.scalar(known)) == len(rows))

        await wait_for(is_analyzed, 10)


@pytest.mark.parametrize("database_kind", ["postgresql"])
async def test_tables_of_others_are_not_analyzed(open_database: OpenDatabase) -> None:
    def create_table(conn: Connection) -> None:
        conn.exec_driver_sql("CREATE SCHEMA other")
        conn.exec_driver_sql("CREATE TABLE other.categories AS SELECT generate_series(1, 5000) AS n")

    async with open_database() as database:
        await database.write(create_table)

        async def is_counted() -> bool:
            text = sa.text("SELECT n_live_tup FROM pg_stat_user_tables WHERE schemaname = 'other'")
            return bool(await database.read(lambda conn: conn.scalar(text)))

        await wait_for(is_counted, 10)
        await database.tidy()
        known = sa.text("SELECT last_analyze FROM pg_stat_user_tables WHERE schemaname = 'other'")
        assert await database.read(lambda conn: conn.scalar(known)) is None


@pytest.mark.parametrize("database_kind", ["postgresql"])
async def test_a_connection_that_the_server_has_closed_is_not_used(open_database: OpenDatabase) -> None:
    end_others = sa.text(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    async with open_database() as database, open_database() as other:
        await database.write(mark_as_later)
        assert True in await other.read(lambda conn: conn.scalars(end_others).all())
        await other.read(lambda conn: conn.scalar(sa.select(1)))  # the event loop sees the closed sockets meanwhile
        await database.write(mark_as_later)


@pytest.mark.parametrize("database_kind", ["postgresql"])
@pytest.mark.parametrize(("unchecked_time", "questions"), [(60.0, 0), (0.0, 3)])
async def test_the_server_is_asked_only_about_connections_that_were_idle(
    open_database: OpenDatabase, monkeypatch: pytest.MonkeyPatch, unchecked_time: float, questions: int
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(postgresql_backend, "UNCHECKED_TIME", unchecked_time)
    async with open_database() as database:
        await database.read(lambda conn: conn.scalar(sa.select(1)))
        monkeypatch.setattr(PGDialect_asyncpg, "do_ping", lambda _, connection: asked.append(connection))
        for _ in range(3):
            await database.read(lambda conn: conn.scalar(sa.select(1)))
    assert len(asked) == questions


@pytest.mark.parametrize("database_kind", ["postgresql"])
async def test_connections_keep_what_a_random_page_costs(database_url: str) -> None:
    def fail(conn: Connection) -> None:
        conn.execute(sa.text("SELECT 1"))
        raise ZeroDivisionError

    database = Database(database_url)
    with pytest.raises(ZeroDivisionError):
        await database.write(fail)
    costs = [
        await run(lambda conn: conn.scalar(sa.text("SHOW random_page_cost"))) for run in (database.read, database.write)
    ]
    await database.close()
    assert costs == ["1.1", "1.1"]
