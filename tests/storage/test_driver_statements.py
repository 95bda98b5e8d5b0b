"""Driver statements: the same rows, errors and records of changes as through SQLAlchemy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from gateway.storage.change_log import log_change
from gateway.storage.change_tracking import has_changed_rows
from gateway.storage.database import Database
from gateway.storage.errors import StorageUnavailableError, find_outage, is_conflict, is_data_error
from gateway.storage.migrate import migrate
from gateway.storage.postgresql_backend import PoolOptions
from gateway.storage.sql.bulk import BulkSelect
from gateway.storage.sql.driver_statements import DriverChange, DriverSelect, fetch_rows
from gateway.storage.tables import Instant, carts, categories, changes, products

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
_numbers = sa.select(sa.literal(1).label("n")).cte("numbers", recursive=True)
_numbers = _numbers.union_all(sa.select(_numbers.c.n + 1))
ENDLESS = DriverSelect(sa.select(sa.func.count().label("count")).select_from(_numbers))
CATEGORY = {"id": "c1", "handle": "mugs", "title": "Mugs", "sort_title": "mugs", "parent_id": None, "path": "mugs"}
_insert_category = DriverChange(sa.insert(categories), list(CATEGORY))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, PoolOptions(size=2, overflow=0))
    await migrate(database)
    yield database
    await database.close()


def build_row(table: sa.Table, number: int) -> dict[str, Any]:
    """Build a row of any table, with null in every second column that may be null."""
    return {
        column.name: None if column.nullable and (number + position) % 2 else build_value(column, number)
        for position, column in enumerate(table.columns)
    }


def build_value(column: sa.Column[Any], number: int) -> Any:
    if isinstance(column.type, sa.Boolean):
        return number % 2 == 0
    if isinstance(column.type, Instant):
        return NOW
    return number if column.type.python_type is int else f"{column.name}-{number}"


@pytest.mark.parametrize("table", [products, carts, changes], ids=lambda table: table.name)
async def test_rows_are_those_of_sqlalchemy(database: Database, table: sa.Table) -> None:
    def compare(conn: Connection) -> None:
        conn.execute(sa.insert(table), [build_row(table, number) for number in range(1, 4)])
        statement = sa.select(table).order_by(*table.primary_key.columns)
        expected, select = conn.execute(statement).all(), DriverSelect(statement)
        for found in (select.fetch(conn, {}), select.fetch(conn, {}), fetch_rows(conn, statement)):
            assert [tuple(row) for row in found] == [tuple(row) for row in expected]
            assert [row._asdict() for row in found] == [row._asdict() for row in expected]

    await database.write(compare)


async def test_a_list_of_values_has_any_length_however_often_the_statement_is_used(database: Database) -> None:
    listed = sa.select(categories.c.id).where(categories.c.title.in_(sa.bindparam("titles", expanding=True)))
    select, by_key = DriverSelect(listed), BulkSelect(listed, categories.c.id)

    def compare(conn: Connection) -> None:
        _insert_category.run(conn, CATEGORY)
        longer = [["Mugs", *map(str, range(length))] for length in range(30)]  # more lengths than are compiled
        for titles in [["Mugs"], ["Mugs", "Cups"], [], ["Cups"], ["Mugs"], *longer] * 3:
            expected = [("c1",)] if "Mugs" in titles else []
            assert [tuple(row) for row in select.fetch(conn, {"titles": titles})] == expected
            assert [tuple(row) for row in by_key.select(conn, ["c1", "c2"], titles=titles)] == expected

    await database.write(compare)


async def test_values_of_parameters_are_converted_alike(database: Database) -> None:
    later = sa.bindparam("since", type_=changes.c.at.type)
    statement = sa.select(changes.c.id).where(changes.c.at >= later, changes.c.kind.in_(["PRODUCT", "STOCK"]))

    by_kind = DriverSelect(statement)

    def count(conn: Connection, since: datetime) -> tuple[int, int]:
        return len(by_kind.fetch(conn, {"since": since})), len(conn.execute(statement, {"since": since}).all())

    for kind in ("PRODUCT", "LISTING", "STOCK"):
        await database.write(log_change, kind, [("1", 1)], NOW)
    for _ in range(2):
        assert await database.read(count, NOW) == (2, 2)
    assert await database.read(count, NOW.replace(year=2027)) == (0, 0)


async def test_values_of_lists_are_converted_alike(database: Database) -> None:
    times = sa.bindparam("times", type_=changes.c.at.type, expanding=True)
    by_time = DriverSelect(
        sa.select(changes.c.at).where(changes.c.at.in_(times), changes.c.kind == sa.bindparam("kind"))
    )
    await database.write(log_change, "PRODUCT", [("1", 1)], NOW)
    for _ in range(3):
        for others in ([], [NOW.replace(year=2027)]):
            found = await database.read(by_time.fetch, {"times": [*others, NOW], "kind": "PRODUCT"})
            assert [row.at for row in found] == [NOW]
            assert await database.read(by_time.fetch, {"times": others, "kind": "PRODUCT"}) == []


async def test_a_parameter_that_is_left_out_is_an_error(database: Database) -> None:
    rename = DriverChange(sa.update(categories).where(categories.c.id == sa.bindparam("_id")), ("title", "handle"))
    select = DriverSelect(sa.select(categories).where(categories.c.id == sa.bindparam("id")))
    for _ in range(2):
        await database.read(select.fetch, {"id": "c1"})
    with pytest.raises(KeyError, match="id"):
        await database.read(select.fetch, {})
    with pytest.raises(KeyError, match="handle"):
        await database.write(rename.run, {"_id": "c1", "title": "Cups"})


async def test_changed_rows_are_recorded(database: Database) -> None:
    rename = DriverChange(sa.update(categories).where(categories.c.id == sa.bindparam("_id")), ("title",))

    def observe(conn: Connection) -> list[bool]:
        seen = [has_changed_rows(conn)]
        assert rename.run(conn, {"_id": "nothing", "title": "Cups"}) == 0
        DriverSelect(sa.select(categories)).fetch(conn, {})
        seen.append(has_changed_rows(conn))
        assert _insert_category.run(conn, CATEGORY) == 1
        return [*seen, has_changed_rows(conn)]

    assert await database.write(observe) == [False, False, True]


async def test_a_violated_constraint_is_an_error_of_the_data_or_a_conflict(database: Database) -> None:
    await database.write(_insert_category.run, CATEGORY)
    with pytest.raises(DBAPIError) as caught:
        await database.write(_insert_category.run, CATEGORY)
    assert is_data_error(caught.value) and not find_outage(caught.value)
    assert is_conflict(caught.value) == (database.dialect == "postgresql")
    assert "mugs" not in str(caught.value)


async def test_listeners_see_the_statements(database: Database) -> None:
    seen: list[str] = []

    def record(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    sa.event.listen(Engine, "before_cursor_execute", record)
    try:
        await database.write(_insert_category.run, CATEGORY)
        await database.read(lambda conn: BulkSelect(sa.select(categories), categories.c.id).select(conn, ["c1"]))
    finally:
        sa.event.remove(Engine, "before_cursor_execute", record)
    assert [text.split()[0] for text in seen if "categories" in text] == ["INSERT", "SELECT"]


async def test_a_read_that_is_given_up_frees_its_connection(database: Database) -> None:
    for _ in range(5):
        reading = asyncio.create_task(database.read(ENDLESS.fetch, {}))
        await asyncio.sleep(0.02)  # the statement is in progress, most probably; the promise holds before, too
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
    async with asyncio.timeout(10):
        assert await database.read(DriverSelect(sa.select(sa.literal(1).label("one"))).fetch, {}) == [(1,)]


async def test_a_lost_connection_is_replaced(database: Database) -> None:
    if database.dialect == "sqlite":
        pytest.skip("SQLite has no connection that a server closes")
    pid = DriverSelect(sa.select(sa.func.pg_backend_pid().label("pid")))

    def read_then_lose(conn: Connection) -> None:
        own = pid.fetch(conn, {})[0].pid
        conn.execute(sa.select(sa.func.pg_terminate_backend(own)))
        pid.fetch(conn, {})

    other = Database(database.url)
    with pytest.raises(StorageUnavailableError):
        await other.write(read_then_lose)
    assert len(await other.read(pid.fetch, {})) == 1
    await other.close()
